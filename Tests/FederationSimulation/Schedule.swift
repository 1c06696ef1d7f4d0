import Gateway
import PropertyTesting
import Rounds
import UpdateCodec

/// One life of a federation, drawn from a seed: experiment, codings, links and every mishap.
public struct Schedule: Sendable {
  /// What everything is drawn from.
  public let seed: UInt64
  /// Rounds that are held.
  public static let rounds: UInt32 = 3
  private static let codings: [UpdateCoding] = [.float32, .lossless, .step(sixteenths: 32), .stc(oneIn: 8)]

  /// The schedule of a seed.
  public init(seed: UInt64) { self.seed = seed }

  private func begin() throws -> (Experiment, SimulatedFederation) {
    var random = SeededGenerator(seed: seed)
    let coding = Self.codings[Int(random.next() % UInt64(Self.codings.count))]
    let experiment = try Experiment(boards: 3, rounds: Self.rounds, coding: coding)
    return (experiment, experiment.federation(seed: random.next(), Hardships(by: &random)))
  }

  /// Lives it and tells what happens, one line at a time.
  public func tell(_ say: @escaping (String) -> Void) throws {
    let (_, federation) = try begin()
    federation.tell = say
    _ = federation.run(seconds: 3600)
  }

  /// Lives it.
  ///
  /// - Returns: what it suffered, and what it broke of what is promised.
  public func run() throws -> (suffered: Sufferings, violations: [String]) {
    let (experiment, federation) = try begin()
    var violations: [String] = []
    if !federation.run(seconds: 3600) { violations.append("after an hour not all rounds were held") }
    violations += federation.brokenPromises()
    // With all boards in every round, no hardship leaves a trace in the result: whatever was sent, kept or left out was
    // counted once.
    let rounds = (1...Self.rounds).map { federation.ledger.counted[RoundNumber($0)] ?? [] }
    if rounds.allSatisfy({ $0.count == experiment.shards.count }) {
      let expected = try experiment.expected(rounds: rounds.count)
      if federation.ledger.parameters != expected {
        violations.append("the models are not those of federated averaging in memory (\(experiment.coding))")
      }
    }
    return (federation.suffered, violations)
  }
}

extension SimulatedFederation {
  /// What of its promises does not hold now, in words.
  func brokenPromises() -> [String] {
    var broken: [String] = []
    for (round, boards) in ledger.counted where boards.isEmpty || Set(boards).count != boards.count {
      broken.append("round \(round) counted \(boards)")
    }
    if ledger.countedTwice { broken.append("an update was counted in two rounds") }
    if mostUnderWayToBoard > Self.boardWindow {
      broken.append(
        "\(mostUnderWayToBoard) bytes were under way to a board that has room for \(Self.boardWindow)")
    }
    return broken
  }
}
