import Glibc
import Logging
import Testing

@testable import ConsoleLog

@Suite(.timeLimit(.minutes(1))) struct ConsoleSinkTests {
  @Test func aLoggerWritesLinesWithItsMetadataAndTheEvents() {
    let pipe = TestPipe()
    let log = ConsoleLog(style: .json, descriptor: pipe.writer)
    var logger = Logger(label: "rounds") { log.handler(label: $0, level: .debug) }
    logger[metadataKey: "board"] = "rose"
    logger[metadataKey: "round"] = "1"
    logger.debug("begins", metadata: ["round": "2"])
    logger.trace("not logged")
    let line = pipe.read()
    #expect(
      line.hasSuffix(
        #""level":"debug","subsystem":"rounds","message":"begins","board":"rose","round":"2"}"# + "\n"))
    #expect(line.filter { $0 == "\n" }.count == 1)
  }

  @Test func anErrorOfAnEventIsShown() {
    struct Refused: Error, CustomStringConvertible { let description = "no\nway" }
    let pipe = TestPipe()
    let log = ConsoleLog(style: .plain, descriptor: pipe.writer)
    Logger(label: "x") { log.handler(label: $0) }.error("cannot open", error: Refused())
    #expect(pipe.read().hasSuffix(#"error cannot open error="no\nway""# + "\n"))
  }

  @Test func linesOfManyThreadsDoNotMix() async {
    let pipe = TestPipe()
    let log = ConsoleLog(style: .journal, descriptor: pipe.writer)
    let logger = Logger(label: "x") { log.handler(label: $0) }
    await withTaskGroup(of: Void.self) { group in
      for letter in "abcdefgh" {
        group.addTask { for _ in 0..<20 { logger.info("\(String(repeating: letter, count: 200))") } }
      }
    }
    let lines = pipe.read().split(separator: "\n")
    #expect(lines.count == 160)
    #expect(lines.allSatisfy { $0.count == 203 && Set($0.dropFirst(3)).count == 1 })
  }

  @Test(arguments: [false, true])
  func aReaderThatStopsCostsLinesAndNotTheProgramAndIsToldSo(nonBlocking: Bool) {
    let pipe = TestPipe(nonBlocking: nonBlocking)
    let log = ConsoleLog(style: .journal, descriptor: pipe.writer)
    let logger = Logger(label: "x") { log.handler(label: $0) }
    let begin = steadyMilliseconds()
    // A pipe holds 64 KiB; this is 20 times as much. Only the first line that does not fit may wait:
    // if each did, it would take a minute.
    for number in 0..<1300 { logger.info("\(number) \(String(repeating: "x", count: 1000))") }
    #expect(steadyMilliseconds() - begin < 300 * ConsoleSink.patience)
    let before = pipe.read().split(separator: "\n", omittingEmptySubsequences: false)
    logger.info("after")
    let after = pipe.read().split(separator: "\n")
    let whole = before.dropLast().count { $0.wholeMatch(of: /<6>\d+ x{1000}/) != nil }
    #expect(whole == before.count - 1 && whole >= 50)
    let notice = after.first { $0.contains("dropped") }
    let dropped = notice?.firstMatch(of: /^<4>(\d+) log lines were dropped/).flatMap { Int($0.1) }
    #expect(dropped == 1300 - whole - (before.last == "" ? 0 : 1), "a line that was begun is finished")
    #expect(after.last == "<6>after")
  }

  @Test func aReaderThatIsGoneIsIgnored() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    let log = ConsoleLog(style: .plain, descriptor: ends[1])
    let logger = Logger(label: "x") { log.handler(label: $0) }
    let begin = steadyMilliseconds()
    for _ in 0..<100 { logger.info("nobody hears") }
    #expect(steadyMilliseconds() - begin < 10 * ConsoleSink.patience)
    close(ends[1])
  }

  @Test func theLiveViewIsSilentWhereThereIsNoTerminal() {
    let pipe = TestPipe()
    for style in ConsoleStyle.allCases {
      let log = ConsoleLog(style: style, descriptor: pipe.writer)
      log.live.update(key: "a", line: "rose 10 %")
      log.live.end()
    }
    #expect(pipe.read() == "")
  }

  @Test func onARealTerminalStatusLinesFollowTheLogAndGoAtTheEnd() async {
    var (master, slave) = (Int32(-1), Int32(-1))
    var size = winsize(ws_row: 24, ws_col: 20, ws_xpixel: 0, ws_ypixel: 0)
    #expect(openpty(&master, &slave, nil, nil, &size) == 0)
    defer {
      close(master)
      close(slave)
    }
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
    let log = ConsoleLog(style: .colour, descriptor: slave)
    let logger = Logger(label: "x") { log.handler(label: $0) }
    log.live.update(key: "a", line: "rose " + String(repeating: "█", count: 40))
    #expect(readAll(master) == "rose " + String(repeating: "█", count: 13) + "…")
    logger.info("joined")
    let text = readAll(master)
    #expect(text.hasPrefix("\r\u{1b}[J\u{1b}[2m") && text.contains("joined\r\nrose █"))
    // Too early to be drawn at once; drawn all the same, though nothing else happens.
    log.live.update(key: "a", line: "rose 20 %")
    log.live.update(key: "a", line: "rose done")
    var shown = ""
    while !shown.contains("rose done") {
      await Task.yield()
      shown += readAll(master)
    }
    #expect(!shown.contains("20 %"))
    log.live.end()
    #expect(readAll(master) == "\r\u{1b}[J")
  }
}

@Suite struct ConsoleStyleTests {
  private func resolved(
    terminal: Bool = false, identity: (UInt64, UInt64)? = (8, 1234), journal: String? = nil,
    noColour: String? = nil,
    type: String? = "xterm"
  ) -> ConsoleStyle {
    ConsoleStyle.automatic.resolved(
      ConsoleStyle.Surroundings(
        isTerminal: terminal, identity: identity, journalStream: journal, noColour: noColour, terminal: type))
  }

  @Test func theStyleFollowsWhereTheLogGoes() {
    #expect(resolved(terminal: true) == .colour)
    #expect(resolved(terminal: true, journal: "8:1234") == .colour)
    #expect(
      resolved(terminal: true, noColour: "1") == .plain && resolved(terminal: true, noColour: "") == .colour)
    #expect(resolved(terminal: true, type: "dumb") == .plain && resolved(terminal: true, type: nil) == .plain)
    #expect(resolved() == .plain)
    #expect(resolved(journal: "8:1234") == .journal)
    #expect(resolved(journal: "8:12345") == .plain, "inherited by a program whose output goes elsewhere")
    #expect(resolved(identity: nil, journal: "8:1234") == .plain)
    for style in ConsoleStyle.allCases where style != .automatic {
      let surroundings = ConsoleStyle.Surroundings(isTerminal: true, journalStream: "8:1234")
      #expect(style.resolved(surroundings) == style, "what was asked for is what comes")
    }
  }

  @Test func theSurroundingsOfARealPipeAreItsDeviceAndInode() {
    let pipe = TestPipe()
    var status = stat()
    #expect(fstat(pipe.writer, &status) == 0)
    let found = ConsoleStyle.Surroundings.of(pipe.writer)
    #expect(!found.isTerminal && found.identity?.inode == UInt64(status.st_ino))
    #expect(ConsoleStyle.Surroundings.of(-1).identity == nil)
  }
}
