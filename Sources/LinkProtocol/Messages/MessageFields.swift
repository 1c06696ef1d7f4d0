import CBOR

/// The fields of one message: a CBOR map with small unsigned keys. Keys that a version does not know are
/// skipped; a missing field that is required is an error.
protocol MessageFields {
  /// The message before any field was read: optional fields have their defaults.
  init()

  /// The keys a message must have: 1 up to this one, all required fields being numbered first.
  static var requiredKeys: UInt32 { get }

  /// Whether a message may have these keys and no others of those that are known; bit k stands for key k < 32.
  static func isComplete(_ keys: UInt32) -> Bool

  /// Writes all fields.
  func encode(into cbor: inout CBOREncoder)

  /// Reads the value of field `key`, or reads nothing if the key is unknown.
  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError)
}

extension MessageFields {
  static func isComplete(_ keys: UInt32) -> Bool {
    let required = (UInt32(2) << requiredKeys) - 2
    return keys & required == required
  }

  /// Reads the map.
  init(from cbor: inout CBORDecoder) throws(CBORError) {
    self.init()
    var fields = try cbor.map()
    var keys: UInt32 = 0
    while let key = try cbor.nextKey(of: &fields) {
      if key < 32 { keys |= 1 << key }
      try read(key, from: &cbor)
    }
    guard Self.isComplete(keys) else { throw .wrongType }
  }

  /// Reads a map and nothing after it; nil if it is another message or none.
  init?(wholeOf bytes: Span<UInt8>) {
    do throws(CBORError) {
      var cbor = CBORDecoder(bytes)
      try self.init(from: &cbor)
      try cbor.finish()
    } catch {
      return nil
    }
  }
}

/// The fields of a message that has none yet.
struct NoFields: MessageFields {
  static var requiredKeys: UInt32 { 0 }

  init() {}

  func encode(into cbor: inout CBOREncoder) {
    cbor.map(count: 0)
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {}
}
