import CBOR
import Digests

extension CBORDecoder {
  /// Reads a 32-byte digest.
  @_lifetime(self: copy self)
  mutating func digest() throws(CBORError) -> Digest32 {
    guard let digest = Digest32(try bytes()) else { throw .wrongType }
    return digest
  }

  /// Reads an enumeration of one byte; a value that this version does not know is an error.
  @_lifetime(self: copy self)
  mutating func value<T: RawRepresentable>() throws(CBORError) -> T where T.RawValue == UInt8 {
    let raw: UInt8 = try unsigned()
    guard let value = T(rawValue: raw) else { throw .overflow }
    return value
  }
}
