import CBOR

/// The fields of one message: a CBOR map with small unsigned keys. Keys that a version does not know are
/// skipped; a missing field that is required is an error.
protocol MessageFields {
  /// The message before any field was read: optional fields have their defaults.
  init()

  /// The keys a message must have: 1 up to this one, all required fields being numbered first.
  static var requiredKeys: UInt32 { get }

  /// Writes all fields.
  func encode(into cbor: inout CBOREncoder)

  /// Reads the value of field `key`, or reads nothing if the key is unknown.
  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError)
}

extension MessageFields {
  /// Reads the map.
  init(from cbor: inout CBORDecoder) throws(CBORError) {
    self.init()
    var fields = try cbor.map()
    var present: UInt32 = 0
    while let key = try cbor.nextKey(of: &fields) {
      // Keys ascend, so counting the required ones is enough.
      if key >= 1 && key <= Self.requiredKeys { present += 1 }
      try read(key, from: &cbor)
    }
    guard present == Self.requiredKeys else { throw .wrongType }
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
