public import Bytes

/// Writes deterministic CBOR (RFC 8949 §4.2.1) into a buffer of fixed capacity: the shortest head and the
/// shortest float for every value, definite lengths, map keys in ascending order.
///
/// Nothing fails on the way: what does not fit sets ``overflowed``, to be looked at once at the end.
///
/// ```swift
/// extension TrainTask {
///   func encode(into cbor: inout CBOREncoder) {
///     cbor.map { cbor in
///       cbor.field(1, unsigned: round)
///       cbor.field(2, bytes: model.span)
///       cbor.field(3, float: learningRate)
///       if let deadline { cbor.field(4, unsigned: deadline) }
///       cbor.key(5)
///       cbor.array(count: slices.count)
///       for slice in slices { cbor.unsigned(slice) }
///     }
///   }
/// }
///
/// CBOREncoder.append(to: &frame) { cbor in task.encode(into: &cbor) }
/// if frame.overflowed { … }
/// ```
public struct CBOREncoder: ~Copyable {
  private var buffer: BoundedBytes
  /// Where the innermost open map stands; nil between messages and inside no map.
  private var openMap: OpenMap?

  private struct OpenMap {
    var headOffset: Int
    var fields: UInt8 = 0
    var lastKey: UInt32 = 0
  }

  /// Goes on after what `buffer` holds; ``finish()`` gives it back.
  public init(_ buffer: consuming BoundedBytes) {
    self.buffer = buffer
  }

  /// Starts with an empty buffer of its own that never holds more than `capacity` bytes.
  public init(capacity: Int) {
    buffer = BoundedBytes(capacity: capacity)
  }

  /// Ends the encoding and gives the buffer away.
  public consuming func finish() -> BoundedBytes {
    buffer
  }

  /// Appends to `buffer` what `encode` writes.
  public static func append(to buffer: inout BoundedBytes, _ encode: (inout CBOREncoder) -> Void) {
    var encoder = CBOREncoder(buffer)
    encode(&encoder)
    buffer = encoder.finish()
  }

  /// Forgets everything written and the overflow, to start the next message in the same buffer.
  public mutating func removeAll() {
    buffer.removeAll()
    openMap = nil
  }

  /// What was written so far.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { buffer.span }
  }

  /// Whether something did not fit. What is held is then no whole message.
  public var overflowed: Bool { buffer.overflowed }

  // MARK: Values

  /// Writes an integer from 0 to 2^64 − 1.
  public mutating func unsigned(_ value: some FixedWidthInteger & UnsignedInteger) {
    head(MajorType.unsigned, UInt64(truncatingIfNeeded: value))
  }

  /// Writes an integer of either sign.
  public mutating func signed(_ value: some FixedWidthInteger & SignedInteger) {
    let bits = Int64(truncatingIfNeeded: value)
    if bits < 0 {
      // A negative n is written as −1 − n, which in two's complement is its complement.
      head(MajorType.negative, UInt64(bitPattern: ~bits))
    } else {
      head(MajorType.unsigned, UInt64(bitPattern: bits))
    }
  }

  /// Writes a byte string.
  public mutating func bytes(_ value: Span<UInt8>) {
    head(MajorType.bytes, UInt64(value.count))
    buffer.append(contentsOf: value)
  }

  /// Writes a text string. Bytes that are not UTF-8, such as a character cut in two, are written as `?`:
  /// a message of ours is always well-formed.
  public mutating func text(_ value: Span<UInt8>) {
    head(MajorType.text, UInt64(value.count))
    guard !isUTF8(value) else { return buffer.append(contentsOf: value) }
    var at = 0
    while at < value.count {
      if let length = lengthOfUTF8Sequence(in: value, at: at) {
        buffer.append(contentsOf: value.extracting(at..<at + length))
        at += length
      } else {
        buffer.append(UInt8(ascii: "?"))
        at += 1
      }
    }
  }

  /// Writes a literal as a text string.
  public mutating func text(_ value: StaticString) {
    head(MajorType.text, UInt64(value.utf8CodeUnitCount))
    value.withUTF8Buffer { buffer.append(contentsOf: $0.span) }
  }

  /// Writes false or true.
  public mutating func bool(_ value: Bool) {
    simple(value ? AdditionalInformation.true : AdditionalInformation.false)
  }

  /// Writes null.
  public mutating func null() {
    simple(AdditionalInformation.null)
  }

  /// Writes a float: in 16 bits if those hold the very value (every NaN does, as `f9 7e 00`), else in 32.
  public mutating func float(_ value: Float) {
    let bits = value.bitPattern
    if let half = halfBits(ofSingle: bits) {
      simple(AdditionalInformation.twoBytes)
      bigEndian(UInt64(half), width: 2)
    } else {
      simple(AdditionalInformation.fourBytes)
      bigEndian(UInt64(bits), width: 4)
    }
  }

  /// Starts an array: the next `count` items (0 or more) are its elements.
  public mutating func array(count: Int) {
    head(MajorType.array, UInt64(count))
  }

  /// Starts a map with keys of any type: the next `count` pairs (0 or more) of items are its keys and values.
  /// The caller sees to it that the keys ascend bytewise; for messages there is ``map(_:)``.
  public mutating func map(count: Int) {
    head(MajorType.map, UInt64(count))
  }

  // MARK: Maps with small keys

  /// Writes a map of as many fields as `fields` writes: at most 23, their keys ascending. Maps may be nested.
  ///
  /// The head of such a map is one byte, which grows with every field, so that nobody counts optional fields
  /// beforehand.
  public mutating func map(_ fields: (inout CBOREncoder) -> Void) {
    let outer = openMap
    openMap = OpenMap(headOffset: buffer.count)
    buffer.append(MajorType.map << 5)
    fields(&self)
    openMap = outer
  }

  /// Starts a field of the innermost map; the next item is its value.
  ///
  /// - Parameter key: greater than the key before it.
  public mutating func key(_ key: UInt32) {
    guard var map = openMap else { preconditionFailure("key outside of a map") }
    assert(map.fields == 0 || key > map.lastKey, "keys of a deterministic map ascend")
    precondition(map.fields < 23, "a map with small keys has at most 23 fields")
    map.fields += 1
    map.lastKey = key
    openMap = map
    if !buffer.overflowed {
      var written = buffer.mutableSpan
      written[map.headOffset] = MajorType.map << 5 | map.fields
    }
    head(MajorType.unsigned, UInt64(key))
  }

  /// Writes a field with an unsigned integer.
  public mutating func field(_ key: UInt32, unsigned value: some FixedWidthInteger & UnsignedInteger) {
    self.key(key)
    unsigned(value)
  }

  /// Writes a field with an integer of either sign.
  public mutating func field(_ key: UInt32, signed value: some FixedWidthInteger & SignedInteger) {
    self.key(key)
    signed(value)
  }

  /// Writes a field with a byte string.
  public mutating func field(_ key: UInt32, bytes value: Span<UInt8>) {
    self.key(key)
    bytes(value)
  }

  /// Writes a field with a text string; see ``text(_:)-(Span<UInt8>)``.
  public mutating func field(_ key: UInt32, text value: Span<UInt8>) {
    self.key(key)
    text(value)
  }

  /// Writes a field with false or true.
  public mutating func field(_ key: UInt32, bool value: Bool) {
    self.key(key)
    bool(value)
  }

  /// Writes a field with a float; see ``float(_:)``.
  public mutating func field(_ key: UInt32, float value: Float) {
    self.key(key)
    float(value)
  }

  // MARK: Heads

  /// The first byte and the argument, in the fewest bytes (RFC 8949 §3).
  private mutating func head(_ major: UInt8, _ argument: UInt64) {
    let type = major << 5
    switch argument {
    case 0..<24:
      buffer.append(type | UInt8(truncatingIfNeeded: argument))
    case 24...0xff:
      buffer.append(type | AdditionalInformation.oneByte)
      bigEndian(argument, width: 1)
    case 0x100...0xffff:
      buffer.append(type | AdditionalInformation.twoBytes)
      bigEndian(argument, width: 2)
    case 0x1_0000...0xffff_ffff:
      buffer.append(type | AdditionalInformation.fourBytes)
      bigEndian(argument, width: 4)
    default:
      buffer.append(type | AdditionalInformation.eightBytes)
      bigEndian(argument, width: 8)
    }
  }

  private mutating func simple(_ information: UInt8) {
    buffer.append(MajorType.simple << 5 | information)
  }

  private mutating func bigEndian(_ value: UInt64, width: Int) {
    for i in 1...width {
      buffer.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * (width - i))))
    }
  }
}
