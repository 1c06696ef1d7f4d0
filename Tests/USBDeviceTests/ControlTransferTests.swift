import Bytes
import Testing
import USBDevice

@Suite struct ControlTransferTests {
  @Test func theHostGetsNoMoreThanItAskedFor() {
    let host = Host.opened()
    guard case .done(let all) = host.descriptor(2) else {
      Issue.record("no configuration")
      return
    }
    #expect(all.count == 75)
    for length in 1...80 {
      #expect(host.descriptor(2, length: UInt16(length)) == .done(Array(all.prefix(length))))
    }
    #expect(host.descriptor(2, length: 0) == .done([]), "no data stage")
  }

  @Test func aPacketThatEndsTheDataIsShortOrTheLastThatWasAskedFor() {
    let host = Host.opened()
    // 75 bytes: 64 and 11.
    #expect(packets(host, length: 255) == [64, 11])
    #expect(packets(host, length: 64) == [64])
    #expect(packets(host, length: 65) == [64, 1])
  }

  private func packets(_ host: Host, length: UInt16) -> [Int] {
    var action = host.setUp(0x80, 6, value: 0x0200, length: length)
    var sizes: [Int] = []
    while case .send(let count) = action {
      sizes.append(count)
      action = host.packetSent()
    }
    #expect(action == .acknowledge)
    return sizes
  }

  @Test func dataOfAMultipleOfThePacketsSizeEndsWithAnEmptyPacket() {
    // A name of 31 letters makes a string descriptor of 64 bytes.
    var identity = Host.identity
    identity.name = ShortText(Array(repeating: UInt8(ascii: "x"), count: 31).span)
    var device = SerialDevice(identity: identity, receiving: 64, sending: 64)
    device.busReset()
    let ask = { (length: UInt16) in
      SetupPacket(requestType: 0x80, request: 6, value: 0x0302, index: 0x0409, length: length)
    }
    var actions = [device.setup(ask(255)), device.controlPacketSent(), device.controlPacketSent()]
    #expect(actions == [.send(64), .send(0), .acknowledge])
    actions = [device.setup(ask(64)), device.controlPacketSent()]
    #expect(actions == [.send(64), .acknowledge], "the host knows that this is all")
  }

  @Test func aNewRequestEndsTheOneUnderWay() {
    let host = Host.opened()
    #expect(host.setUp(0x80, 6, value: 0x0200, length: 255) == .send(64))
    #expect(host.setUp(0x80, 8, length: 1) == .send(1))
    #expect(host.packetSent() == .acknowledge)
    #expect(host.packetSent() == .wait, "a late word on the old one")
    // In the middle of data from the host.
    #expect(host.setUp(0x21, 0x20, length: 7) == .receive)
    #expect(host.setUp(0x00, 3, value: 1) == .acknowledge)
    #expect(host.packetReceived([1, 2, 3, 4, 0, 0, 8]) == .stall)
    #expect(host.lineCoding == LineCoding())
  }

  @Test func aResetEndsTheTransferUnderWay() {
    let host = Host.opened()
    #expect(host.setUp(0x80, 6, value: 0x0200, length: 255) == .send(64))
    host.reset()
    #expect(host.packetSent() == .wait)
    #expect(host.state == .default)
    host.configure()
    #expect(host.setUp(0x21, 0x20, length: 7) == .receive)
    host.reset()
    #expect(host.packetReceived(Host.lineCoding(1200)) == .stall)
  }
}
