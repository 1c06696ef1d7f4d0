import Bytes
import Digests
import FederationSimulation
import LinkProtocol
import Rounds
import Testing
import UpdateCodec

@testable import Gateway

/// Who may be on a link.
@Suite struct LinkIdentityTests {
  private func usb(_ node: Int, _ serial: String) -> Carrier {
    .serial(port: "/dev/ttyACM\(node)", usbSerial: serial)
  }

  @Test func aBoardIsKnownAgainOnAnotherPortAndTwoThatWereSwappedAreToo() throws {
    let gateway = try GatewayBench()
    let (a, b) = ("00000000000000A1", "00000000000000B2")
    gateway.open(1, usb(0, a), board: 0xa1)
    gateway.open(2, usb(1, b), board: 0xb2)
    gateway.close(1)
    gateway.close(2)
    gateway.open(3, usb(0, b), board: 0xb2)
    gateway.open(4, usb(1, a), board: 0xa1)
    gateway.close(4)
    gateway.open(5, usb(1, a), board: 0xa1)
    #expect(gateway.joined.map(\.0) == [usb(0, a), usb(1, b), usb(0, b), usb(1, a), usb(1, a)])
    #expect(gateway.joined.map(\.1) == [nil, nil, usb(1, b), usb(0, a), nil])
    #expect(gateway.closed.isEmpty)
  }

  @Test func aBoardWhoseUSBSerialNumberIsAnotherIdentityIsRefused() throws {
    let gateway = try GatewayBench()
    gateway.open(1, usb(0, "00000000000000A1"), board: 0xb2)
    #expect(
      gateway.closed == [
        LinkID(1): .foreignIdentity(
          claimed: BoardID(0xb2), expected: BoardID(0xa1), on: usb(0, "00000000000000A1"))
      ])
    #expect(gateway.joined.isEmpty)
    // A bootloader's padding is no difference, and what is no chip's number says nothing.
    gateway.open(2, usb(1, "0000000000000000" + "00000000000000C3"), board: 0xc3)
    gateway.open(3, usb(2, "my board 7"), board: 0xd4)
    gateway.open(4, .serial(port: "/dev/pts/3"), board: 0xe5)
    #expect(gateway.joined.count == 3 && gateway.closed.count == 1)
  }

  @Test func onlyAChipsNumberSaysWhichBoardIsPluggedIn() {
    func plugged(_ serial: String?) -> BoardID? { Carrier.serial(port: "x", usbSerial: serial).expectedBoard }
    #expect(plugged("0A2b3C4D5E6F7081") == BoardID(0x0a2b_3c4d_5e6f_7081))
    #expect(plugged("00000000000000000A2b3C4D5E6F7081") == BoardID(0x0a2b_3c4d_5e6f_7081))
    let others: [String?] = [
      nil, "", "A1", "0000000000000000", "10000000000000000A2b3C4D5E6F7081", "+A2b3C4D5E6F7081",
      "0A2b3C4D5E6F708G", "0A2b3C4D5E6F708é", "../../../../etc/",
    ]
    for other in others { #expect(plugged(other) == nil, "\(other ?? "nil")") }
  }

  @Test func ofTwoBoardsWithOneIdentityTheOneThatIsAliveStays() throws {
    let gateway = try GatewayBench()
    gateway.open(1, usb(0, "00000000000000A1"), board: 0xa1)
    gateway.open(2, usb(1, "00000000000000A1"), board: 0xa1)
    guard case .identityTaken(let board, let alive)? = gateway.closed[LinkID(2)] else {
      Issue.record("\(gateway.closed)")
      return
    }
    #expect(board.id == BoardID(0xa1) && alive.inFull == "ttyACM0 (USB serial 00000000000000A1)")
    #expect(gateway.engine.isServing(LinkID(1)) && !gateway.engine.isServing(LinkID(2)))
  }

  @Test func twoThatAreLookedUpAtTheSameTimeAreNotBothServed() throws {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, .serial(port: "a"), board: 0xa1)
    gateway.open(2, .serial(port: "b"), board: 0xa1)
    gateway.identify()
    #expect(gateway.engine.isServing(LinkID(1)) && !gateway.engine.isServing(LinkID(2)))
    #expect(gateway.closed[LinkID(2)]?.code == "link-identity-taken")
  }

  @Test func aStreamWithoutAnAnswerIsRefusedAfter64KilobytesAndOneWithAnAnswerNever() throws {
    let gateway = try GatewayBench()
    gateway.engine.linkOpened(LinkID(1), carrier: .serial(port: "a"), now: gateway.now)
    for _ in 0..<16 { gateway.engine.streamReceived(4096, on: LinkID(1)) }
    #expect(gateway.engine.takeRefusals().isEmpty)
    gateway.engine.streamReceived(1, on: LinkID(1))
    #expect(gateway.engine.takeRefusals() == [.garbage(limit: 65_536)])
    gateway.open(2, .serial(port: "b"), board: 0xb2)
    for _ in 0..<100 { gateway.engine.streamReceived(4096, on: LinkID(2)) }
    #expect(gateway.engine.takeRefusals().isEmpty)
    gateway.engine.streamReceived(1 << 20, on: LinkID(3))
    #expect(gateway.engine.takeRefusals().isEmpty, "nobody is there")
  }

  @Test func whatABoardSaysBeforeTheStoreKnowsItIsToldAfterIt() throws {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, usb(0, "00000000000000A1"), board: 0xa1)
    let said = (0..<20).map { number in
      let text = Array("page \(number)".utf8)
      return LogLine(level: .warning, text: ShortText(text.span))
    }
    for line in said { gateway.say(.logLine(line), on: 1) }
    #expect(gateway.logLines.isEmpty)
    gateway.identify()
    // Within bounds: who says nothing but that is up to something else.
    #expect(gateway.joined.count == 1 && gateway.logLines == Array(said.prefix(16)))
    gateway.say(.logLine(said[0]), on: 1)
    #expect(gateway.logLines.count == 17)
  }

  @Test func wordsOfABoardThatLeavesBeforeTheStoreKnowsItGoWithIt() throws {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, usb(0, "00000000000000A1"), board: 0xa1)
    let text = Array("page".utf8)
    gateway.say(.logLine(LogLine(level: .warning, text: ShortText(text.span))), on: 1)
    gateway.close(1)
    gateway.identify()
    gateway.open(2, usb(0, "00000000000000A1"), board: 0xa1)
    gateway.identify()
    #expect(gateway.joined.count == 1 && gateway.logLines.isEmpty)
  }

  @Test func everyRefusalIsOneLineWithACodeOfItsOwn() {
    let rose = BoardLabel(id: BoardID(1), name: "rose")
    let refusals: [LinkRefusal] = [
      .noCommonVersion(oldest: 2, newest: 3), .identityTaken(rose, alive: .serial(port: "x")),
      .foreignIdentity(claimed: BoardID(1), expected: BoardID(2), on: .serial(port: "x")), .garbage(limit: 5),
      .boardMoved(to: .serial(port: "x")), .betterCarrier(.serial(port: "x")), .notNoted,
    ]
    #expect(Set(refusals.map(\.code)).count == refusals.count)
    for refusal in refusals {
      #expect(!refusal.reason.contains("\n") && !refusal.remedy.isEmpty)
      #expect(refusal.fault?.contains("\n") != true)
    }
  }
}

extension GatewayEngine {
  fileprivate func takeRefusals() -> [LinkRefusal] {
    takeActions().compactMap { if case .close(_, let refusal) = $0 { refusal } else { nil } }
  }
}
