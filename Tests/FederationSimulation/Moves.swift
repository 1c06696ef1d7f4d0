import Gateway
import PropertyTesting
import Rounds
public import UpdateCodec

/// A federation whose boards have a cable and a radio, drawn from a seed: cables are plugged in and pulled at random
/// moments, and nothing else happens.
public struct Moves: Sendable {
  /// What everything is drawn from.
  public let seed: UInt64
  private static let boards = 3
  private static let rounds: UInt32 = 3
  private static let codings: [UpdateCoding] = [.float32, .lossless, .step(sixteenths: 32), .stc(oneIn: 8)]

  /// The life of a seed.
  public init(seed: UInt64) { self.seed = seed }

  private func experiment(_ random: inout SeededGenerator) throws -> Experiment {
    let coding = Self.codings[Int(random.next() % UInt64(Self.codings.count))]
    // No round may go on without one of them, or the result would be another one.
    return try Experiment(
      boards: Self.boards, rounds: Self.rounds, hidden: 100, coding: coding, quorum: .boards(Self.boards))
  }

  private func links(_ random: inout SeededGenerator) -> Hardships {
    var hardships = Hardships()
    hardships.hasRadio = true
    hardships.byteTime = 2 + random.next() % 40
    hardships.delay = 100 + random.next() % 5000
    hardships.sliceTime = [200, 5000][Int(random.next() % 2)]
    return hardships
  }

  /// Lives it.
  ///
  /// - Returns: what it suffered, the bytes of objects that were sent again, and what it broke of what is promised.
  public func run(telling say: ((String) -> Void)? = nil) throws -> (
    suffered: Sufferings, again: Int, violations: [String]
  ) {
    var random = SeededGenerator(seed: seed)
    let experiment = try experiment(&random)
    var hardships = links(&random)
    let calm = experiment.federation(seed: seed, hardships)
    guard calm.run(seconds: 3600) else { throw CalmRoundFailed() }
    hardships.unplugs = [0.002, 0.01][Int(random.next() % 2)]
    hardships.unpluggedFor = [20_000, 1_000_000][Int(random.next() % 2)]
    hardships.noticeTime = [0, 20_000][Int(random.next() % 2)]
    let federation = experiment.federation(seed: seed, hardships)
    federation.tell = say
    var violations: [String] = []
    if !federation.run(seconds: 3600) { violations.append("after an hour not all rounds were held") }
    violations += federation.brokenPromises()
    for round in 1...Self.rounds where federation.ledger.counted[RoundNumber(round)]?.count != Self.boards {
      violations.append("round \(round) was held without all boards")
    }
    if try federation.ledger.parameters != experiment.expected(rounds: Int(Self.rounds)) {
      violations.append("the models are not those of the undisturbed federation (\(experiment.coding))")
    }
    if federation.failures > 0 {
      violations.append("\(federation.failures) failures were held against boards")
    }
    let again = federation.objectBytes - calm.objectBytes
    let sessions = federation.sessions - Self.boards
    if again > sessions * SimulatedFederation.boardWindow {
      violations.append("\(again) bytes were sent again in \(sessions) more sessions")
    }
    return (federation.suffered, again, violations.map { "seed \(seed): \($0)" })
  }
}

/// One round of one board that moves once, at each place where it can.
public final class MoveExhaustion {
  private let experiment: Experiment
  private let expected: [[Float]]
  private let objectBytes: Int
  /// Bytes that a round takes on the wire.
  public let wireBytes: Int

  /// A round in which differences are coded so.
  public init(_ coding: UpdateCoding) throws {
    experiment = try Experiment(boards: 1, rounds: 1, hidden: 130, coding: coding, quorum: .boards(1))
    expected = try experiment.expected(rounds: 1)
    let calm = experiment.federation(seed: 1)
    guard calm.run(seconds: 600), calm.ledger.parameters == expected else { throw CalmRoundFailed() }
    wireBytes = calm.wireBytes
    objectBytes = calm.objectBytes
  }

  /// Plugs the cable in after this many bytes went over the air, or pulls it after so many went over it.
  ///
  /// - Returns: the bytes of objects that were sent again, and what that broke of what is promised.
  public func move(afterByte byte: Int, toCable: Bool) throws -> (again: Int, violations: [String]) {
    var hardships = Hardships()
    hardships.hasRadio = true
    if toCable {
      hardships.plugsAfterBytes = byte
    } else {
      hardships.cutAfterBytes = byte
      hardships.cutFor = 3_600_000_000
    }
    let federation = experiment.federation(seed: 1, hardships)
    var broken: [String] = []
    if !federation.run(seconds: 600) { broken.append("the round was not held") }
    if federation.ledger.parameters != expected { broken.append("the model is another one") }
    if federation.suffered.moves != 1 { broken.append("the board moved \(federation.suffered.moves) times") }
    if federation.failures > 0 { broken.append("a failure was held against the board") }
    let again = federation.objectBytes - objectBytes
    if again > SimulatedFederation.boardWindow { broken.append("\(again) bytes were sent again") }
    broken += federation.brokenPromises()
    return (
      again,
      broken.map { "\(toCable ? "plugged in" : "pulled") after byte \(byte) in \(experiment.coding): \($0)" }
    )
  }
}
