import Datasets
import LinkProtocol
import Testing

/// Everything that needs an emulated board; one after the other, as each takes a processor.
@Suite(
  .serialized,
  .enabled(if: Emulation.lack == nil, Comment(rawValue: Emulation.lack ?? "")))
struct EmulatedBoardTests {}

/// What a round gave.
struct RoundResult: Equatable {
  var update: [UInt8]
  var evaluation: EvaluationReport
}

extension EmulatedBoardTests {
  /// The round on the reference board.
  static func reference(
    _ scratch: Scratch, _ shard: Dataset, model: [UInt8], epochs: UInt16
  ) throws -> RoundResult {
    let board = try ReferenceBoard(shard: shard, id: 7, flash: scratch.file("reference.flash"))
    let side = board.side
    try #require(board.run { side.session.isEstablished })
    let name = board.offer(model)
    try #require(board.run { side.delivered.contains(name) })
    side.send(.evaluate(EvaluationTask(model: name.digest)))
    side.send(.train(Material.task(name, epochs: epochs)))
    try #require(board.run { !side.updates.isEmpty && !side.evaluations.isEmpty })
    return RoundResult(update: side.updates[0], evaluation: side.evaluations[0])
  }

  /// The round on an emulated board, from wherever it stands.
  static func round(
    _ link: SerialLink, _ side: GatewaySide, model: [UInt8], epochs: UInt16
  ) throws -> RoundResult {
    try #require(link.run(side) { side.session.isEstablished })
    let name = side.offer(model, now: SerialLink.now)
    try #require(link.run(side) { side.delivered.contains(name) }, "the model was not confirmed")
    side.send(.evaluate(EvaluationTask(model: name.digest)))
    side.send(.train(Material.task(name, epochs: epochs)))
    let isDone = link.run(side) { !side.updates.isEmpty && !side.evaluations.isEmpty }
    try #require(isDone, "no update: \(side.problems) \(side.logLines)")
    return RoundResult(update: side.updates[0], evaluation: side.evaluations[0])
  }

  @Test(arguments: ["digits", "exercises"])
  func `a round gives the bits that the virtual board gives`(dataset: String) throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: dataset)
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: 24)
    let expected = try Self.reference(scratch, shard, model: model, epochs: 3)

    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), id: "c0ffee", state: scratch.file("board.flash"))
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    let result = try Self.round(link, side, model: model, epochs: 3)
    #expect(side.welcomes[0].board == 0xc0ffee)
    #expect(side.welcomes[0].examples == UInt32(shard.indices(of: .train).count))
    #expect(result == expected, "\(board.said)")
    #expect(side.violations.isEmpty)
    // The heap was sealed before all this, so nothing was allocated; a fault would have been reported.
    #expect(board.said.isEmpty)
    print("qemu-board \(dataset): \(side.logLines)")
  }
}
