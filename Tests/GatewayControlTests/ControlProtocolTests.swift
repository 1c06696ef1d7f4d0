import Foundation
import NIOCore
import PropertyTesting
import Testing

@testable import GatewayControl

@Suite struct ControlProtocolTests {
  static let requests: [(ControlRequest, String)] = [
    (.boards, #"{"request":"boards","version":1}"#),
    (.permitJoin(seconds: 120), #"{"request":"permit-join","seconds":120,"version":1}"#),
    (.permitJoin(seconds: 0), #"{"request":"permit-join","seconds":0,"version":1}"#),
    (.pair(board: "rose"), #"{"board":"rose","request":"pair","version":1}"#),
    (
      .forget(board: "C0:00:C0:FF:EE:01"),
      #"{"board":"C0:00:C0:FF:EE:01","request":"forget","version":1}"#
    ),
    (.lend(board: "/dev/ttyACM0"), #"{"board":"/dev/ttyACM0","request":"lend","version":1}"#),
    (.passkey(999_999), #"{"passkey":999999,"request":"passkey","version":1}"#),
  ]

  static let list = BoardList(
    boards: [
      KnownBoard(
        id: "7f3a21c000000001", name: "rose", carrier: "BLE", state: "training", firmware: "0.1.0",
        lastSeen: Date(timeIntervalSince1970: 1_800_000_000), bluetooth: "paired by cable",
        address: "C0:00:C0:FF:EE:01", signal: -61),
      KnownBoard(
        id: "7f3a21c000000002", name: "oats", state: "away", lastSeen: Date(timeIntervalSince1970: 0)),
    ],
    strangers: [
      SeenBoard(
        address: "C0:00:C0:FF:EE:02", name: "a/b \"\u{1b}[1m", claims: "7f3a21c000000003", signal: -80,
        lastSeen: Date(timeIntervalSince1970: 1_800_000_001), reason: "never had a cable here")
    ],
    adapters: [
      AdapterStatus(name: "hci0", address: "00:AA:01:00:00:00", state: "on"),
      AdapterStatus(name: "hci1", state: "blocked", remedy: "rfkill unblock bluetooth"),
    ],
    joinSecondsLeft: 87)

  static let replies: [(ControlReply, String)] = [
    (
      .boards(list),
      #"{"adapters":[{"address":"00:AA:01:00:00:00","name":"hci0","state":"on"},"#
        + #"{"name":"hci1","remedy":"rfkill unblock bluetooth","state":"blocked"}],"#
        + #""boards":[{"address":"C0:00:C0:FF:EE:01","bluetooth":"paired by cable","carrier":"BLE","#
        + #""firmware":"0.1.0","id":"7f3a21c000000001","last_seen":"2027-01-15T08:00:00Z","name":"rose","#
        + #""signal":-61,"state":"training"},{"id":"7f3a21c000000002","last_seen":"1970-01-01T00:00:00Z","#
        + #""name":"oats","state":"away"}],"join_seconds_left":87,"reply":"boards","#
        + #""strangers":[{"address":"C0:00:C0:FF:EE:02","claims":"7f3a21c000000003","#
        + #""last_seen":"2027-01-15T08:00:01Z","name":"a/b \"\u001b[1m","reason":"never had a cable here","#
        + #""signal":-80}],"version":1}"#
    ),
    (.joinPermitted(seconds: 120), #"{"reply":"join-permitted","seconds":120,"version":1}"#),
    (.progress("pairing …"), #"{"reply":"progress","text":"pairing …","version":1}"#),
    (.passkeyWanted(board: "rose"), #"{"board":"rose","reply":"passkey-wanted","version":1}"#),
    (
      .lent(LentPort(port: "/dev/ttyACM0", name: "rose", id: "7f3a21c000000001", firmware: "0.1.0")),
      #"{"firmware":"0.1.0","id":"7f3a21c000000001","name":"rose","port":"/dev/ttyACM0","reply":"lent","version":1}"#
    ),
    (.lent(LentPort(port: "/dev/ttyACM1")), #"{"port":"/dev/ttyACM1","reply":"lent","version":1}"#),
    (
      .returned(ReturnedBoard(name: "rose", id: "7f3a21c000000001", firmware: "0.2.0")),
      #"{"firmware":"0.2.0","id":"7f3a21c000000001","name":"rose","reply":"returned","version":1}"#
    ),
    (.done("paired\nwell"), #"{"reply":"done","text":"paired\nwell","version":1}"#),
    (
      .failed(code: "a-b", message: "cause", remedy: "cure"),
      #"{"code":"a-b","message":"cause","remedy":"cure","reply":"failed","version":1}"#
    ),
  ]

  @Test(arguments: requests)
  func `A request is one line of JSON and is read back`(_ request: ControlRequest, _ json: String) throws {
    let line = ControlProtocol.line(request)
    #expect(String(decoding: line, as: UTF8.self) == json + "\n")
    #expect(try ControlProtocol.request(in: line, isFirst: true) == request)
  }

  @Test(arguments: replies)
  func `A reply is one line of JSON and is read back`(_ reply: ControlReply, _ json: String) throws {
    let line = ControlProtocol.line(reply)
    #expect(String(decoding: line, as: UTF8.self) == json + "\n")
    #expect(try ControlProtocol.reply(in: line) == reply)
  }

  @Test(arguments: [
    (#"boards"#, ControlError.garbage),
    (#"[1]"#, .garbage),
    (#"{"version":1,"request":"boards""#, .garbage),
    (#"{"version":"1","request":"boards"}"#, .garbage),
    (String(repeating: "[", count: 60_000), .garbage),
    (#"{"request":"boards"}"#, .otherVersion(client: nil, daemon: 1)),
    (#"{"version":2,"request":"boards"}"#, .otherVersion(client: 2, daemon: 1)),
    (#"{"version":1,"request":"sing"}"#, .unknownRequest("sing")),
    (#"{"version":1}"#, .badRequest("a key is missing or has a value of another type")),
    (#"{"version":1,"request":"pair"}"#, .badRequest("a key is missing or has a value of another type")),
    (#"{"version":1,"request":"pair","board":""}"#, .badRequest("board must have 1 to 256 bytes")),
    (
      #"{"version":1,"request":"permit-join","seconds":3601}"#,
      .badRequest("seconds must be a number from 0 to 3600")
    ),
    (
      #"{"version":1,"request":"permit-join","seconds":-1}"#,
      .badRequest("seconds must be a number from 0 to 3600")
    ),
    (
      #"{"version":1,"request":"passkey","passkey":1000000}"#,
      .badRequest("passkey must be a number from 0 to 999999")
    ),
  ])
  func `What is no request is told apart`(_ line: String, _ error: ControlError) {
    #expect(throws: error) { try ControlProtocol.request(in: Data(line.utf8), isFirst: true) }
  }

  @Test func `Unknown keys are skipped, and so are unknown replies`() throws {
    let request = Data(#"{"version":1,"request":"pair","board":"rose","colour":{"a":[1]}}"#.utf8)
    #expect(try ControlProtocol.request(in: request, isFirst: true) == .pair(board: "rose"))
    let reply = Data(#"{"reply":"done","text":"yes","mood":null}"#.utf8)
    #expect(try ControlProtocol.reply(in: reply) == .done("yes"))
    #expect(try ControlProtocol.reply(in: Data(#"{"version":1,"reply":"song","text":3}"#.utf8)) == nil)
  }

  @Test func `A daemon of another version is understood as far as it explains itself`() throws {
    let failed = Data(
      #"{"version":2,"reply":"failed","code":"x","message":"too old","remedy":"update"}"#.utf8)
    #expect(
      try ControlProtocol.reply(in: failed) == .failed(code: "x", message: "too old", remedy: "update"))
    let done = Data(#"{"version":2,"reply":"done","text":"yes"}"#.utf8)
    #expect(throws: ControlError.otherVersion(client: 1, daemon: 2)) { try ControlProtocol.reply(in: done) }
  }

  @Test func `Damaged lines are read or refused, never more`() {
    var random = SeededGenerator(seed: 7)
    let lines = Self.requests.map { Array($0.1.utf8) } + Self.replies.map { Array($0.1.utf8) }
    var refused = 0
    for _ in 0..<4000 {
      var line = lines.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...4, using: &random) where !line.isEmpty {
        let place = Int.random(in: 0..<line.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: line[place] = UInt8.random(in: 0...255, using: &random)
        case 1: line.remove(at: place)
        default: line.removeSubrange(place...)
        }
      }
      if (try? ControlProtocol.request(in: Data(line), isFirst: true)) == nil { refused += 1 }
      _ = try? ControlProtocol.reply(in: Data(line))
    }
    #expect(refused > 2000)
  }

  @Test(arguments: 0..<50) func `Lines come out whole however the stream is cut`(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let lines: [[UInt8]] = (0..<Int.random(in: 1...20, using: &random)).map { _ in
      [UInt8](
        repeating: UInt8.random(in: 32...126, using: &random), count: Int.random(in: 0...30, using: &random))
    }
    var stream: ArraySlice<UInt8> = Array(lines.joined(separator: [10]))[...] + [10]
    var collector = LineCollector(limit: 30)
    var seen: [[UInt8]] = []
    while !stream.isEmpty {
      let part = stream.prefix(Int.random(in: 1...40, using: &random))
      stream = stream.dropFirst(part.count)
      var bytes = ByteBuffer(bytes: part)
      collector.append(&bytes)
      while let line = try collector.next() { seen.append([UInt8](line)) }
    }
    #expect(seen == lines.filter { !$0.isEmpty }, "seed \(seed)")
  }

  @Test(arguments: [false, true]) func `A line beyond the limit is refused, ended or not`(_ ends: Bool) throws
  {
    var collector = LineCollector(limit: 30)
    var fitting = ByteBuffer(repeating: 65, count: 30)
    collector.append(&fitting)
    #expect(try collector.next() == nil)
    var more = ByteBuffer(string: ends ? "A\n" : "A")
    collector.append(&more)
    #expect(throws: ControlError.lineTooLong(limit: 30)) { try collector.next() }
  }
}
