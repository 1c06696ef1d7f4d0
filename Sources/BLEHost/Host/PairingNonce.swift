public import Bytes

/// What the pairing characteristic says: the octets from which both sides derive the passkey of the next attempt to
/// pair by cable, or none if the board would not pair like that.
public struct PairingNonce: Sendable {
  /// The most octets.
  public static let capacity = 32

  private var octets: InlineArray<32, UInt8> = .init(repeating: 0)

  /// Number of octets held.
  public private(set) var count = 0

  /// No octets.
  public init() {}

  /// The first ``capacity`` octets of `bytes`.
  public init(_ bytes: Span<UInt8>) {
    count = min(bytes.count, Self.capacity)
    for i in 0..<count { octets[i] = bytes[i] }
  }

  /// Appends the octets.
  public func append(to bytes: inout BoundedBytes) {
    for i in 0..<count { bytes.append(octets[i]) }
  }
}
