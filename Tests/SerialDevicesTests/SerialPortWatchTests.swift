import Foundation
import Testing

@testable import SerialDevices

/// How many watch threads this process has.
private func watchThreads() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count {
    let name = try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)
    return name == WatchThread.name + "\n"
  }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct SerialPortWatchTests {
  @Test func theRealLibudevListsWhatIsThereWithOrWithoutADaemon() async throws {
    var ports = 0
    for await report in try SerialPortWatch().reports {
      switch report {
      case .port(.appeared(let port)):
        ports += 1
        #expect(port.usb.vendor == 0x2341 && port.node.hasPrefix("/dev/"))
      case .port, .relisted, .hotPlug: continue
      case .listed(let count, let hotPlug):
        #expect(count == ports)
        #expect(hotPlug == FileManager.default.fileExists(atPath: "/run/udev/control"))
        return
      case .failed(let error): Issue.record("\(error)")
      }
    }
  }

  @Test func aCancelledWatchLeavesNoThreadBehind() async throws {
    let (listed, told) = AsyncStream<Void>.makeStream()
    let watches = try (0..<8).map { _ in try SerialPortWatch() }.map { watch in
      Task { for await case .listed in watch.reports { told.yield() } }
    }
    var running = listed.makeAsyncIterator()
    for _ in watches { await running.next() }
    #expect(try watchThreads() == watches.count)
    for watch in watches { watch.cancel() }
    for watch in watches { await watch.value }
    while try watchThreads() > 0 { await Task.yield() }
  }

  @Test func aWatchNobodyReadsEndsWithItsStream() async throws {
    do { _ = try SerialPortWatch() }
    while try watchThreads() > 0 { await Task.yield() }
  }

  @Test func aWatchThatIsAskedToListAgainLivesOn() async throws {
    try await listAgain()
    while try watchThreads() > 0 { await Task.yield() }
  }

  private func listAgain() async throws {
    let watch = try SerialPortWatch()
    for await report in watch.reports {
      if case .failed(let error) = report { Issue.record("\(error)") }
      guard case .listed = report else { continue }
      for _ in 0..<100 { watch.relist() }
      #expect(try watchThreads() == 1)
      return
    }
    Issue.record("the watch ended by itself")
  }

  @Test func theErrorIsOneLineWithTheSystemsWords() {
    let error = SerialWatchError(call: "udev_new", errno: ENOMEM)
    #expect(
      error.description.contains("udev_new: Cannot allocate memory") && !error.description.contains("\n"))
  }
}
