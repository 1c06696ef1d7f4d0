import Gateway
import Rounds
import Synchronization
public import UpdateCodec
import VirtualHardware

/// One round of one board, with one mishap at each place where there can be one.
public final class Exhaustion: Sendable {
  /// The codings in which it is worth doing: what a board writes differs between them.
  public static let codings: [UpdateCoding] = [.float32, .step(sixteenths: 32)]
  /// Bytes that may be sent again after a cut: the window, and the chunk that was cut.
  private static let tolerated = SimulatedFederation.boardWindow + 1024

  private let experiment: Experiment
  private let expected: [[Float]]
  private let objectBytes: Int
  private let resent = Mutex(0)
  /// Bytes that a round without mishap takes on the wire.
  public let wireBytes: Int
  /// Operations that it takes on the board's flash.
  public let flashOperations: Int

  /// A round in which differences are coded so.
  public init(_ coding: UpdateCoding) throws {
    experiment = try Experiment(boards: 1, rounds: 1, hidden: 40, coding: coding)
    expected = try experiment.expected(rounds: 1)
    let calm = experiment.federation(seed: 1)
    guard calm.run(seconds: 600), calm.ledger.parameters == expected else { throw CalmRoundFailed() }
    wireBytes = calm.wireBytes
    objectBytes = calm.objectBytes
    flashOperations = calm.boards[0].flash.operations
  }

  /// The most bytes of objects that were sent again after any of the cuts so far.
  public var mostResent: Int { resent.withLock { $0 } }

  /// Cuts the wire after this many bytes, from 1.
  ///
  /// - Returns: what that broke of what is promised.
  public func cut(afterByte byte: Int) throws -> [String] {
    var hardships = Hardships()
    hardships.cutAfterBytes = byte
    let federation = experiment.federation(seed: 1, hardships)
    var broken = verdict(on: federation)
    let again = federation.objectBytes - objectBytes
    resent.withLock { $0 = max($0, again) }
    if again > Self.tolerated { broken.append("\(again) bytes were sent again") }
    return broken.map { "cut after byte \(byte) in \(experiment.coding): \($0)" }
  }

  /// Cuts the board's power in this operation of its flash, from 1.
  ///
  /// - Returns: what that broke of what is promised.
  public func cutPower(atOperation operation: Int) throws -> [String] {
    let federation = experiment.federation(seed: 1)
    federation.cutPower(ofBoard: 0, atOperation: operation)
    return verdict(on: federation).map {
      "power cut in operation \(operation) in \(experiment.coding): \($0)"
    }
  }

  private func verdict(on federation: SimulatedFederation) -> [String] {
    var broken: [String] = []
    if !federation.run(seconds: 600) { broken.append("the round was not held") }
    if federation.ledger.parameters != expected { broken.append("the model is another one") }
    if federation.boards[0].model != "\(federation.ledger.model.version.hash)" {
      broken.append("the board does not hold the model")
    }
    return broken + federation.brokenPromises()
  }
}

/// A round without any mishap did not do what it should.
struct CalmRoundFailed: Error {}
