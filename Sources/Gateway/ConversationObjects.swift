public import LinkProtocol
public import Rounds

/// The objects of one conversation, in memory: the model on its way to the board and the update on its way
/// from it.
struct ConversationObjects: ObjectAccess {
  /// A part of an object that came in before a link was lost.
  struct Partial {
    var name: ObjectName
    var content: [UInt8]
    /// Bytes without a gap.
    var contiguous: UInt32
    /// Of these, bytes that were handed out to be kept.
    var kept: UInt32 = 0

    /// Whether all of it is here.
    var isWhole: Bool { contiguous == name.length }

    /// Bytes that arrive between two pieces: what a restart of the gateway costs a transfer.
    static let pieceLength: UInt32 = 4096

    /// What came in since the last piece, if it is worth one; the rest of an update never is: it is stored whole
    /// at once.
    mutating func takePiece() -> ConversationEvent? {
      guard contiguous < name.length, contiguous - kept >= Self.pieceLength else { return nil }
      let start = kept
      kept = contiguous
      return .pieceReceived(name, start: start, Array(content[Int(start)..<Int(contiguous)]))
    }
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

/// What the store has of an update that has not arrived in whole.
public struct PartialUpdate: Sendable {
  /// Whose update.
  public let board: BoardID
  /// The update.
  public let name: ObjectName
  /// Its bytes from the beginning up to the first that is missing.
  public let content: [UInt8]

  /// Part of an update.
  public init(board: BoardID, name: ObjectName, content: [UInt8]) {
    self.board = board
    self.name = name
    self.content = content
  }
}

extension ConversationObjects.Partial {
  /// An update that goes on where the store has it.
  init(_ stored: PartialUpdate) {
    let missing = Int(stored.name.length) - stored.content.count
    let length = UInt32(stored.content.count)
    self.init(
      name: stored.name, content: stored.content + [UInt8](repeating: 0, count: missing), contiguous: length,
      kept: length)
  }
}
