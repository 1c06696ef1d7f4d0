import Cryptography
import Testing

@testable import BLELinkLayer

/// What the specification publishes (Core specification, Vol 6 Part C).
struct SampleDataTests {
  /// §3: the channels of algorithm #2 for the access address of advertising.
  @Test func channelsOfTheSecondAlgorithm() {
    let selection = ChannelSelection.second(accessAddress: 0x8e89_bed6)
    #expect(selection == .second(identifier: 0x305f))
    let all = ChannelMap.all
    #expect((0...3).map { selection.channel(counter: $0, map: all) } == [25, 20, 6, 21])
    let nine = ChannelMap(bits: 0x1e_00e0_0600)
    #expect(nine.count == 9)
    #expect((6...8).map { selection.channel(counter: $0, map: nine) } == [23, 9, 34])
  }

  private static let key: [UInt8] = [
    0x99, 0xad, 0x1b, 0x52, 0x26, 0xa3, 0x7e, 0x3e, 0x05, 0x8e, 0x3b, 0x8e, 0x27, 0xc2, 0xc6, 0x66,
  ]

  private static let sent: [UInt8] = [0x17, 0x00] + Array("76543210ABCDEFGHIJKLMNOPQ".utf8)
  private static let sentSealed: [UInt8] = [
    0xf3, 0x88, 0x81, 0xe7, 0xbd, 0x94, 0xc9, 0xc3, 0x69, 0xb9, 0xa6, 0x68, 0x46, 0xdd, 0x47, 0x86, 0xaa,
    0x8c, 0x39, 0xce, 0x54, 0x0d, 0x0d, 0xae, 0x3a, 0xdc, 0xdf, 0x89, 0xb9, 0x60, 0x88,
  ]
  private static let came: [UInt8] = [0x17, 0x00] + Array("cdefghijklmnopq1234567890".utf8)
  private static let cameSealed: [UInt8] = [
    0x7a, 0x70, 0xd6, 0x64, 0x15, 0x22, 0x6d, 0xf2, 0x6b, 0x17, 0x83, 0x9a, 0x06, 0x04, 0x05, 0x59, 0x6b,
    0xd6, 0x56, 0x4f, 0x79, 0x6b, 0x5b, 0x9c, 0xe6, 0xff, 0x32, 0xf7, 0x5a, 0x6d, 0x33,
  ]

  private static func fill(_ memory: borrowing PacketMemory, _ header: UInt8, _ payload: [UInt8]) {
    memory[6, 0] = header
    memory[6, 1] = UInt8(payload.count)
    for (i, octet) in payload.enumerated() { memory[6, 2 + i] = octet }
  }

  private static func octets(_ memory: borrowing PacketMemory) -> [UInt8] {
    let pdu = memory.pdu(of: 6)
    return (2..<pdu.count).map { pdu[$0] }
  }

  /// §1: session key, start of encryption, and one packet of data each way.
  @Test func encryption() {
    let memory = PacketMemory()
    var cipher = SoftwareEncryption()
    var encryption = LinkEncryption()
    encryption.keyDiversifier = (0xacbd_cedf_e0f1_0213, 0x0213_2435_4657_6879)
    encryption.vector = 0xdeaf_babe_badc_ab24
    encryption.begin(longTermKey: Block128(0x4c68_3841, 0x39f5_74d8, 0x36bc_f34e, 0x9dfb_01bf), &cipher)
    #expect((0..<16).map { encryption.sessionKey[byte: $0] } == Self.key)

    Self.fill(memory, 0x0f, [0x9f, 0xcd, 0xa7, 0xf4, 0x48])
    #expect(encryption.decrypt(6, of: memory, &cipher))
    #expect(Self.octets(memory) == [6])
    Self.fill(memory, 0x07, [6])
    encryption.encrypt(6, of: memory, &cipher)
    #expect(Self.octets(memory) == [0xa3, 0x4c, 0x13, 0xa4, 0x15])

    Self.fill(memory, 0x0e, Self.cameSealed)
    #expect(encryption.decrypt(6, of: memory, &cipher))
    #expect(Self.octets(memory) == Self.came)
    Self.fill(memory, 0x06, Self.sent)
    encryption.encrypt(6, of: memory, &cipher)
    #expect(Self.octets(memory) == Self.sentSealed)
  }

  /// The tests' own code of packets, which the central uses, gives the same.
  @Test func referenceOfTheTests() {
    let ccm = ReferenceCCM(key: Self.key, vector: [0x24, 0xab, 0xdc, 0xba, 0xbe, 0xba, 0xaf, 0xde])
    #expect(ccm.seal(Self.came, header: 0x0e, counter: 1, fromCentral: true) == Self.cameSealed)
    #expect(ccm.open(Self.sentSealed, header: 0x06, counter: 1, fromCentral: false) == Self.sent)
  }

  /// SN, NESN and MD may change when a packet is sent again, and nothing else may.
  @Test func everyBitButThoseOfTheHeaderIsProtected() {
    let memory = PacketMemory()
    var cipher = SoftwareEncryption()
    cipher.use(key: Block128(bigEndian: Self.key.span)!)
    for bit in 0..<8 * (1 + Self.cameSealed.count) {
      var encryption = LinkEncryption()
      encryption.vector = 0xdeaf_babe_badc_ab24
      // The first packet moves the counter to where the sample's is.
      Self.fill(memory, 0x0f, [0x9f, 0xcd, 0xa7, 0xf4, 0x48])
      #expect(encryption.decrypt(6, of: memory, &cipher))
      var octets = [0x0e] + Self.cameSealed
      octets[bit / 8] ^= 1 << (bit % 8)
      Self.fill(memory, octets[0], Array(octets[1...]))
      #expect(encryption.decrypt(6, of: memory, &cipher) == (2...4).contains(bit))
    }
  }
}
