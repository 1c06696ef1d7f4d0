/// Which ports are present, kept from reports that may come twice, late, or not at all.
///
/// libudev tells of devices in two ways: a listing of what is there, and a monitor of what changes. The monitor is
/// enabled before the listing is made, so a device that is plugged in meanwhile is told of twice and never missed.
/// Both ways end in this value, which tells a device once. It does no I/O.
///
/// Every event it answers keeps these rules, whatever it is fed: `appeared` only for a port that was absent,
/// `changed` and `vanished` only for one that was present, and no two present ports with the same node.
public struct PortInventory: Sendable {
  private var present: [String: SerialPort] = [:]

  /// An inventory of nothing.
  public init() {}

  /// The ports present, in the order of their nodes.
  public var ports: [SerialPort] { present.values.sorted { $0.node < $1.node } }

  /// The monitor tells of a port: added or changed. Even where nothing is known to be different its permissions may
  /// be, so this is never silent.
  public mutating func announced(_ port: SerialPort) -> [PortEvent] {
    let events = seen(port)
    return events.isEmpty ? [.changed(port)] : events
  }

  /// A port is there.
  public mutating func seen(_ port: SerialPort) -> [PortEvent] {
    var events: [PortEvent] = []
    // A node has one device. Another port that claims it is gone and its removal was lost.
    for stale in ports where stale.node == port.node && stale.devicePath != port.devicePath {
      events += lost(devicePath: stale.devicePath)
    }
    guard let known = present.updateValue(port, forKey: port.devicePath) else {
      return events + [.appeared(port)]
    }
    if known == port { return events }
    return events + (known.isSamePlugging(as: port) ? [.changed(port)] : [.vanished(known), .appeared(port)])
  }

  /// The port at this device path is gone, or is no board any more. Unknown paths are ignored.
  public mutating func lost(devicePath: String) -> [PortEvent] {
    present.removeValue(forKey: devicePath).map { [.vanished($0)] } ?? []
  }

  /// A complete listing: what it does not hold is gone.
  public mutating func listed(_ listing: [SerialPort]) -> [PortEvent] {
    let remaining = Set(listing.map(\.devicePath))
    var events: [PortEvent] = []
    for port in ports where !remaining.contains(port.devicePath) {
      events += lost(devicePath: port.devicePath)
    }
    for port in listing { events += seen(port) }
    return events
  }
}
