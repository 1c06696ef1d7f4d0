import Bytes
import Digests
import LinkProtocol
import Rounds
import Testing
import UpdateCodec

@testable import Gateway

/// Boards that answer on a cable and over the air.
@Suite struct CarrierTests {
  private let rose: UInt64 = 0x7f3a
  private let secret: [UInt8] = (0..<16).map { 0xa0 + $0 }
  private let cable = Carrier.serial(port: "/dev/ttyACM0", usbSerial: "0000000000007F3A")

  private func radio(_ number: Int = 1, _ bearer: BluetoothCarrier.Bearer = .l2cap) -> Carrier {
    .bluetooth(
      BluetoothCarrier(
        adapter: "hci0", address: "C0:00:C0:FF:EE:0\(number)", bearer: bearer, board: BoardID(rose)))
  }

  @Test func aCarrierIsToldInWordsThatFitTheLine() {
    #expect("\(radio())" == "BLE" && "\(radio(1, .gatt))" == "BLE GATT")
    #expect(radio().inFull == "BLE (hci0, C0:00:C0:FF:EE:01)" && radio().place == radio().inFull)
    #expect(cable.inFull == "ttyACM0 (USB serial 0000000000007F3A)" && cable.place == "ttyACM0")
    #expect(radio().expectedBoard == BoardID(rose) && cable.expectedBoard == BoardID(rose))
  }

  @Test func aBoardThatIsPluggedInIsServedOverItsCableAtOnceAndTheRoundSeesItStay() throws {
    let gateway = try GatewayBench()
    gateway.open(1, radio(), board: rose)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == radio())
    gateway.identifiesLater = true
    gateway.open(2, cable, board: rose)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == radio(), "until the store knows")
    gateway.identify()
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == cable)
    #expect(gateway.closed == [LinkID(1): .boardMoved(to: cable)])
    #expect(gateway.joined.map(\.0) == [radio(), cable] && gateway.joined.map(\.1) == [nil, radio()])
    gateway.close(1)
    #expect(gateway.connected == [1])
    // The cable is pulled, and the board found over the air again.
    gateway.close(2)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == nil)
    gateway.open(3, radio(), board: rose)
    gateway.identify()
    #expect(gateway.joined.last?.0 == radio() && gateway.joined.last?.1 == cable)
    #expect(gateway.connected == [1, 0, 1])
  }

  @Test func aRoundThatWaitsForNobodyIsNotClosedByAMove() throws {
    let gateway = try GatewayBench(contributed: [BoardID(0xb2)], reconnectGrace: .zero)
    gateway.open(1, radio(), board: rose)
    gateway.open(2, cable, board: rose)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == cable)
    #expect(gateway.engine.status.phase == .collecting, "it waits for the board that moved")
    gateway.close(2)
    #expect(gateway.engine.status.phase == .aggregating)
  }

  @Test func overTheAirABoardIsServedOnlyWhenItsCableIsDead() throws {
    let gateway = try GatewayBench()
    gateway.open(1, cable, board: rose)
    gateway.open(2, radio(), board: rose)
    #expect(gateway.closed == [LinkID(2): .betterCarrier(cable)])
    #expect(LinkRefusal.betterCarrier(cable).fault == nil, "nothing is wrong with it")
    gateway.close(2)
    gateway.advance(seconds: 6)
    gateway.open(3, radio(), board: rose)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == radio())
    #expect(gateway.closed[LinkID(1)] == .boardMoved(to: radio()))
    #expect(gateway.connected == [1])
  }

  @Test(arguments: [true, false]) func ofTwoLinksThatAreLookedUpAtOnceTheCableIsServed(cableFirst: Bool)
    throws
  {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, cableFirst ? cable : radio(), board: rose)
    gateway.open(2, cableFirst ? radio() : cable, board: rose)
    let expected: [LinkID: LinkRefusal] =
      cableFirst ? [LinkID(2): .betterCarrier(cable)] : [LinkID(1): .boardMoved(to: cable)]
    #expect(gateway.closed == expected)
    gateway.identify()
    #expect(gateway.joined.map(\.0) == [cable] && gateway.closed == expected)
  }

  @Test(arguments: [true, false]) func ofTwoConnectionsTheLaterOneIsTheBoards(laterFirst: Bool) throws {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, radio(), board: rose)
    gateway.open(2, radio(1, .gatt), board: rose)
    gateway.identify(backwards: laterFirst)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == radio(1, .gatt))
    #expect(gateway.closed == [LinkID(1): .boardMoved(to: radio(1, .gatt))])
    #expect(gateway.connected == [1])
  }

  @Test func aBoardWhoseOldLinkEndsWhileItIsLookedUpOnTheNewOneHasOnlyMoved() throws {
    let gateway = try GatewayBench()
    gateway.open(1, radio(), board: rose)
    gateway.identifiesLater = true
    gateway.open(2, cable, board: rose)
    gateway.close(1)
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == nil && gateway.connected == [1])
    gateway.identify()
    #expect(gateway.engine.servedCarrier(of: BoardID(rose)) == cable && gateway.connected == [1])
    // And if the new one ends before it is known there, it is gone.
    gateway.open(3, .serial(port: "/dev/ttyS0"), board: rose)
    gateway.advance(seconds: 6)
    gateway.open(4, radio(), board: rose)
    gateway.close(2)
    #expect(gateway.connected == [1])
    gateway.close(4)
    #expect(gateway.connected == [1, 0])
  }

  @Test func whatIsUnderWayOnALinkThatWasGivenUpIsNotHeard() throws {
    let gateway = try GatewayBench()
    gateway.open(1, radio(), board: rose)
    gateway.open(2, cable, board: rose)
    let notices = gateway.notices.count
    gateway.say(.problem(Problem(code: .flashFailed)), on: 1)
    gateway.engine.received(frame: [1, 2, 3].span, on: LinkID(1), now: gateway.now)
    gateway.engine.streamDamaged(on: LinkID(1), what: "a frame was cut short")
    #expect(gateway.notices.count == notices && gateway.engine.takeActions().isEmpty)
    var frame = BoundedBytes(capacity: 1100)
    #expect(!gateway.engine.nextFrame(on: LinkID(1), now: gateway.now, into: &frame))
    gateway.say(.problem(Problem(code: .flashFailed)), on: 2)
    #expect(gateway.notices.count > notices)
  }

  @Test func aModelThatIsUnderWayGoesOnOnTheNewLinkThoughTheRoundWasClosedMeanwhile() throws {
    let gateway = try GatewayBench(contributed: [BoardID(0xb2)])
    gateway.open(1, radio(), board: rose, codings: .all)
    let first = gateway.engine.model
    let name = ObjectName(digest: first.version.hash, length: UInt32(first.snapshot.count))
    #expect(gateway.offered[LinkID(1)]?.map(\.name) == [name])
    for _ in 0..<300 where gateway.engine.status.phase != .aggregating { gateway.wait(seconds: 1) }
    // A short way leads on from there.
    let second = ModelVersion(number: 1, hash: SHA256.hash(of: [1 as UInt8].span))
    var next = first
    next.version = second
    next.snapshot[0] ^= 1
    next.deltas.append(
      ModelDelta(base: first.version, result: second, coding: .lossless, bytes: [1, 2, 3]))
    gateway.engine.aggregated(.first, result: next, now: gateway.now)
    gateway.open(2, cable, board: rose, codings: .all)
    #expect(gateway.joined.map(\.0) == [radio(), cable])
    #expect(gateway.offered[LinkID(1)]?.count == 1)
    #expect(gateway.offered[LinkID(2)]?.map(\.name) == [name])
  }

  @Test func aBondIsOfOneBoard() throws {
    let gateway = try GatewayBench()
    gateway.open(1, radio(), board: 0xb2)
    let refusal = try #require(gateway.closed[LinkID(1)])
    #expect(refusal == .foreignIdentity(claimed: BoardID(0xb2), expected: BoardID(rose), on: radio()))
    #expect(refusal.fault == "claims to be board 00000000000000b2, and is paired as board 0000000000007f3a")
    #expect(refusal.remedy.contains("fedbridge forget 0000000000007f3a"))
  }

  @Test func theSecretGoesOverTheCableInEverySessionToBoardsThatPairByIt() throws {
    let gateway = try GatewayBench()
    gateway.secret = secret
    gateway.open(1, cable, board: rose, capabilities: [.training, .pairsByCable])
    #expect(gateway.secrets(on: 1) == [secret])
    gateway.close(1)
    gateway.open(2, cable, board: rose, capabilities: [.training, .pairsByCable])
    #expect(gateway.secrets(on: 2) == [secret])
    gateway.close(2)
    gateway.open(3, cable, board: rose)
    #expect(gateway.secrets(on: 3).isEmpty, "it does not pair by cable")
    gateway.close(3)
    gateway.open(4, radio(), board: rose, capabilities: [.training, .pairsByCable])
    #expect(gateway.secrets(on: 4).isEmpty, "never over the air")
    #expect(gateway.wanted == [true, true, false, false])
    gateway.close(4)
    gateway.secret = nil
    gateway.open(5, cable, board: rose, capabilities: [.training, .pairsByCable])
    #expect(gateway.secrets(on: 5).isEmpty && gateway.engine.isServing(LinkID(5)), "served without one")
  }

  @Test func theSecretIsNotSentOverTheAirThoughTheStoreGaveIt() throws {
    let gateway = try GatewayBench()
    gateway.identifiesLater = true
    gateway.open(1, radio(), board: rose, capabilities: [.training, .pairsByCable])
    gateway.engine.boardIdentified(
      LinkID(1), BoardID(rose), name: "rose", cableSecret: secret, now: gateway.now)
    gateway.identify()
    #expect(gateway.engine.isServing(LinkID(1)) && gateway.secrets(on: 1).isEmpty)
  }

  @Test func nobodyIsMissedOnALinkOfABoardThatIsServedOverItsCable() throws {
    let gateway = try GatewayBench()
    gateway.open(1, cable, board: rose)
    gateway.engine.linkOpened(LinkID(2), carrier: radio(), now: gateway.now)
    gateway.wait(seconds: 40)
    #expect(gateway.silent.isEmpty)
    gateway.close(1)
    gateway.wait(seconds: 1)
    #expect(gateway.silent == [radio()])
  }
}
