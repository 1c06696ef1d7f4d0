import Cryptography

/// The central's half of encryption.
struct CentralEncryption {
  enum Phase { case off, requested, started, on, pausing }

  private(set) var phase = Phase.off
  private(set) var ccm: ReferenceCCM?
  private var seals = false
  private var opens = false
  private var sent: UInt64 = 0
  private var got: UInt64 = 0
  private(set) var micFailures = 0
  private var key: [UInt8] = []
  private let diversifier: [UInt8] = [0x13, 0x02, 0xf1, 0xe0, 0xdf, 0xce, 0xbd, 0xac]
  private let vector: [UInt8] = [0x24, 0xab, 0xdc, 0xba]
  /// The session key that it goes by is wrong by one bit.
  var spoilsKey = false
  /// What names the key: Rand and EDIV.
  var identifier: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 0x74, 0x24]
  /// Keeps silent where LL_START_ENC_RSP is due.
  var neverStarts = false

  var isBusy: Bool { phase != .off && phase != .on }

  /// Begins, with a key as people write it: most significant octet first.
  mutating func begin(_ central: TestCentral, key: [UInt8]) {
    self.key = key
    if phase == .on {
      phase = .pausing
      central.send(control: [0x0a])
    } else {
      request(central)
    }
  }

  private mutating func request(_ central: TestCentral) {
    phase = .requested
    central.send(control: [3] + identifier + diversifier + vector)
  }

  mutating func seal(_ payload: [UInt8], kind: UInt8) -> [UInt8] {
    guard seals, let ccm else { return payload }
    defer { sent += 1 }
    return ccm.seal(payload, header: kind, counter: sent, fromCentral: true)
  }

  mutating func open(_ octets: [UInt8], header: UInt8) -> [UInt8]? {
    guard opens, let ccm else { return octets }
    guard let text = ccm.open(octets, header: header, counter: got, fromCentral: false) else {
      micFailures += 1
      return nil
    }
    got += 1
    return text
  }

  /// - Returns: whether the PDU was one of encryption.
  mutating func control(_ payload: [UInt8], _ central: TestCentral) -> Bool {
    switch payload[0] {
    case 4 where phase == .requested:
      let cipher = AES128(key: Block128(bigEndian: key.span)!)
      let both = Array((diversifier + payload[1..<9]).reversed())
      let session = cipher.encrypt(Block128(bigEndian: both.span)!)
      var octets = (0..<16).map { session[byte: $0] }
      if spoilsKey { octets[7] ^= 4 }
      ccm = ReferenceCCM(key: octets, vector: vector + payload[9..<13])
    case 5 where phase == .requested:
      phase = .started
      seals = true
      opens = true
      sent = 0
      got = 0
      if !neverStarts { central.send(control: [6]) }
    case 6 where phase == .started: phase = .on
    case 0x0b where phase == .pausing:
      seals = false
      opens = false
      // The confirmation goes first, in clear text.
      central.send(control: [0x0b])
      request(central)
    case 0x0d, 0x11: phase = .off
    default: return false
    }
    return true
  }
}
