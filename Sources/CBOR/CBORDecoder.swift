/// Reads deterministic CBOR (RFC 8949 §4.2.1) from borrowed bytes, one checked value after the other.
///
/// It is total: on no bytes does it trap, recurse or allocate. Only the one deterministic form of each value is
/// accepted, so two messages that mean the same are the same bytes. After an error, drop the message.
///
/// Messages are maps with small unsigned keys. A value that nobody reads is skipped, and with it the fields of
/// versions to come:
///
/// ```swift
/// init(from cbor: inout CBORDecoder) throws(CBORError) {
///   var fields = try cbor.map()
///   while let key = try cbor.nextKey(of: &fields) {
///     switch key {
///     case 1: round = try cbor.unsigned()  // of the type of `round`, whose range is checked
///     case 2: name = ShortText(try cbor.text(max: 64))
///     case 3: learningRate = try cbor.float()
///     default: break
///     }
///   }
/// }
/// ```
public struct CBORDecoder: ~Escapable {
  /// How many arrays, maps and tags ``skipValue()`` follows into one another.
  public static let maximumDepth = 8

  let input: Span<UInt8>

  /// Offset of the next item; after an error, near what caused it.
  public internal(set) var offset = 0

  /// Starts at the first of `input`.
  @_lifetime(copy input)
  public init(_ input: Span<UInt8>) {
    self.input = input
  }

  /// How many bytes are left.
  public var remaining: Int { input.count - offset }

  /// What kind of item comes next; nil at the end. Its first byte decides: the item may still be malformed.
  public var nextType: CBORType? {
    guard offset < input.count else { return nil }
    let information = input[offset] & 0x1f
    switch input[offset] >> 5 {
    case MajorType.unsigned: return .unsigned
    case MajorType.negative: return .negative
    case MajorType.bytes: return .bytes
    case MajorType.text: return .text
    case MajorType.array: return .array
    case MajorType.map: return .map
    case MajorType.tag: return .tag
    default: break
    }
    switch information {
    case AdditionalInformation.false, AdditionalInformation.true: return .bool
    case AdditionalInformation.null: return .null
    case AdditionalInformation.twoBytes...AdditionalInformation.eightBytes: return .float
    default: return .other
    }
  }

  /// Reads an integer from 0 to `max`, by default the greatest of the type that is asked for.
  @_lifetime(self: copy self)
  public mutating func unsigned<T: FixedWidthInteger>(
    as type: T.Type = T.self, max: T = .max
  ) throws(CBORError) -> T {
    let argument = try argument(of: MajorType.unsigned)
    guard argument <= UInt64(clamping: max) else { throw .overflow }
    return T(truncatingIfNeeded: argument)
  }

  /// Reads an integer of either sign that fits the type that is asked for.
  @_lifetime(self: copy self)
  public mutating func signed<T: FixedWidthInteger & SignedInteger>(
    as type: T.Type = T.self
  ) throws(CBORError) -> T {
    let head = try readHead()
    guard head.major == MajorType.unsigned || head.major == MajorType.negative else { throw .wrongType }
    // −1 − n is the complement of n, so both signs have the same bound on the argument.
    guard head.argument <= UInt64(clamping: T.max) else { throw .overflow }
    let magnitude = T(truncatingIfNeeded: head.argument)
    return head.major == MajorType.negative ? ~magnitude : magnitude
  }

  /// Reads a byte string of at most `max` bytes, which stay where they are.
  @_lifetime(copy self)
  public mutating func bytes(max: Int = .max) throws(CBORError) -> Span<UInt8> {
    try string(MajorType.bytes, max: max)
  }

  /// Reads a text string of at most `max` bytes, which stay where they are and are UTF-8.
  @_lifetime(copy self)
  public mutating func text(max: Int = .max) throws(CBORError) -> Span<UInt8> {
    let text = try string(MajorType.text, max: max)
    guard isUTF8(text) else { throw .invalidUTF8 }
    return text
  }

  /// Reads false or true.
  @_lifetime(self: copy self)
  public mutating func bool() throws(CBORError) -> Bool {
    let head = try readHead()
    guard head.major == MajorType.simple else { throw .wrongType }
    switch head.information {
    case AdditionalInformation.false: return false
    case AdditionalInformation.true: return true
    default: throw .wrongType
    }
  }

  /// Consumes a null, if that comes next, and says whether it did; otherwise nothing moves.
  @_lifetime(self: copy self)
  public mutating func readNull() -> Bool {
    guard nextType == .null else { return false }
    offset += 1
    return true
  }

  /// Reads a float of 16 or 32 bits. One that needs 64 bits is an ``CBORError/overflow``.
  @_lifetime(self: copy self)
  public mutating func float() throws(CBORError) -> Float {
    let head = try readHead()
    guard head.isFloat else { throw .wrongType }
    guard let bits = try head.singleBits() else { throw .overflow }
    return Float(bitPattern: bits)
  }

  /// Reads the head of an array of at most `max` elements; that many items follow.
  @_lifetime(self: copy self)
  public mutating func arrayCount(max: Int = .max) throws(CBORError) -> Int {
    let count = try argument(of: MajorType.array)
    guard count <= UInt64(clamping: max) else { throw .overflow }
    // Every element takes a byte at least: whatever is promised beyond that, nobody loops over.
    guard count <= UInt64(remaining) else { throw .truncated }
    return Int(count)
  }

  /// Checks that the input ends here.
  public func finish() throws(CBORError) {
    guard offset == input.count else { throw .trailingBytes }
  }

  // MARK: Parts of items

  @_lifetime(copy self)
  private mutating func string(_ major: UInt8, max: Int) throws(CBORError) -> Span<UInt8> {
    let length = try argument(of: major)
    guard length <= UInt64(clamping: max) else { throw .overflow }
    return try take(length)
  }

  /// Consumes the head of an item that must be of this major type.
  @_lifetime(self: copy self)
  mutating func argument(of major: UInt8) throws(CBORError) -> UInt64 {
    let head = try readHead()
    guard head.major == major else { throw .wrongType }
    return head.argument
  }

  /// Consumes the content of a string.
  @_lifetime(copy self)
  mutating func take(_ length: UInt64) throws(CBORError) -> Span<UInt8> {
    guard length <= UInt64(remaining) else { throw .truncated }
    let content = input.extracting(offset..<offset + Int(length))
    offset += content.count
    return content
  }
}
