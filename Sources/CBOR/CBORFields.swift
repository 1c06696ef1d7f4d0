/// How far a map with unsigned keys has been read: see ``CBORDecoder/nextKey(of:)``.
public struct CBORFields: Sendable {
  /// Fields not yet begun.
  fileprivate var remaining: Int
  fileprivate var lastKey: UInt32?
  /// Where the value of the last key starts.
  fileprivate var valueOffset = 0
}

extension CBORDecoder {
  /// Reads the head of a map of at most `max` fields; ``nextKey(of:)`` goes through them.
  @_lifetime(self: copy self)
  public mutating func map(max: Int = 32) throws(CBORError) -> CBORFields {
    let count = try argument(of: MajorType.map)
    guard count <= UInt64(clamping: max) else { throw .overflow }
    // Every field takes two bytes at least.
    guard count <= UInt64(remaining / 2) else { throw .truncated }
    return CBORFields(remaining: Int(count))
  }

  /// Reads the key of the next field, 0…2^32 − 1; nil after the last one. The keys must ascend.
  ///
  /// The caller then reads all of the value or nothing of it, in which case the next call skips it. So call it
  /// until it answers nil.
  @_lifetime(self: copy self)
  public mutating func nextKey(of fields: inout CBORFields) throws(CBORError) -> UInt32? {
    if fields.lastKey != nil, offset == fields.valueOffset { try skipValue() }
    guard fields.remaining > 0 else {
      fields.lastKey = nil
      return nil
    }
    let key: UInt32 = try unsigned()
    if let last = fields.lastKey, key <= last { throw .keyOrder }
    fields.remaining -= 1
    fields.lastKey = key
    fields.valueOffset = offset
    return key
  }
}
