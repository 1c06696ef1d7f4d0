/// Why bytes were refused as deterministic CBOR, or as the value that was asked for.
///
/// Each is the sender's fault: the remedy is to drop the message and answer with an error. Where it happened
/// is ``CBORDecoder/offset`` at that moment.
public enum CBORError: Error, Sendable, Equatable {
  /// An item promises more bytes or items than there are.
  case truncated
  /// No CBOR at all: a reserved head, a break outside of anything, a two-byte simple value below 32.
  case malformed
  /// CBOR, but not in its one deterministic form (RFC 8949 §4.2.1): a longer head than needed, an indefinite
  /// length, a float that a shorter one holds exactly, a NaN other than `f9 7e 00`.
  case notDeterministic
  /// A well-formed item of another type than the one asked for.
  case wrongType
  /// A value beyond the range asked for, a count or length above the limit, a float that needs 64 bits.
  case overflow
  /// Containers and tags nested more than ``CBORDecoder/maximumDepth`` deep.
  case depthExceeded
  /// A map key that is equal to the one before it or sorts before it.
  case keyOrder
  /// A text string that is not UTF-8 (RFC 3629).
  case invalidUTF8
  /// Bytes after the end of the message.
  case trailingBytes
}
