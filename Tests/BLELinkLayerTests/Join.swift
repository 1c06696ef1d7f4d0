import Testing

@testable import BLELinkLayer

extension World {
  var host: RawHost { peripheral.host as! RawHost }

  /// A world in which the host advertises and the central wants to connect.
  static func connecting(
    seed: UInt64 = 1, peripheralDrift: Int64 = 0, centralDrift: Int64 = 0,
    configuration: LinkLayerConfiguration = LinkLayerConfiguration(), change: (TestCentral) -> Void = { _ in }
  ) -> World {
    let world = World(
      seed: seed, peripheralDrift: peripheralDrift, centralDrift: centralDrift, configuration: configuration)
    world.host.advertise()
    world.central.role = .initiating
    change(world.central)
    return world
  }

  /// A world in which the two are connected, and the host knows.
  static func connected(
    seed: UInt64 = 1, peripheralDrift: Int64 = 0, centralDrift: Int64 = 0,
    configuration: LinkLayerConfiguration = LinkLayerConfiguration(), change: (TestCentral) -> Void = { _ in }
  ) -> World {
    let world = connecting(
      seed: seed, peripheralDrift: peripheralDrift, centralDrift: centralDrift, configuration: configuration,
      change: change)
    #expect(world.run { world.host.last(0x3e, subevent: 1) != nil && world.central.answeredEvents > 1 })
    return world
  }

  /// Octets that the peripheral's host got, with the flags of their packets.
  var delivered: [[UInt8]] { host.data.map { Array($0[5...]) } }

  /// Octets that came from the peripheral's host.
  var uploaded: [[UInt8]] { central.received.filter { $0.kind != 3 }.map(\.payload) }
}
