import PropertyTesting
import Testing
import USBDevice

/// A host, or what seems to be one, that says anything in any order.
@Suite struct AnythingTests {
  private func request(_ random: inout SeededGenerator) -> SetupPacket {
    // Near what means something as often as not, or mostly the first check would be all that is reached.
    func pick(_ known: [UInt8]) -> UInt8 {
      random.chance(0.85) ? known.randomElement(using: &random)! : .random(in: 0...255, using: &random)
    }
    func word(_ known: [UInt16]) -> UInt16 {
      random.chance(0.8) ? known.randomElement(using: &random)! : .random(in: 0...0xffff, using: &random)
    }
    return SetupPacket(
      requestType: pick([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x21, 0xa1, 0xc0]),
      request: pick([0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 0x20, 0x21, 0x22, 0x23]),
      value: word([0, 1, 2, 3, 7, 127, 128, 0x0100, 0x0200, 0x0300, 0x0301, 0x0303, 0x0600]),
      index: word([0, 1, 2, 0x80, 0x81, 0x82, 0x0409]), length: word([0, 1, 2, 7, 8, 9, 18, 64, 255, 0xffff]))
  }

  /// Every request ends, by its status stage or a STALL, and what it sends is no more than was asked for.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func everyRequestEnds(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let host = Host()
    host.device.powered()
    host.reset()
    for _ in 0..<2000 {
      let request = request(&random)
      let data = [UInt8](repeating: .random(in: 0...9, using: &random), count: Int(min(request.length, 200)))
      let ending = host.control(
        request.requestType, request.request, value: request.value, index: request.index,
        length: request.length,
        data: data, packetSize: [8, 63, 64].randomElement(using: &random)!)
      switch ending {
      case .done(let read):
        #expect(read.count <= Int(request.length), "seed \(seed): \(request)")
        #expect(request.requestType & 0x80 != 0 || read.isEmpty, "seed \(seed): \(request)")
      case .stall: break
      case .none: Issue.record("seed \(seed): \(request) did not end")
      }
      if random.chance(0.05) { host.configure() }
      if random.chance(0.01) { host.reset() }
    }
  }

  /// Events of the bus, packets and the owner's calls in any order and at the wrong time. Afterwards a host that keeps
  /// to the rules finds a device that does.
  @Test(arguments: 0..<100 as Range<UInt64>)
  func whateverHappensTheNextHostFindsADevice(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let host = Host(receiving: 128, sending: 128)
    for _ in 0..<500 {
      switch Int.random(in: 0..<16, using: &random) {
      case 0: host.device.powered()
      case 1: if random.chance(0.2) { host.pull() }
      case 2: if random.chance(0.2) { host.reset() }
      case 3: host.device.suspend()
      case 4: host.device.resume()
      case 5, 6:
        let request = request(&random)
        let action = host.setUp(
          request.requestType, request.request, value: request.value, index: request.index,
          length: request.length)
        if let packet = host.packet(action) { #expect(packet.count <= Int(request.length), "seed \(seed)") }
      case 7: _ = host.device.controlPacketSent()
      case 8:
        let bytes = [UInt8](repeating: 7, count: Int.random(in: 0...64, using: &random))
        _ = host.device.controlPacketReceived(bytes.span)
      case 9: host.configure()
      case 10: host.setLines(dtr: random.chance(0.7))
      case 11: _ = host.write([UInt8](repeating: 1, count: Int.random(in: 0...64, using: &random)))
      case 12: _ = host.read()
      case 13: _ = host.send([UInt8](repeating: 2, count: Int.random(in: 0...200, using: &random)))
      case 14: _ = host.receive(Int.random(in: 0...200, using: &random))
      default:
        // Words on packets that nobody has sent.
        host.device.packetSent(on: [.bytesIn, .bytesOut, .notifications].randomElement(using: &random)!)
      }
      host.follow()
    }
    host.pull()
    host.configure()
    #expect(host.state == .configured(7), "seed \(seed)")
    #expect(host.readNotification() != nil, "seed \(seed)")
    host.setLines(dtr: true)
    #expect(host.send([1, 2, 3]) == 3, "seed \(seed)")
    #expect(host.read() == [1, 2, 3], "seed \(seed)")
    #expect(host.write([4, 5]), "seed \(seed)")
    #expect(host.receive() == [4, 5], "seed \(seed)")
  }
}
