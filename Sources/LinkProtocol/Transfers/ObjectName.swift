public import Digests

/// What an object is, so that a receiver can tell whether it wants it.
public enum ObjectKind: UInt8, Sendable, Equatable {
  /// A whole model: description and weights.
  case model = 1
  /// What a board learnt in one round.
  case update = 2
  /// What turns a model that the receiver holds into the next version.
  case delta = 3
}

/// An immutable blob, named by its content.
public struct ObjectName: Sendable, Hashable {
  /// The longest object there can be, 1 GiB: on a 32-bit board an offset in it fits an `Int` also after a
  /// whole window of the longest chunks was added to it.
  public static let maximumLength: UInt32 = 0x4000_0000

  /// SHA-256 of the content.
  public var digest: Digest32
  /// Length of the content in bytes, at most ``maximumLength``.
  public var length: UInt32

  /// The name of content with this digest and length.
  public init(digest: Digest32, length: UInt32) {
    self.digest = digest
    self.length = length
  }
}

/// An object as it is offered: its name and what it is for.
public struct ObjectOffer: Sendable, Equatable {
  /// What the object is.
  public var kind: ObjectKind
  /// Its name.
  public var name: ObjectName
  /// The round it belongs to; 0 if none.
  public var round: UInt32

  /// An offer of the named object.
  public init(kind: ObjectKind, name: ObjectName, round: UInt32) {
    self.kind = kind
    self.name = name
    self.round = round
  }
}

/// Number of a transfer, chosen by its sender, counted up within a session.
public typealias TransferNumber = UInt16

/// Why a receiver does not take an object, or did not keep it.
public enum TransferRefusal: UInt8, Error, Sendable, Equatable {
  /// It is there already; the sender may count it as delivered.
  case alreadyHeld = 1
  /// It is larger than the receiver can hold.
  case tooLarge = 2
  /// Nobody needs it any more (a later round began, a newer version exists).
  case obsolete = 3
  /// Another transfer occupies the place it would go to; offer it again later.
  case busy = 4
  /// All bytes came in and are not the object that was named.
  case wrongDigest = 5
  /// The receiver could not store it (flash, disk).
  case storageFailed = 6
  /// The content is no valid object of its kind.
  case invalid = 7
  /// The sender cannot read the object any more.
  case sourceFailed = 8
  /// The model that a delta starts from is not here.
  case missingBase = 9
}

/// Where the session reads what it sends and writes what it receives. One type of the application serves
/// all transfers of a session.
public protocol ObjectAccess: ~Copyable {
  /// Copies `destination.count` bytes of an object that this side offered, beginning at `offset`.
  ///
  /// - Returns: false if they cannot be read; the transfer is then cancelled.
  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool

  /// Stores a piece of an object that this side accepted. Pieces can come in any order and never overlap
  /// what was written before.
  ///
  /// - Returns: false if they cannot be written; the transfer is then cancelled.
  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool
}

/// How far a transfer has come, for progress lines.
public struct TransferProgress: Sendable, Equatable {
  /// What is transferred.
  public var offer: ObjectOffer
  /// Bytes known to be at the receiver, without gaps.
  public var delivered: UInt32
  /// Bytes that the receiver held before this transfer began.
  public var resumedFrom: UInt32
  /// Bytes sent more than once.
  public var retransmitted: UInt32
  /// When it began to move.
  public var started: Timestamp
}
