/// The buffers that packets are received into and sent from. They are made once and stay where they are, so that a
/// radio can reach them by DMA.
///
/// A buffer begins with the two octets of the header; the payload follows. Who may touch a buffer at a time is
/// settled by its number: it is in one queue only, of the interrupt's or of the link layer's.
public struct PacketMemory: ~Copyable {
  /// Octets of a buffer: header, 251 of payload, 4 of MIC, and two more to keep the next one aligned.
  public static let stride = 260
  /// How many buffers packets are received into: 0…
  static let receiveCount: UInt8 = 6
  /// How many buffers packets are sent from, behind those.
  static let transmitCount: UInt8 = 6
  /// The buffer of the packet without payload, of which there is always one.
  static let empty = receiveCount + transmitCount
  /// The buffers of the advertisement and the scan response: nothing is connected while they are sent.
  static let advertisement = receiveCount
  static let scanResponse = receiveCount + 1

  private static let size = Int(empty) * stride + 4
  private let start: UnsafeMutablePointer<UInt8>

  init() {
    start = .allocate(capacity: Self.size)
    start.initialize(repeating: 0, count: Self.size)
  }

  deinit { start.deallocate() }

  /// Where buffer `index` begins, for DMA; it stays there. Of the empty packet only the header is there.
  @inline(__always)
  public func address(of index: UInt8) -> UnsafeMutablePointer<UInt8> {
    precondition(index <= Self.empty)
    return start + Int(index) * Self.stride
  }

  /// Octet `offset` of buffer `index`.
  @inline(__always)
  subscript(index: UInt8, offset: Int) -> UInt8 {
    get {
      precondition(offset >= 0 && offset < Self.stride)
      return address(of: index)[offset]
    }
    nonmutating set {
      precondition(offset >= 0 && offset < Self.stride && index < Self.empty)
      address(of: index)[offset] = newValue
    }
  }

  /// Header and payload of a packet that a buffer holds.
  @_lifetime(borrow self)
  public borrowing func pdu(of index: UInt8) -> Span<UInt8> {
    let length = index < Self.empty ? Int(self[index, 1]) : 0
    // Safe: the memory lives as long as this value.
    let octets = unsafe UnsafeBufferPointer(start: UnsafePointer(address(of: index)), count: 2 + length)
    return unsafe _overrideLifetime(Span(_unsafeElements: octets), borrowing: self)
  }

  /// The payload of a packet that a buffer holds.
  @_lifetime(borrow self)
  borrowing func payload(of index: UInt8) -> Span<UInt8> {
    let pdu = pdu(of: index)
    return pdu.extracting(2..<pdu.count)
  }

  /// The whole of a buffer, to be written.
  @_lifetime(borrow self)
  borrowing func room(of index: UInt8) -> MutableSpan<UInt8> {
    precondition(index < Self.empty)
    // Safe: whoever holds the number of a buffer is the only one who touches it.
    let octets = unsafe UnsafeMutableBufferPointer(start: address(of: index), count: Self.stride)
    return unsafe _overrideLifetime(MutableSpan(_unsafeElements: octets), borrowing: self)
  }
}
