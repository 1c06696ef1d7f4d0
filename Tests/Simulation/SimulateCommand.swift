import ArgumentParser
import FederationSimulation
import Foundation
import Synchronization

/// Lives many lives of a federation in virtual time, and ends with `N passed, N failed`.
@main
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Gateway and boards in virtual time, over links and machines that suffer what chance brings.",
    discussion: """
      The gateway is the engine that fedbridge runs, the boards are the firmware's runtime on flash that can lose \
      power in every operation. A failure names its seed; the same seed lives the same life again.
      """)

  @Option(help: "Schedules drawn from seeds.")
  var schedules = 2000

  @Option(help: "The first seed.")
  var seed: UInt64 = 1

  @Flag(help: "A cut of the wire after every single byte of a round.")
  var cuts = false

  @Flag(help: "A power cut in every single flash operation of a round.")
  var powerCuts = false

  @Flag(help: "Print what happened in the life of the first seed, and nothing else.")
  var story = false

  func run() throws {
    if story { return try Schedule(seed: seed).tell { print($0) } }
    let tally = Tally()
    try each(schedules) { index in
      let seed = seed &+ UInt64(index)
      let (suffered, violations) = try Schedule(seed: seed).run()
      tally.note(suffered, violations.map { "seed \(seed): \($0)" })
    }
    if schedules > 0 { print("\(schedules) schedules from seed \(seed) on: \(tally.suffered)") }
    for coding in Exhaustion.codings {
      if cuts {
        let exhaustion = try Exhaustion(coding)
        try each(exhaustion.wireBytes) { byte in
          tally.note(Sufferings(), try exhaustion.cut(afterByte: byte + 1))
        }
        print(
          "\(exhaustion.wireBytes) cuts of a round in \(coding): at most \(exhaustion.mostResent) bytes sent again"
        )
      }
      if powerCuts {
        let exhaustion = try Exhaustion(coding)
        try each(exhaustion.flashOperations) { operation in
          tally.note(Sufferings(), try exhaustion.cutPower(atOperation: operation + 1))
        }
        print("\(exhaustion.flashOperations) power cuts in a round in \(coding)")
      }
    }
    for violation in tally.violations.prefix(40) { print("FAILED ", violation) }
    print("\(tally.passed) passed, \(tally.failed) failed")
    if tally.failed > 0 { throw ExitCode.failure }
  }

  /// Does so many pieces of work on all processors; the first error is thrown.
  private func each(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      do { try body(index) } catch { failure.withLock { $0 = $0 ?? error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// What came of all lives.
private final class Tally: Sendable {
  private struct State {
    var suffered = Sufferings()
    var violations: [String] = []
    var passed = 0
    var failed = 0
  }
  private let state = Mutex(State())

  func note(_ suffered: Sufferings, _ violations: [String]) {
    state.withLock {
      $0.suffered += suffered
      $0.violations += violations
      if violations.isEmpty { $0.passed += 1 } else { $0.failed += 1 }
    }
  }

  var suffered: Sufferings { state.withLock(\.suffered) }
  var violations: [String] { state.withLock { $0.violations.sorted() } }
  var passed: Int { state.withLock(\.passed) }
  var failed: Int { state.withLock(\.failed) }
}
