/// A value that came over the bus. Variants are what they contain.
enum BusValue: Sendable {
  case flag(Bool)
  case signed(Int64)
  case unsigned(UInt64)
  case real(Double)
  /// A string, an object path or a signature.
  case text(String)
  /// An array of octets.
  case octets([UInt8])
  case array([BusValue])
  case structure([BusValue])
  /// Keys that are numbers are written in decimal.
  case dictionary([String: BusValue])
  case descriptor(OwnedDescriptor)

  var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
  var octets: [UInt8]? { if case .octets(let value) = self { value } else { nil } }
  var array: [BusValue]? { if case .array(let value) = self { value } else { nil } }
  var dictionary: [String: BusValue]? { if case .dictionary(let value) = self { value } else { nil } }
  var descriptor: OwnedDescriptor? { if case .descriptor(let value) = self { value } else { nil } }

  /// A whole number of either kind.
  var number: Int? {
    switch self {
    case .signed(let value): Int(exactly: value)
    case .unsigned(let value): Int(exactly: value)
    case .flag, .real, .text, .octets, .array, .structure, .dictionary, .descriptor: nil
    }
  }

  /// Texts of an array; what is no text is left out.
  var texts: [String] { array?.compactMap(\.text) ?? [] }
}

/// A value that goes over the bus.
enum BusArgument: Sendable {
  case text(String)
  case path(String)
  case flag(Bool)
  case uint32(UInt32)
  case octets([UInt8])
  case texts([String])
  /// A dictionary from names to variants.
  case options([(String, BusArgument)])
  /// A variant.
  indirect case variant(BusArgument)

  /// The type in the bus's own notation.
  var signature: String {
    switch self {
    case .text: "s"
    case .path: "o"
    case .flag: "b"
    case .uint32: "u"
    case .octets: "ay"
    case .texts: "as"
    case .options: "a{sv}"
    case .variant: "v"
    }
  }
}
