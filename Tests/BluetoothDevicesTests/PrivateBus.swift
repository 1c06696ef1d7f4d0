import Foundation
import Testing

@testable import BluetoothDevices

/// A message bus of our own: Debian's dbus-daemon, which ends with this object.
final class PrivateBus {
  let address: String
  private let process = Process()

  init() throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/dbus-daemon")
    process.arguments = ["--session", "--print-address=1", "--nofork", "--nopidfile"]
    let output = Pipe()
    process.standardOutput = output
    // Whoever waits for the end of the tests' output must not wait for this program.
    process.standardError = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    address = line.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  // A program started by a thread that blocks signals blocks them too, but for this one. Foundation reaps it; to wait for
  // that would need a run loop, which a test's thread has not.
  deinit { kill(process.processIdentifier, SIGKILL) }
}

/// Two connections on a bus, turned by the test's own thread.
struct BusPair {
  let caller: SystemBus
  let server: SystemBus

  init(_ bus: PrivateBus) throws(BusError) {
    caller = try SystemBus(address: bus.address)
    server = try SystemBus(address: bus.address)
  }

  func target(_ member: String) -> BusTarget {
    BusTarget(service: server.uniqueName, path: "/test", interface: "test.Test", member: member)
  }

  /// Calls a method of the server and turns both until it is answered.
  func call(_ member: String, _ arguments: [BusArgument] = []) -> Result<[BusValue], BusError> {
    var answer: Result<[BusValue], BusError>?
    caller.call(target(member), arguments, patience: 5_000_000) { answer = $0 }
    while answer == nil { turn() }
    return answer!
  }

  /// Waits for either connection and does what came in.
  func turn() {
    var set = [caller, server].map { bus in
      let wait = bus.wait
      return pollfd(fd: wait.descriptor, events: wait.events, revents: 0)
    }
    poll(&set, nfds_t(set.count), 20)
    _ = caller.process()
    _ = server.process()
  }
}
