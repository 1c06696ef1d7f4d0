/// Why bytes are no update or delta.
public enum UpdateError: Error, Equatable, Sendable {
  /// Not such an object at all, cut short in its header, or a code that means nothing.
  case malformed
  /// Written by a later version of FedBridge; update this side.
  case unsupportedVersion(UInt8)
  /// Coded in a way this side does not know; it was not negotiated.
  case unsupportedCoding(UInt8)
  /// The code does not have as many bytes as its values take. Where it was cut so short that what is missing
  /// cannot be told, `expected` is the least that it would take.
  case wrongLength(expected: Int, actual: Int)
  /// A scale in it is no finite number, or makes a value that is none.
  case notFinite
}
