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
  private final class Gateway {
    let engine: GatewayEngine
    private var sessions: [LinkID: Board] = [:]
    private(set) var notices: [GatewayNotice] = []
    private(set) var closed: [LinkID: LinkRefusal] = [:]
    private var toIdentify: [(LinkID, BoardID)] = []
    /// Whether boards are looked up only when ``identify()`` is called.
    var identifiesLater = false
    var now = Timestamp(microseconds: 1)

    /// A board that holds a session and nothing more.
    private final class Board {
      var session: LinkSession
      var objects = NoObjects()
      init(_ id: UInt64) {
        let welcome = Welcome(
          board: id, maximumFrame: 1040, capabilities: [.training], firmware: ShortText("0"),
          hardware: ShortText("test"), boot: 1, examples: 1, maximumParameters: 1)
        session = .board(welcome, limits: LinkLimits(maximumFrame: 1040, window: 1024))
      }
    }

    init() throws {
      let experiment = try Experiment(boards: 1, rounds: 1, coding: .float32)
      let first = RoundAggregation.snapshot(
        of: experiment.model, version: 0, parameters: experiment.start)
      let version = ModelVersion(number: 0, hash: SHA256.hash(of: first.snapshot.span))
      var session: UInt32 = 0
      engine = GatewayEngine(
        settings: experiment.settings, recovering: RecoveredState(round: RoundNumber(1), base: version),
        model: CurrentModel(version: version, description: experiment.model, snapshot: first.snapshot)
      ) {
        session += 1
        return session
      }
      engine.start(now: now)
    }

    func open(_ link: UInt64, _ carrier: Carrier, board: UInt64) {
      let link = LinkID(link)
      sessions[link] = Board(board)
      engine.linkOpened(link, carrier: carrier, now: now)
      exchange()
    }

    func close(_ link: UInt64) {
      sessions[LinkID(link)] = nil
      engine.linkClosed(LinkID(link), reason: "unplugged", now: now)
      exchange()
    }

    func identify() {
      for (link, board) in toIdentify {
        engine.boardIdentified(link, board, name: "rose", now: now)
      }
      toIdentify = []
      exchange()
    }

    /// Carries frames both ways until nobody has any.
    private func exchange() {
      var frame = BoundedBytes(capacity: 1100)
      var isBusy = true
      while isBusy {
        isBusy = false
        for action in engine.takeActions() {
          switch action {
          case .notice(let notice): notices.append(notice)
          case .close(let link, let refusal): closed[link] = refusal
          case .identify(let link, let board, _, _, _): toIdentify.append((link, board))
          default: break
          }
        }
        if !identifiesLater && !toIdentify.isEmpty { identify() }
        for (link, board) in sessions.sorted(by: { $0.key < $1.key }) where closed[link] == nil {
          while engine.nextFrame(on: link, now: now, into: &frame) {
            isBusy = true
            _ = board.session.receive(frame: frame.span, now: now, objects: &board.objects)
          }
          while board.session.nextFrame(now: now, objects: &board.objects, into: &frame) {
            isBusy = true
            engine.received(frame: frame.span, on: link, now: now)
          }
        }
      }
    }

    /// Where a board joined: the carrier, and the one before.
    var joined: [(Carrier, Carrier?)] {
      notices.compactMap {
        guard case .boardJoined(_, let carrier, let before, _) = $0 else { return nil }
        return (carrier, before)
      }
    }
  }

  private func usb(_ node: Int, _ serial: String) -> Carrier {
    .serial(port: "/dev/ttyACM\(node)", usbSerial: serial)
  }

  @Test func aBoardIsKnownAgainOnAnotherPortAndTwoThatWereSwappedAreToo() throws {
    let gateway = try Gateway()
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
    let gateway = try Gateway()
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
    let gateway = try Gateway()
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
    let gateway = try Gateway()
    gateway.identifiesLater = true
    gateway.open(1, .serial(port: "a"), board: 0xa1)
    gateway.open(2, .serial(port: "b"), board: 0xa1)
    gateway.identify()
    #expect(gateway.engine.isServing(LinkID(1)) && !gateway.engine.isServing(LinkID(2)))
    #expect(gateway.closed[LinkID(2)]?.code == "link-identity-taken")
  }

  @Test func aStreamWithoutAnAnswerIsRefusedAfter64KilobytesAndOneWithAnAnswerNever() throws {
    let gateway = try Gateway()
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

/// A board that keeps nothing.
private struct NoObjects: ObjectAccess {
  func read(_ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>) -> Bool {
    false
  }
  func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool { false }
}
