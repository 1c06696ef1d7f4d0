/// How the values of a difference are coded, with the codec's parameter. `Protocols/update-format.md` defines
/// each of them.
///
/// A parameter out of its range counts as the nearest one in it, wherever a coding is used.
public enum UpdateCoding: Sendable, Hashable {
  /// Every value a little-endian float32; nothing is left out.
  case float32

  /// Every bit of every value comes back; entropy-coded.
  case lossless

  /// A uniform quantiser whose step is `sixteenths` / 16 (1…255) of the difference's root mean square,
  /// entropy-coded. What it rounds away stays behind for the next difference.
  case step(sixteenths: UInt8)

  /// Sparse ternary compression (Sattler et al. 2019, arXiv:1903.02891): of `oneIn` values (2…65535) only the
  /// largest is kept, and of that the sign. All others stay behind for the next difference.
  case stc(oneIn: UInt16)

  /// A twentieth of float32's bytes at an accuracy that cannot be told from its own.
  public static let defaultStep = Self.step(sixteenths: 32)

  /// A seventieth of float32's bytes, for narrow links; learning takes some more rounds.
  public static let defaultSTC = Self.stc(oneIn: 18)

  /// The number that stands for it in headers, 0…3.
  public var code: UInt8 {
    switch self {
    case .float32: 0
    case .lossless: 1
    case .step: 2
    case .stc: 3
    }
  }

  /// The codec's parameter, in its range; 0 for those that have none.
  public var parameter: UInt16 {
    switch self {
    case .float32, .lossless: 0
    case .step(let sixteenths): UInt16(max(1, sixteenths))
    case .stc(let oneIn): max(2, oneIn)
    }
  }

  /// The coding of a header; nil if there is none of that code, or its parameter is out of range.
  public init?(code: UInt8, parameter: UInt16) {
    switch code {
    case 0 where parameter == 0: self = .float32
    case 1 where parameter == 0: self = .lossless
    case 2 where (1...255).contains(parameter): self = .step(sixteenths: UInt8(parameter))
    case 3 where parameter >= 2: self = .stc(oneIn: parameter)
    default: return nil
    }
  }

  /// Whether a header that names this code also states a parameter.
  static func hasParameter(_ code: UInt8) -> Bool { code == 2 || code == 3 }
}

/// Which codings a side can decode and encode: bit 1 << code of each.
public struct CodingSet: OptionSet, Sendable, Hashable {
  /// The bits, as they are negotiated.
  public var rawValue: UInt32

  /// The set of these bits; those of later codings are kept.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// ``UpdateCoding/float32``.
  public static let float32 = Self(rawValue: 1 << 0)
  /// ``UpdateCoding/lossless``.
  public static let lossless = Self(rawValue: 1 << 1)
  /// ``UpdateCoding/step(sixteenths:)``.
  public static let step = Self(rawValue: 1 << 2)
  /// ``UpdateCoding/stc(oneIn:)``.
  public static let stc = Self(rawValue: 1 << 3)
  /// All that this code knows.
  public static let all: Self = [.float32, .lossless, .step, .stc]

  /// Whether `coding` is in the set, whatever its parameter.
  public func contains(_ coding: UpdateCoding) -> Bool {
    rawValue & 1 << UInt32(coding.code) != 0
  }
}
