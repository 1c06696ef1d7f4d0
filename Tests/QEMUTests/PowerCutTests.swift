import Datasets
import LinkProtocol
import PropertyTesting
import Testing

extension EmulatedBoardTests {
  @Test func `a board killed in the middle of a transfer is brought to the model after its restart`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: 200)
    let expected = try Self.reference(scratch, shard, model: model, epochs: 1)
    var delivered = 0
    do {
      let board = try EmulatedBoard(
        scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
      let link = try SerialLink(path: board.link)
      let side = GatewaySide(now: SerialLink.now)
      try #require(link.run(side) { side.session.isEstablished })
      _ = side.offer(model, now: SerialLink.now)
      try #require(link.run(side) { side.bytesDelivered > model.count / 3 })
      delivered = side.bytesDelivered
      board.cutPower()
    }
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    #expect(side.welcomes[0].model == nil, "half a model is no model")
    let name = side.offer(model, now: SerialLink.now)
    try #require(link.run(side) { side.bytesDelivered > delivered })
    // A block of flash that was not complete, and what was under way.
    #expect(
      side.bytesHeld + 4096 + 1024 >= delivered, "\(side.bytesHeld) of \(delivered) bytes are still there")
    try #require(link.run(side) { side.delivered.contains(name) })
    let result = try Self.round(link, side, model: model, epochs: 1)
    #expect(result == expected)
    #expect(board.said.isEmpty)
  }

  @Test func `a board killed while it trains still has the model and trains to the same bits`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: 24)
    let expected = try Self.reference(scratch, shard, model: model, epochs: 20)
    let name: ObjectName
    do {
      let board = try EmulatedBoard(
        scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
      let link = try SerialLink(path: board.link)
      let side = GatewaySide(now: SerialLink.now)
      try #require(link.run(side) { side.session.isEstablished })
      name = side.offer(model, now: SerialLink.now)
      try #require(link.run(side) { side.delivered.contains(name) })
      side.send(.train(Material.task(name, epochs: 20)))
      try #require(link.run(side) { !side.trainingReports.isEmpty })
      #expect(side.updates.isEmpty, "it was done before it could be killed")
      board.cutPower()
    }
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    #expect(side.welcomes[0].model == name.digest)
    // Offered again, it is said to be there already.
    let result = try Self.round(link, side, model: model, epochs: 20)
    #expect(result == expected)
  }

  @Test func `a gateway that closes the port and comes back finds the board as it left it`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: nil)
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
    var boots: Set<UInt32> = []
    for session in 0..<3 {
      let link = try SerialLink(path: board.link)
      let side = GatewaySide(session: UInt32(1000 + session), now: SerialLink.now)
      let result = try Self.round(link, side, model: model, epochs: 1)
      boots.insert(side.welcomes[0].boot)
      #expect(!result.update.isEmpty)
    }
    #expect(boots.count == 1, "it was not restarted")
  }

  @Test func `a flash file with anything in it gives a board without a model`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: nil)
    let expected = try Self.reference(scratch, shard, model: model, epochs: 1)
    var random = SeededGenerator(seed: 77)
    let noise = (0..<256 * 1024).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for (label, content) in [("noise", noise), ("zeros", [UInt8](repeating: 0, count: 256 * 1024))]
      + [("a file cut short", Array(noise[..<70_001]))]
    {
      let path = scratch.file("\(label.count).flash")
      try Material.write(content, to: path)
      let board = try EmulatedBoard(scratch, data: scratch.file("shard.fbds"), state: path)
      let link = try SerialLink(path: board.link)
      let side = GatewaySide(now: SerialLink.now)
      let result = try Self.round(link, side, model: model, epochs: 1)
      #expect(side.welcomes[0].model == nil, "\(label)")
      #expect(result == expected, "\(label)")
      #expect(board.said.isEmpty, "\(label)")
    }
  }

  @Test func `a stored model whose bytes were changed is not worked with`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: nil)
    let path = scratch.file("board.flash")
    do {
      let board = try EmulatedBoard(scratch, data: scratch.file("shard.fbds"), state: path)
      let link = try SerialLink(path: board.link)
      _ = try Self.round(link, GatewaySide(now: SerialLink.now), model: model, epochs: 1)
    }
    var flash = try Material.read(path)
    let part = model[200..<300]
    let place = try #require((0..<flash.count - 100).first { flash[$0..<$0 + 100].elementsEqual(part) })
    flash[place] ^= 4
    try Material.write(flash, to: path)
    let board = try EmulatedBoard(scratch, data: scratch.file("shard.fbds"), state: path)
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    // Only when it is read does it show; then it is forgotten, and can come again.
    let digest = try #require(side.welcomes[0].model)
    side.send(.evaluate(EvaluationTask(model: digest)))
    try #require(link.run(side) { !side.problems.isEmpty })
    #expect(side.problems[0].code == .modelInvalid)
    let said = link.run(side) { side.logLines.contains { $0.hasSuffix("part of the newest model") } }
    #expect(said, "\(side.logLines)")
    let result = try Self.round(link, side, model: model, epochs: 1)
    #expect(!result.update.isEmpty)
  }
}
