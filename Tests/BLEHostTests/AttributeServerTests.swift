import BLESecurity
import Bytes
import Cryptography
import Testing

@testable import BLEHost

/// The attribute server as a client meets it. Each request is written as its octets.
struct AttributeServerTests {
  private let bench = Bench.connected()

  /// The answer that refuses.
  private func refusal(_ opcode: UInt8, _ handle: UInt16, _ error: UInt8) -> [UInt8] {
    [0x01, opcode, UInt8(handle & 255), UInt8(handle >> 8), error]
  }

  @Test func mtuIsTheLesserOfBothAndAtLeast23() {
    for (theirs, ours, frameLimit) in [(517, 498, 495), (23, 498, 20), (0, 498, 20), (65535, 498, 495)] {
      let bench = Bench.connected()
      #expect(
        bench.ask([0x02, UInt8(theirs & 255), UInt8(theirs >> 8)]) == [
          0x03, UInt8(ours & 255), UInt8(ours >> 8),
        ])
      #expect(bench.ask([0x12, 0x22, 0, 1, 0]) == [0x13])
      bench.send(frame: [UInt8](repeating: 7, count: 1000))
      #expect(bench.takePDUs(4).first?.count == frameLimit + 3, "they take \(theirs)")
    }
  }

  @Test func mtuOf517IsPossible() {
    let bench = Bench.connected(Bench.configuration { $0.maximumMTU = 517 })
    #expect(bench.ask([0x02, 5, 2]) == [0x03, 5, 2])
    _ = bench.ask([0x12, 0x22, 0, 1, 0])
    bench.send(frame: [UInt8](repeating: 7, count: 1000))
    // No value is longer than 512 octets.
    #expect(bench.takePDUs(4).map(\.count) == [515, 3 + 1 + 491])
  }

  @Test func mtuIsAgreedOnce() {
    #expect(bench.ask([0x02, 100, 0]).first == 0x03)
    #expect(bench.ask([0x02, 50, 0]) == refusal(0x02, 0, 0x06))
    bench.disconnect()
    bench.connect()
    #expect(bench.ask([0x02, 50, 0]).first == 0x03)
  }

  @Test func servicesAreFoundInGroups() {
    // Those with short UUIDs come first, three in one answer; the long one for itself.
    #expect(
      bench.ask([0x10, 1, 0, 0xff, 0xff, 0x00, 0x28]) == [
        0x11, 6, 1, 0, 7, 0, 0x00, 0x18, 8, 0, 15, 0, 0x01, 0x18, 16, 0, 26, 0, 0x0a, 0x18,
      ])
    let own: [UInt8] = [
      0x53, 0x2e, 0xc1, 0xce, 0x94, 0x1a, 0x74, 0x96, 0x5c, 0x44, 0xff, 0x6d, 0x01, 0x00, 0xcb, 0x88,
    ]
    #expect(bench.ask([0x10, 27, 0, 0xff, 0xff, 0x00, 0x28]) == [0x11, 20, 27, 0, 36, 0] + own)
    #expect(bench.ask([0x06, 1, 0, 0xff, 0xff, 0x00, 0x28] + own) == [0x07, 27, 0, 36, 0])
    #expect(bench.ask([0x06, 1, 0, 0xff, 0xff, 0x00, 0x28, 0x0a, 0x18]) == [0x07, 16, 0, 26, 0])
    // The same UUID, written in full.
    let longDeviceInformation: [UInt8] = [
      0xfb, 0x34, 0x9b, 0x5f, 0x80, 0, 0, 0x80, 0, 0x10, 0, 0, 0x0a, 0x18, 0, 0,
    ]
    #expect(bench.ask([0x06, 1, 0, 0xff, 0xff, 0x00, 0x28] + longDeviceInformation) == [0x07, 16, 0, 26, 0])
    #expect(bench.ask([0x10, 37, 0, 0xff, 0xff, 0x00, 0x28]) == refusal(0x10, 37, 0x0a))
    #expect(bench.ask([0x10, 1, 0, 0xff, 0xff, 0x03, 0x28]) == refusal(0x10, 1, 0x10))
    #expect(bench.ask([0x10, 1, 0, 0xff, 0xff, 0x01, 0x28]) == refusal(0x10, 1, 0x0a))
  }

  @Test func everyHandleIsDiscoveredAndReadable() {
    var found: [UInt16: [UInt8]] = [:]
    var next: UInt16 = 1
    while next <= 0xff {
      let answer = bench.ask([0x04, UInt8(next), 0, 0xff, 0xff])
      guard answer.first == 0x05 else {
        #expect(answer == refusal(0x04, next, 0x0a))
        break
      }
      let width = answer[1] == 1 ? 4 : 18
      for at in stride(from: 2, to: answer.count, by: width) {
        let handle = UInt16(answer[at])
        found[handle] = Array(answer[(at + 2)..<(at + width)])
        #expect(handle == next)
        next += 1
      }
    }
    #expect(found.count == 0x24)
    let unreadable: Set<UInt16> = [0x0a, 0x1f, 0x21]
    for handle in found.keys {
      let answer = bench.ask([0x0a, UInt8(handle), 0])
      #expect(answer.first == (unreadable.contains(handle) ? 0x01 : 0x0b), "handle \(handle)")
    }
  }

  @Test func characteristicsAreReadByType() {
    #expect(
      bench.ask([0x08, 1, 0, 7, 0, 0x03, 0x28]) == [
        0x09, 7, 2, 0, 0x02, 3, 0, 0x00, 0x2a, 4, 0, 0x02, 5, 0, 0x01, 0x2a, 6, 0, 0x02, 7, 0, 0x04, 0x2a,
      ])
    // One with a long UUID, at the smallest MTU.
    let answer = bench.ask([0x08, 27, 0, 0xff, 0xff, 0x03, 0x28])
    #expect(answer.prefix(7) == [0x09, 21, 28, 0, 0x02, 29, 0])
    #expect(answer.count == 23)
    #expect(bench.ask([0x08, 1, 0, 0xff, 0xff, 0x05, 0x2a]) == refusal(0x08, 0x0a, 0x02))
    #expect(bench.ask([0x08, 1, 0, 0xff, 0xff, 0xef, 0xbe]) == refusal(0x08, 1, 0x0a))
  }

  @Test func longValuesAreReadInPieces() {
    let name = Array("FedBridge 00000000C0FFEE01".utf8)
    #expect(bench.ask([0x0a, 3, 0]) == [0x0b] + name.prefix(22))
    #expect(bench.ask([0x0c, 3, 0, 22, 0]) == [0x0d] + name.dropFirst(22))
    #expect(bench.ask([0x0c, 3, 0, 26, 0]) == [0x0d])
    #expect(bench.ask([0x0c, 3, 0, 27, 0]) == refusal(0x0c, 3, 0x07))
    #expect(bench.ask([0x0c, 99, 0, 0, 0]) == refusal(0x0c, 99, 0x01))
  }

  @Test func severalValuesAreReadAtOnce() {
    #expect(bench.ask([0x0e, 5, 0, 0x22, 0]) == [0x0f, 0x40, 0x05, 0, 0])
    #expect(bench.ask([0x20, 5, 0, 0x22, 0]) == [0x21, 2, 0, 0x40, 0x05, 2, 0, 0, 0])
    // The last one is cut where the PDU ends; its length says how long it is.
    #expect(bench.ask([0x20, 5, 0, 3, 0]).count == 23)
    #expect(bench.ask([0x20, 5, 0, 3, 0])[5] == 26)
    #expect(bench.ask([0x0e, 5, 0, 0x1f, 0]) == refusal(0x0e, 0x1f, 0x02))
    #expect(bench.ask([0x0e, 5, 0, 0, 0]) == refusal(0x0e, 0, 0x01))
    #expect(bench.ask([0x0e, 5, 0]) == refusal(0x0e, 0, 0x04))
  }

  @Test func identitySaysWhatTheSpecificationSays() {
    #expect(
      bench.ask([0x0a, 0x1d, 0]) == [
        0x0b, 1, 0, 0x80, 0, 0x01, 0xee, 0xff, 0xc0, 0, 0, 0, 0, 1, 1, 0x10, 0x04,
      ])
    #expect(bench.ask([0x0a, 0x16, 0]) == [0x0b] + Array("00000000C0FFEE01".utf8))
  }

  @Test func requestsWithoutSenseAreRefused() {
    #expect(bench.ask([0x0a, 0, 0]) == refusal(0x0a, 0, 0x01))
    #expect(bench.ask([0x0a, 0x25, 0]) == refusal(0x0a, 0x25, 0x01))
    #expect(bench.ask([0x0a, 1]) == refusal(0x0a, 0, 0x04))
    #expect(bench.ask([0x04, 0, 0, 1, 0]) == refusal(0x04, 0, 0x01))
    #expect(bench.ask([0x04, 5, 0, 4, 0]) == refusal(0x04, 5, 0x01))
    #expect(bench.ask([0x08, 1, 0, 0xff, 0xff, 1]) == refusal(0x08, 0, 0x04))
    #expect(bench.ask([0x16, 3, 0, 0, 0, 1]) == refusal(0x16, 0, 0x06))
    #expect(bench.ask([0x18, 1]) == refusal(0x18, 0, 0x06))
    #expect(bench.ask([0x3c]) == refusal(0x3c, 0, 0x06))
    #expect(bench.ask([0x12, 3, 0, 1]) == refusal(0x12, 3, 0x03))
    #expect(bench.ask([0x12, 0x1f, 0, 1]) == refusal(0x12, 0x1f, 0x03))
    #expect(bench.ask([0x12]) == refusal(0x12, 0, 0x04))
  }

  @Test func commandsAndAnswersAreNeverAnswered() {
    for pdu in [[0x52, 3, 0, 1], [0xd2, 3, 0, 1], [0x7e], [0x01, 2, 3], [0x13], [0x1b, 1, 0], [0x1e], []] {
      #expect(bench.ask(pdu.map { UInt8($0) }) == [], "\(pdu)")
    }
    #expect(bench.ask([0x1d, 1, 0, 5]) == [0x1e])
  }

  @Test func configurationTakesWhatTheCharacteristicCanDo() {
    #expect(bench.ask([0x12, 0x22, 0, 2, 0]) == refusal(0x12, 0x22, 0xfd))
    #expect(bench.ask([0x12, 0x22, 0, 1]) == refusal(0x12, 0x22, 0x0d))
    #expect(bench.ask([0x12, 0x22, 0, 1, 0]) == [0x13])
    #expect(bench.ask([0x0a, 0x22, 0]) == [0x0b, 1, 0])
    #expect(bench.ask([0x12, 0x0b, 0, 1, 0]) == refusal(0x12, 0x0b, 0xfd))
    #expect(bench.ask([0x12, 0x0b, 0, 2, 0]) == [0x13])
    #expect(bench.ask([0x0a, 0x0b, 0]) == [0x0b, 2, 0])
  }

  @Test func clientFeaturesAreNeverTakenBack() {
    #expect(bench.ask([0x12, 0x0d, 0, 0x01]) == [0x13])
    #expect(bench.ask([0x12, 0x0d, 0, 0x05]) == [0x13])
    #expect(bench.ask([0x0a, 0x0d, 0]) == [0x0b, 0x05])
    #expect(bench.ask([0x12, 0x0d, 0, 0x01]) == refusal(0x12, 0x0d, 0x13))
    #expect(bench.ask([0x12, 0x0d, 0]) == refusal(0x12, 0x0d, 0x0d))
  }

  @Test func aSecondRequestBeforeTheAnswerIsNotAnswered() {
    bench.completesAtOnce = false
    // The controller's buffers are full of answers.
    for _ in 0..<4 { bench.send(4, [0x0a, 5, 0]) }
    bench.send(4, [0x0a, 5, 0])
    bench.send(4, [0x0a, 3, 0])
    bench.complete(4)
    bench.pump()
    #expect(bench.takePDUs(4) == [[UInt8]](repeating: [0x0b, 0x40, 0x05], count: 5))
  }

  /// Core specification, Vol 3 Part G §7.3.1: CMAC with key zero over handle, type and, for declarations, value.
  @Test func databaseHashIsThatOfTheTable() {
    var code = CMAC(key: .zero)
    for handle in 1...AttributeTable.last {
      guard let attribute = AttributeTable.attribute(handle) else { continue }
      var octets = BoundedBytes(capacity: 64)
      octets.append(littleEndian: UInt64(handle), width: 2)
      AttributeTable.type(of: attribute).append(to: &octets)
      switch attribute {
      case .service(let type, _): type.append(to: &octets)
      case .characteristic(let type, let properties):
        octets.append(properties)
        octets.append(littleEndian: UInt64(handle + 1), width: 2)
        type.append(to: &octets)
      case .configuration: break
      case .value: continue
      }
      code.update(octets.span)
    }
    let hash = code.finalize()
    var expected = BoundedBytes(capacity: 16)
    hash.append(littleEndianTo: &expected)
    #expect(bench.ask([0x0a, 0x0f, 0]) == [0x0b] + expected.copied())
  }
}
