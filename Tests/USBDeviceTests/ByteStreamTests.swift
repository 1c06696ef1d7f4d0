import PropertyTesting
import Testing
import USBDevice

@Suite struct ByteStreamTests {
  @Test func aTransferThatFillsItsLastPacketEndsWithAnEmptyOne() {
    let host = Host.opened()
    #expect(host.send([UInt8](repeating: 9, count: 128)) == 128)
    #expect(host.read()?.count == 64)
    #expect(host.read()?.count == 64)
    #expect(host.read() == [])
    #expect(host.read() == nil)
    #expect(host.send([1]) == 1)
    #expect(host.read() == [1])
    #expect(host.read() == nil)
  }

  @Test func bytesThatComeInTimeTakeThePlaceOfTheEmptyPacket() {
    let host = Host.opened()
    #expect(host.send([UInt8](repeating: 9, count: 64)) == 64)
    #expect(host.send([1, 2]) == 2)
    #expect(host.read()?.count == 64)
    #expect(host.read() == [1, 2])
    #expect(host.read() == nil)
  }

  @Test func ownerThatDoesNotTakeHoldsTheHostBack() {
    let host = Host.opened(receiving: 128)
    let packet = [UInt8](0..<64)
    var taken = 0
    while host.write(packet) { taken += 1 }
    #expect(taken == 3, "two in the queue, one in the controller")
    #expect(!host.canReceive)
    #expect(host.receive(10) == Array(packet.prefix(10)))
    #expect(!host.write(packet), "54 bytes are no room for a packet yet")
    var rest = host.receive(1000)
    rest += host.receive(1000)
    #expect(rest == Array(packet.dropFirst(10)) + packet + packet)
  }

  @Test func hostThatDoesNotReadHoldsTheOwnerBack() {
    let host = Host.opened(sending: 128)
    let bytes = (0..<200).map { UInt8($0) }
    #expect(host.send(bytes) == 128)
    #expect(!host.hasRoom)
    #expect(host.send(bytes) == 0)
    #expect(host.read() == Array(bytes[0..<64]))
    #expect(host.hasRoom)
  }

  @Test func nothingMovesBeforeTheConfiguration() {
    let host = Host()
    host.device.powered()
    host.reset()
    #expect(!host.write([1]) && host.read() == nil && host.send([1]) == 0 && host.receive() == [])
  }

  /// Each stream arrives whole and in order, whoever stops for however long.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func noByteIsLostOrSeenTwice(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let host = Host.opened(receiving: 128, sending: 256)
    var toOwner: [UInt8] = []
    var toHost: [UInt8] = []
    var byOwner: [UInt8] = []
    var byHost: [UInt8] = []
    for _ in 0..<3000 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1:
        let count = Bool.random(using: &random) ? 64 : Int.random(in: 0...64, using: &random)
        let packet = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        if host.write(packet) { toOwner += packet }
      case 2: byOwner += host.receive(Int.random(in: 0...100, using: &random))
      case 3:
        let bytes = (0..<Int.random(in: 0...150, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        toHost += bytes.prefix(host.send(bytes))
      case 4: byHost += host.read() ?? []
      default:
        // Halts, and the same setting selected, in between.
        let choice = Int.random(in: 0..<12, using: &random)
        if choice == 0 { _ = host.control(0x02, 3, index: 0x82) }
        if choice == 1 { _ = host.control(0x02, 3, index: 0x02) }
        if choice == 2 { _ = host.control(0x01, 11, index: 1) }
        if choice < 8 {
          _ = host.control(0x02, 1, index: 0x82)
          _ = host.control(0x02, 1, index: 0x02)
        }
      }
    }
    _ = host.control(0x01, 11, index: 1)
    while let packet = host.read() { byHost += packet }
    while case let bytes = host.receive(), !bytes.isEmpty { byOwner += bytes }
    #expect(byHost == toHost && byOwner == toOwner, "seed \(seed)")
    #expect(byHost.count > 5000 && byOwner.count > 5000, "seed \(seed)")
  }
}
