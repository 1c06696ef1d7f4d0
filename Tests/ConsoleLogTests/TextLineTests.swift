import Logging
import PropertyTesting
import Testing

@testable import ConsoleLog

/// The line after the time.
private func afterTheTime(_ record: LogRecord) -> String {
  String(TextLine.plain(record).dropFirst("14:52:07.123 ".count))
}

@Suite struct TextLineTests {
  @Test func aPlainLineIsTimeLevelMessageMetadata() {
    let line = TextLine.plain(
      record(
        "board rose (7f3a21c0): model 3, 2570 of 10301 B, 25 %", metadata: ["round": "2", "attempt": "1"]))
    #expect(
      line.wholeMatch(of: /\d\d:\d\d:\d\d\.123 info  board rose .* 25 % attempt=1 round=2/) != nil, "\(line)")
  }

  @Test func levelsFormAColumn() {
    for level in Logger.Level.allCases {
      let line = afterTheTime(record("x", level: level))
      #expect(line.count == 7 && line.hasSuffix(" x"), "\(line)")
    }
  }

  @Test func metadataThatTheMessageShowsIsNotRepeated() {
    let message = "board rose (7f3a21c0): model over usb"
    #expect(
      afterTheTime(record(message, metadata: ["board": "7f3a21c0", "name": "rose", "carrier": "usb"]))
        == "info  " + message)
    // Part of a word is not the word.
    #expect(afterTheTime(record("primrose", metadata: ["name": "rose"])) == "info  primrose name=rose")
    // The same digits may mean something else.
    #expect(afterTheTime(record("model 3", metadata: ["round": "3"])) == "info  model 3 round=3")
    #expect(afterTheTime(record("x", metadata: ["empty": ""])) == "info  x empty=\"\"")
  }

  @Test func metadataForMachinesIsLeftOut() {
    #expect(afterTheTime(record("x", metadata: ["_round": "3"])) == "info  x")
  }

  @Test func valuesAreQuotedWhereTheyCouldBeMisread() {
    let values = [
      "a b": #""a b""#, "a=b": #""a=b""#, #"a"b"#: #""a\"b""#, #"a\b"#: #""a\\b""#, "a\nb": #""a\nb""#,
    ]
    for (value, shown) in values {
      #expect(afterTheTime(record("x", metadata: ["k": .string(value)])) == "info  x k=\(shown)")
    }
    #expect(afterTheTime(record("x", metadata: ["k": ["b", "c"]])) == #"info  x k="[\"b\", \"c\"]""#)
  }

  @Test func whateverComesALineIsOneLineWithoutControls() {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let record = record(
        randomText(&random),
        metadata: [randomText(&random): .string(randomText(&random)), "k": [.string(randomText(&random))]])
      for line in [TextLine.plain(record), TextLine.journal(record)] {
        #expect(!line.unicodeScalars.contains { $0.isUnsafeInALine }, "seed \(seed)")
      }
      let coloured = TextLine.coloured(record)
      // Without the colours it is the plain line.
      #expect(coloured.replacing(/\x1b\[[0-9;]*m/, with: "") == TextLine.plain(record), "seed \(seed)")
    }
  }

  @Test func aHugeMessageIsCut() {
    let line = TextLine.plain(record(String(repeating: "x", count: 1_000_000)))
    #expect(line.utf8.count < 17_000 && line.hasSuffix("…"))
  }

  @Test func theJournalGetsPrioritiesOfSdDaemon() {
    let expected: [Logger.Level: String] = [
      .trace: "<7>x", .debug: "<7>x", .info: "<6>x", .notice: "<5>x", .warning: "<4>x", .error: "<3>x",
      .critical: "<2>x",
    ]
    for (level, line) in expected { #expect(TextLine.journal(record("x", level: level)) == line) }
  }
}

@Suite struct WallTimeTests {
  @Test func momentsOfTheCalendarAreWrittenAsRFC3339() {
    #expect(aMoment.rfc3339 == "2026-11-22T13:52:07.123Z")
    let known = [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
      (951_782_400, "2000-02-29T00:00:00.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
      (253_402_300_799, "9999-12-31T23:59:59.000Z"), (Int.max, "9999-12-31T23:59:59.000Z"),
      (Int.min, "0000-01-01T00:00:00.000Z"),
    ]
    for (seconds, text) in known { #expect(WallTime(seconds: seconds, milliseconds: 0).rfc3339 == text) }
  }

  @Test func theSystemsTimeIsNow() {
    let earlier = WallTime.now()
    #expect(earlier.seconds > 1_700_000_000 && (0...999).contains(earlier.milliseconds))
    #expect(WallTime(seconds: Int.max, milliseconds: 0).localClock == "00:00:00.000", "beyond the calendar")
  }
}
