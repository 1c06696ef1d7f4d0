import BluetoothDevices
import BluetoothPolicy
import ServiceLifecycle

/// Watches BlueZ, asks it again when it went away, and tells the gateway.
struct RadioDiscovery: Service {
  /// Pauses between attempts to find BlueZ.
  private static let pauses: [Duration] = [.seconds(1), .seconds(2), .seconds(5), .seconds(15), .seconds(30)]
  /// How often the radios' switches are looked at.
  private static let switchPause = Duration.seconds(3)

  private let daemon: GatewayDaemon
  private let blueZ: BlueZ

  /// Gives the daemon its radio, so that it can be asked for boards before BlueZ has said a word.
  ///
  /// - Throws: ``BlueZError/noThread(errno:)``.
  init(daemon: GatewayDaemon, settings: RadioSettings, prefersGATT: Bool) async throws(BlueZError) {
    self.daemon = daemon
    blueZ = try BlueZ(boardService: BoardService.service)
    await daemon.serve(Radio(blueZ: blueZ, settings: settings, prefersGATT: prefersGATT))
  }

  func run() async throws {
    await cancelWhenGracefulShutdown { await follow(blueZ) }
  }

  private func follow(_ blueZ: BlueZ) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await event in blueZ.events { await daemon.radioChanged(event) } }
      group.addTask { await poke(blueZ) }
      group.addTask {
        while !Task.isCancelled {
          try? await Task.sleep(for: Self.switchPause)
          await daemon.lookAtSwitches()
        }
      }
    }
  }

  /// Asks BlueZ to be there, for as long as it is not.
  private func poke(_ blueZ: BlueZ) async {
    var failures = 0
    while !Task.isCancelled {
      do throws(BlueZError) {
        try await blueZ.poke()
        failures = 0
      } catch {
        await daemon.radioChanged(.notRunning(error))
        failures += 1
      }
      try? await Task.sleep(for: Self.pauses[min(failures, Self.pauses.count - 1)])
    }
  }
}
