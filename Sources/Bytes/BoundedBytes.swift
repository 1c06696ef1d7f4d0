/// A byte buffer whose capacity is fixed when it is made; nothing is allocated afterwards.
///
/// Appending past the capacity does not trap: it sets ``overflowed`` and drops the bytes, so that an
/// encoder can write a whole message and look once at the end.
public struct BoundedBytes: ~Copyable {
  private var storage: [UInt8]

  /// Number of bytes held, 0…``capacity``.
  public private(set) var count = 0

  /// Whether an append since the last ``removeAll()`` did not fit. What is held is then not a whole message.
  public private(set) var overflowed = false

  /// Makes an empty buffer.
  ///
  /// - Parameter capacity: the most bytes it will ever hold.
  public init(capacity: Int) {
    storage = [UInt8](repeating: 0, count: capacity)
  }

  /// The most bytes this buffer can hold.
  public var capacity: Int { storage.count }

  /// Whether nothing is held.
  public var isEmpty: Bool { count == 0 }

  /// The bytes held.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span.extracting(0..<count) }
  }

  /// The bytes held, to be changed in place.
  public var mutableSpan: MutableSpan<UInt8> {
    @_lifetime(&self) mutating get {
      let held = count
      // Safe: an array of fixed size stays where it is, and the span takes over the lifetime of `self`.
      // (`_consumingExtracting` would say the same, but allocates a box at every call.)
      let part = unsafe storage.withUnsafeMutableBufferPointer { $0.extracting(0..<held) }
      return unsafe _overrideLifetime(MutableSpan(_unsafeElements: part), mutating: &self)
    }
  }

  /// Forgets all bytes and the overflow mark.
  public mutating func removeAll() {
    count = 0
    overflowed = false
  }

  /// Forgets the bytes after the first `length`; the overflow mark stays.
  public mutating func truncate(to length: Int) {
    if length >= 0 && length < count { count = length }
  }

  /// Appends one byte, or marks the overflow.
  public mutating func append(_ byte: UInt8) {
    guard count < storage.count else {
      overflowed = true
      return
    }
    storage[count] = byte
    count += 1
  }

  /// Appends all of `bytes`, or none of them and marks the overflow.
  public mutating func append(contentsOf bytes: Span<UInt8>) {
    guard bytes.count <= storage.count - count else {
      overflowed = true
      return
    }
    var at = count
    var destination = storage.mutableSpan
    for i in 0..<bytes.count {
      destination[at] = bytes[i]
      at += 1
    }
    count = at
  }

  /// Appends `length` zero bytes, to be filled through ``mutableSpan``, or none and marks the overflow.
  public mutating func appendZeros(_ length: Int) {
    guard length >= 0, length <= storage.count - count else {
      overflowed = true
      return
    }
    for i in count..<count + length { storage[i] = 0 }
    count += length
  }

  /// Appends the `width` low bytes of `value`, least significant first.
  public mutating func append(littleEndian value: UInt64, width: Int) {
    var rest = value
    for _ in 0..<width {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}
