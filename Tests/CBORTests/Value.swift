import CBOR
import PropertyTesting

/// Any item that our decoder reads, as a tree: what the vectors and the reference implementation speak of.
indirect enum Value: Hashable {
  /// The range of the encoder: −2^63 … 2^64 − 1.
  case integer(Int128)
  case bytes([UInt8])
  case text([UInt8])
  case array([Value])
  case map([Pair])
  case bool(Bool)
  case null
  /// The bits, so that equal means the same encoding.
  case float(UInt32)

  struct Pair: Hashable {
    var key: Value
    var value: Value
  }
}

extension Value {
  func encode(into cbor: inout CBOREncoder) {
    switch self {
    case .integer(let number):
      if number < 0 { cbor.signed(Int64(number)) } else { cbor.unsigned(UInt64(number)) }
    case .bytes(let content): cbor.bytes(content.span)
    case .text(let content): cbor.text(content.span)
    case .array(let elements):
      cbor.array(count: elements.count)
      for element in elements { element.encode(into: &cbor) }
    case .map(let pairs):
      cbor.map(count: pairs.count)
      for pair in pairs {
        pair.key.encode(into: &cbor)
        pair.value.encode(into: &cbor)
      }
    case .bool(let truth): cbor.bool(truth)
    case .null: cbor.null()
    case .float(let bits): cbor.float(Float(bitPattern: bits))
    }
  }

  /// The encoding, which must take no more than 100,000 bytes.
  var encoded: [UInt8] {
    var encoder = CBOREncoder(capacity: 100_000)
    encode(into: &encoder)
    precondition(!encoder.overflowed)
    return copied(encoder.span)
  }

  /// Whether these very bytes are the encoding.
  func isEncoded(as bytes: [UInt8]) -> Bool {
    var encoder = CBOREncoder(capacity: bytes.count)
    encode(into: &encoder)
    return !encoder.overflowed && copied(encoder.span) == bytes
  }

  /// Reads what ``CBORDecoder/skipValue()`` has found well-formed, so that the recursion is bounded.
  init(from cbor: inout CBORDecoder) throws(CBORError) {
    switch cbor.nextType {
    case .unsigned:
      let number: UInt64 = try cbor.unsigned()
      self = .integer(Int128(number))
    case .negative:
      let number: Int64 = try cbor.signed()
      self = .integer(Int128(number))
    case .bytes: self = .bytes(copied(try cbor.bytes()))
    case .text: self = .text(copied(try cbor.text()))
    case .array:
      var elements: [Value] = []
      for _ in 0..<(try cbor.arrayCount()) { elements.append(try Value(from: &cbor)) }
      self = .array(elements)
    case .map:
      var pairs: [Pair] = []
      for _ in 0..<(try cbor.mapCount()) {
        let key = try Value(from: &cbor)
        pairs.append(Pair(key: key, value: try Value(from: &cbor)))
      }
      self = .map(pairs)
    case .bool: self = .bool(try cbor.bool())
    case .null:
      guard cbor.readNull() else { throw .wrongType }
      self = .null
    case .float: self = .float(try cbor.float().bitPattern)
    case .tag, .other, nil: throw .wrongType
    }
  }

  /// Reads one item that is all of `bytes`.
  init(decoding bytes: [UInt8]) throws(CBORError) {
    try checkWellFormed(bytes)
    var cbor = CBORDecoder(bytes.span)
    try self.init(from: &cbor)
    try cbor.finish()
  }
}

/// Passes over one item that must be all of `bytes`.
func checkWellFormed(_ bytes: [UInt8]) throws(CBORError) {
  var cbor = CBORDecoder(bytes.span)
  try cbor.skipValue()
  try cbor.finish()
}

extension Value {
  /// A random tree in which the edges of every range are frequent.
  static func random(using generator: inout SeededGenerator, depth: Int = 0) -> Value {
    switch Int.random(in: 0..<(depth < 5 ? 10 : 7), using: &generator) {
    case 0, 1: return randomInteger(using: &generator)
    case 2:
      return .bytes(
        (0..<randomLength(using: &generator)).map { _ in .random(in: 0...255, using: &generator) })
    case 3: return randomText(using: &generator)
    case 4: return .bool(.random(using: &generator))
    case 5: return .null
    case 6: return randomFloat(using: &generator)
    case 7, 8:
      let count =
        depth == 0 ? Int.random(in: 0...30, using: &generator) : Int.random(in: 0...3, using: &generator)
      return .array((0..<count).map { _ in random(using: &generator, depth: depth + 1) })
    default:
      var keys: Set<Value> = []
      for _ in 0..<Int.random(in: 0...(depth == 0 ? 30 : 3), using: &generator) {
        keys.insert(
          Bool.random(using: &generator) ? randomInteger(using: &generator) : randomText(using: &generator))
      }
      let ascending = keys.sorted { $0.encoded.lexicographicallyPrecedes($1.encoded) }
      return .map(ascending.map { Pair(key: $0, value: random(using: &generator, depth: depth + 1)) })
    }
  }

  private static func randomLength(using generator: inout SeededGenerator) -> Int {
    [0, 1, 2, 5, 23, 24, .random(in: 250...260, using: &generator)].randomElement(using: &generator)!
  }

  private static func randomInteger(using generator: inout SeededGenerator) -> Value {
    let bits = Int.random(in: 0...64, using: &generator)
    let edge = Int128(1) << Int128(bits)
    let number = [edge - 1, edge, Int128(generator.next() >> UInt64(64 - max(bits, 1)))].randomElement(
      using: &generator)!
    let negative = -1 - number
    if Bool.random(using: &generator), negative >= Int128(Int64.min) { return .integer(negative) }
    return .integer(min(number, Int128(UInt64.max)))
  }

  private static func randomText(using generator: inout SeededGenerator) -> Value {
    let alphabet: [Unicode.Scalar] = [
      "\0", "a", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{ffff}", "\u{10ffff}",
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...9, using: &generator) {
      text.append(alphabet.randomElement(using: &generator)!)
    }
    return .text(Array(String(text).utf8))
  }

  private static func randomFloat(using generator: inout SeededGenerator) -> Value {
    let random = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
    let short = Float(Int.random(in: -2048...2048, using: &generator)) / 64
    let value = [random, short, .infinity, -0.0, .leastNonzeroMagnitude].randomElement(using: &generator)!
    return .float(value.isNaN ? Float.nan.bitPattern : value.bitPattern)
  }
}
