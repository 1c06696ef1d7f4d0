/// The first byte of an item and the argument that belongs to it (RFC 8949 §3).
struct CBORHead {
  /// See ``MajorType``.
  var major: UInt8
  /// The low five bits of the first byte.
  var information: UInt8
  /// The value itself, a length, a count, a tag number, a simple value, or the bits of a float.
  var argument: UInt64

  /// Whether this is a float of any width.
  var isFloat: Bool {
    major == MajorType.simple && information >= AdditionalInformation.twoBytes
  }

  /// The value of a float in single precision, nil if only double precision holds it.
  func singleBits() throws(CBORError) -> UInt32? {
    switch information {
    case AdditionalInformation.twoBytes:
      let half = UInt16(truncatingIfNeeded: argument)
      let isNaN = half & 0x7fff > 0x7c00
      guard !isNaN || half == canonicalHalfNaN else { throw .notDeterministic }
      return CBOR.singleBits(ofHalf: half)
    case AdditionalInformation.fourBytes:
      let single = UInt32(truncatingIfNeeded: argument)
      guard halfBits(ofSingle: single) == nil else { throw .notDeterministic }
      return single
    default:
      guard !fitsSingle(doubleBits: argument) else { throw .notDeterministic }
      return nil
    }
  }
}

extension CBORDecoder {
  /// Consumes a head and checks that it is the shortest for its argument.
  @_lifetime(self: copy self)
  mutating func readHead() throws(CBORError) -> CBORHead {
    guard offset < input.count else { throw .truncated }
    let first = input[offset]
    let (major, information) = (first >> 5, first & 0x1f)
    let width: Int
    let leastArgument: UInt64
    switch information {
    case 0..<AdditionalInformation.oneByte:
      offset += 1
      return CBORHead(major: major, information: information, argument: UInt64(information))
    case AdditionalInformation.oneByte: (width, leastArgument) = (1, 24)
    case AdditionalInformation.twoBytes: (width, leastArgument) = (2, 0x100)
    case AdditionalInformation.fourBytes: (width, leastArgument) = (4, 0x1_0000)
    case AdditionalInformation.eightBytes: (width, leastArgument) = (8, 0x1_0000_0000)
    case AdditionalInformation.indefinite:
      // Only strings, arrays and maps have an indefinite length.
      throw (MajorType.bytes...MajorType.map).contains(major) ? .notDeterministic : .malformed
    default: throw .malformed
    }
    guard width < remaining else { throw .truncated }
    var argument: UInt64 = 0
    for i in 1...width { argument = argument << 8 | UInt64(input[offset + i]) }
    if major != MajorType.simple {
      guard argument >= leastArgument else { throw .notDeterministic }
    } else if width == 1 {
      // Simple values below 32 have no second form (RFC 8949 §3.3).
      guard argument >= 32 else { throw .malformed }
    }
    offset += 1 + width
    return CBORHead(major: major, information: information, argument: argument)
  }
}
