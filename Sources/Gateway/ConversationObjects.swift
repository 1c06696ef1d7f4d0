import LinkProtocol

/// The objects of one conversation, in memory: the model on its way to the board and the update on its way
/// from it.
struct ConversationObjects: ObjectAccess {
  /// A part of an object that came in before a link was lost.
  struct Partial {
    var name: ObjectName
    var content: [UInt8]
    /// Bytes without a gap.
    var contiguous: UInt32
  }

  var outgoing: (name: ObjectName, content: [UInt8])?
  var incoming: Partial?

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let outgoing, outgoing.name == object, offset + destination.count <= outgoing.content.count
    else { return false }
    for i in 0..<destination.count { destination[i] = outgoing.content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard incoming?.name == object, offset + bytes.count <= Int(object.length) else { return false }
    for i in 0..<bytes.count { incoming?.content[offset + i] = bytes[i] }
    return true
  }
}
