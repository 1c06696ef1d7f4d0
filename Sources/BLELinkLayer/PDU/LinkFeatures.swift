/// What a link layer can do, as it tells its peer and its host (Core specification, Vol 6 Part B §4.6).
public struct LinkFeatures: OptionSet, Sendable {
  /// The 64 bits.
  public let rawValue: UInt64
  /// Features of these bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// LE Encryption.
  public static let encryption = LinkFeatures(rawValue: 1 << 0)
  /// Extended Reject Indication.
  public static let extendedReject = LinkFeatures(rawValue: 1 << 2)
  /// Peripheral-initiated Features Exchange.
  public static let peripheralFeatures = LinkFeatures(rawValue: 1 << 3)
  /// LE Data Packet Length Extension.
  public static let dataLength = LinkFeatures(rawValue: 1 << 5)
  /// LE 2M PHY.
  public static let twoMegabit = LinkFeatures(rawValue: 1 << 8)
  /// Channel Selection Algorithm #2.
  public static let channelSelection2 = LinkFeatures(rawValue: 1 << 14)

  /// All that is here. Not here, and so answered with LL_UNKNOWN_RSP: connection parameters request (a host asks over
  /// L2CAP), LE Ping of its own (one that comes is answered), privacy, the filter accept list, coded PHY, and all
  /// that is not for a peripheral with one connection.
  public static let all: LinkFeatures = [
    .encryption, .extendedReject, .peripheralFeatures, .dataLength, .twoMegabit, .channelSelection2,
  ]
}
