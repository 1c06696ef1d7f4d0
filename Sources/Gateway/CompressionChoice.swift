public import UpdateCodec

/// How updates and models are to be coded.
public enum CompressionChoice: Sendable, Hashable {
  /// As the links and the learning ask for, see ``CompressionPolicy``.
  case automatic
  /// Always so, with boards that know it; others get and send float32.
  case fixed(UpdateCoding)

  /// The forms that ``init(_:)`` reads, for people.
  public static let forms =
    "auto, float32, lossless, step, step:SIGMAS (0.0625 to 15.9375), stc or stc:N (2 to 65535)"

  /// What a person asked for, in one of the ``forms``; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("auto", 1): self = .automatic
    case ("float32", 1): self = .fixed(.float32)
    case ("lossless", 1): self = .fixed(.lossless)
    case ("step", 1): self = .fixed(.defaultStep)
    case ("step", 2):
      guard let sigmas = Double(parts[1]), let sixteenths = UInt8(exactly: (sigmas * 16).rounded()),
        sixteenths > 0
      else { return nil }
      self = .fixed(.step(sixteenths: sixteenths))
    case ("stc", 1): self = .fixed(.defaultSTC)
    case ("stc", 2):
      guard let oneIn = UInt16(parts[1]), oneIn >= 2 else { return nil }
      self = .fixed(.stc(oneIn: oneIn))
    default: return nil
    }
  }
}

extension UpdateCoding {
  /// A short name for people, e.g. `step 2σ` or `stc 1/18`.
  public var words: String {
    switch self {
    case .float32: return "float32"
    case .lossless: return "lossless"
    case .step(let sixteenths):
      let sigmas = Double(max(1, sixteenths)) / 16
      return "step \(sigmas == sigmas.rounded() ? String(Int(sigmas)) : String(sigmas))σ"
    case .stc(let oneIn): return "stc 1/\(max(2, oneIn))"
    }
  }
}
