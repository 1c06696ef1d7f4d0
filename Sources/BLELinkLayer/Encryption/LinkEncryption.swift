import Cryptography

/// How far the encryption of a connection has come (Core specification, Vol 6 Part B §5.1.3), and the counters that it
/// goes by.
struct LinkEncryption {
  enum Phase: Equatable {
    case off
    /// The host was asked for a key.
    case awaitingKey
    /// LL_START_ENC_REQ is on its way: what comes next is encrypted.
    case awaitingStart
    case on
    /// LL_PAUSE_ENC_RSP is on its way: what comes next is not encrypted.
    case pausing
    /// Neither side encrypts, and the central begins anew.
    case paused
  }

  var phase = Phase.off
  /// Whether the key is changed, rather than encryption begun.
  var isRefresh = false
  /// Whether what is sent, or comes, is encrypted.
  var encryptsTransmit = false
  var encryptsReceive = false
  /// Whether there is anything to compute for a packet.
  var isNeeded: Bool { encryptsTransmit || encryptsReceive }
  /// Halves that the two sides gave; the central's are the low ones.
  var keyDiversifier = (central: UInt64(0), peripheral: UInt64(0))
  var vector: UInt64 = 0
  private var transmitCounter: UInt64 = 0
  private var receiveCounter: UInt64 = 0

  /// Whether nothing but what belongs to this procedure may be sent.
  var isBusy: Bool { phase != .off && phase != .on }

  /// The key of the session: the two halves, encrypted with the key that both have.
  mutating func begin<Encryption: BlockEncryption>(longTermKey: Block128, _ encryption: inout Encryption) {
    let diversifier = Block128(
      UInt32(truncatingIfNeeded: keyDiversifier.peripheral >> 32),
      UInt32(truncatingIfNeeded: keyDiversifier.peripheral),
      UInt32(truncatingIfNeeded: keyDiversifier.central >> 32),
      UInt32(truncatingIfNeeded: keyDiversifier.central))
    sessionKey = encryption.encrypt(diversifier, key: longTermKey)
    encryption.use(key: sessionKey)
    transmitCounter = 0
    receiveCounter = 0
  }

  private(set) var sessionKey = Block128.zero

  /// Encrypts the packet that a buffer holds, in place, and makes it longer by its MIC.
  mutating func encrypt<Encryption: BlockEncryption>(
    _ buffer: UInt8, of memory: borrowing PacketMemory, _ encryption: inout Encryption
  ) {
    let length = Int(memory[buffer, 1])
    guard length > 0, length <= Int(DataLengths.longest) else { return }
    let nonce = PacketNonce(counter: transmitCounter, direction: .toCentral, vector: vector)
    var octets = memory.room(of: buffer)
    let tag = nonce.apply(
      &encryption, header: octets[0], to: &octets, at: 2, count: length, decrypts: false)
    for i in 0..<PacketNonce.tagLength {
      octets[2 + length + i] = UInt8(truncatingIfNeeded: tag >> UInt32(24 - 8 * i))
    }
    octets[1] = UInt8(truncatingIfNeeded: length + PacketNonce.tagLength)
    transmitCounter += 1
  }

  /// Decrypts the packet that a buffer holds, in place, and takes its MIC off.
  ///
  /// - Returns: whether the MIC was right; a packet too short to have one has a wrong one.
  mutating func decrypt<Encryption: BlockEncryption>(
    _ buffer: UInt8, of memory: borrowing PacketMemory, _ encryption: inout Encryption
  ) -> Bool {
    let length = Int(memory[buffer, 1]) - PacketNonce.tagLength
    guard length > 0, length <= Int(DataLengths.longest) else { return false }
    let nonce = PacketNonce(counter: receiveCounter, direction: .toPeripheral, vector: vector)
    var octets = memory.room(of: buffer)
    var tag = nonce.apply(&encryption, header: octets[0], to: &octets, at: 2, count: length, decrypts: true)
    for i in 0..<PacketNonce.tagLength { tag ^= UInt32(octets[2 + length + i]) << UInt32(24 - 8 * i) }
    octets[1] = UInt8(truncatingIfNeeded: length)
    receiveCounter += 1
    return tag == 0
  }
}
