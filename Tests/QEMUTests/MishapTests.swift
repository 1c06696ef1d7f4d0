import Datasets
import LinkProtocol
import PropertyTesting
import Testing

extension EmulatedBoardTests {
  /// What is provoked, and the beginning of what the board says of it after its restart.
  @Test(arguments: [
    // CFSR: undefined instruction; stacking failed on a protected address; data access there.
    ("trap", "fault 00010000"), ("stack", "fault 0000009"), ("null", "fault 00000082 at 00000004"),
    ("allocate", "fault 00010000"), ("hang", "watchdog pc"),
  ])
  func `a mishap ends in a report and a restart, and the round goes on`(mishap: String, report: String) throws
  {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: 24)
    let expected = try Self.reference(scratch, shard, model: model, epochs: 1)
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"), provoke: mishap)
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    // The session of before the restart ends as soon as the gateway says something in it.
    let isTold = link.run(side) {
      if side.logLines.contains(where: { $0.hasPrefix(report) }) { return true }
      if side.session.isEstablished, side.session.freeMessages > 4 { side.send(.statusRequest) }
      return false
    }
    try #require(isTold, "\(side.logLines), on the console: \(board.said)")
    #expect(board.said.contains(report) && board.said.contains("restarts"))
    #expect(Set(side.welcomes.map(\.boot)).count == 2, "one restart")
    #expect(side.logLines.filter { $0.hasPrefix("fault") || $0.hasPrefix("watchdog") }.count == 1)
    let result = try Self.round(link, side, model: model, epochs: 1)
    #expect(result == expected)
  }

  @Test func `bytes that find no room are counted and told, and the link recovers`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: nil)
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"), provoke: "deaf")
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    // More than the ring holds, while the main loop does not look at it.
    #expect(link.flood([UInt8](repeating: 0x55, count: 24_000)))
    let isTold = link.run(side) { side.logLines.contains { $0.hasPrefix("port overrun, bytes lost: ") } }
    #expect(isTold, "\(side.logLines) \(board.said)")
    let result = try Self.round(link, side, model: model, epochs: 1)
    #expect(!result.update.isEmpty)
    #expect(board.said.isEmpty)
  }

  @Test func `a host that never reads holds nothing up`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let model = try Material.model(for: shard, hidden: nil)
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
    let link = try SerialLink(path: board.link)
    // Each greeting is answered with a welcome of more than 100 bytes: together more than fits between here
    // and the board. That all of them are taken shows that it goes on reading while it cannot write.
    var greetings: [UInt8] = []
    for i in 0..<600 {
      let greeter = GatewaySide(session: UInt32(70_000 + i), now: SerialLink.now)
      if let frame = greeter.nextFrame(now: SerialLink.now) { greetings += link.stuff(frame) }
    }
    #expect(link.flood(greetings))
    // Longer than the watchdog's patience, a dozen times a second: it would have restarted the board.
    #expect(link.flood([UInt8](repeating: 0, count: 150_000)))
    let side = GatewaySide(now: SerialLink.now)
    let result = try Self.round(link, side, model: model, epochs: 1)
    #expect(!result.update.isEmpty)
    #expect(board.said.isEmpty)
  }

  @Test func `a model that does not fit is answered with a problem that says by how much`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "digits")
    try shard.write(to: scratch.file("shard.fbds"))
    let board = try EmulatedBoard(
      scratch, data: scratch.file("shard.fbds"), state: scratch.file("board.flash"))
    let link = try SerialLink(path: board.link)
    let side = GatewaySide(now: SerialLink.now)
    try #require(link.run(side) { side.session.isEstablished })
    // Larger than the flash: not even taken.
    _ = side.offer(try Material.model(for: shard, hidden: 1700), now: SerialLink.now)
    try #require(link.run(side) { !side.declined.isEmpty })
    #expect(side.declined == [.tooLarge])
    // Fits there, and not twice in the arena, as training with momentum needs it.
    let name = side.offer(try Material.model(for: shard, hidden: 400), now: SerialLink.now)
    try #require(link.run(side) { side.delivered.contains(name) })
    side.send(.train(Material.task(name)))
    try #require(link.run(side) { !side.problems.isEmpty })
    #expect(side.problems[0].code == .modelTooLarge)
    #expect(side.problems[0].about == 1)
    #expect(side.problems[0].available == 48_000)
    #expect((side.problems[0].needed ?? 0) > 48_000)
    // And it goes on with one that fits.
    let result = try Self.round(
      link, side, model: try Material.model(for: shard, hidden: 24), epochs: 1)
    #expect(!result.update.isEmpty)
  }

  @Test func `a damaged file of examples is refused with its reason`() throws {
    let scratch = try Scratch()
    let shard = try Material.shard(of: "exercises")
    let whole = shard.encode()
    var random = SeededGenerator(seed: 2026)
    var cases: [(String, [UInt8])] = [
      ("nothing", []), ("no data set", Array("#!/bin/sh\n".utf8)), ("cut", Array(whole[..<100])),
      ("too long", whole + [0]),
    ]
    for _ in 0..<12 {
      // Mostly in the header, where a number can send a reader astray.
      let place = Int(random.next() % (random.next() & 1 == 0 ? 40 : UInt64(whole.count)))
      var bytes = whole
      bytes[place] ^= UInt8(1 << (random.next() & 7))
      cases.append(("byte \(place) changed", bytes))
    }
    for (label, bytes) in cases {
      let path = scratch.file("shard.fbds")
      try Material.write(bytes, to: path)
      let board = try EmulatedBoard(scratch, data: path, state: scratch.file("board.flash"))
      #expect(board.exitStatus() == 78, "\(label), seed 2026")
      #expect(board.said.contains("qemu-board: data= is "), "\(label): \(board.said)")
    }
  }
}
