import Digests

/// What an object is to the board. The number is the object's role in flash; 10 and 11 are left for keys, 12…15
/// for a log of examples.
public enum StoredRole: UInt8, Sendable, Equatable {
  /// The newest model.
  case newestModel = 1
  /// A model besides the newest: that which training uses, or the one before.
  case otherModel = 2
  /// What the board learnt and the gateway has not confirmed.
  case update = 3
  /// What earlier updates left out.
  case residual = 4
  /// What the pending update left out: the residual, once that is confirmed.
  case nextResidual = 5
  /// An object that is coming in.
  case arrival = 6
  /// By what the board pairs with the gateway that it had on a cable.
  case cableSecret = 8
  /// The centrals that it is bonded with.
  case bonds = 9
}

/// Up to 32 bytes that whoever stores an object says about it.
public struct StoredMetadata: Sendable, Equatable {
  /// The most bytes one can hold.
  public static let capacity = 32

  private var storage: InlineArray<32, UInt8> = .init(repeating: 0)
  private var length: UInt8 = 0

  /// No bytes.
  public init() {}

  /// Takes the first 32 bytes of `bytes`.
  public init(_ bytes: Span<UInt8>) {
    for i in 0..<min(bytes.count, Self.capacity) { storage[i] = bytes[i] }
    length = UInt8(min(bytes.count, Self.capacity))
  }

  /// Number of bytes held, 0…32.
  public var count: Int { Int(length) }

  /// The bytes held.
  public var span: Span<UInt8> {
    @_lifetime(borrow self) get { storage.span.extracting(0..<Int(length)) }
  }

  /// Whether both hold the same bytes.
  public static func == (a: Self, b: Self) -> Bool {
    guard a.length == b.length else { return false }
    for i in 0..<Int(a.length) where a.storage[i] != b.storage[i] { return false }
    return true
  }
}

/// An object in the store: a small handle. What else is known of it the store says.
public struct StoredObject: Sendable, Equatable {
  /// Its number in the store, never given again: a handle to an object that is gone finds nothing.
  public let id: UInt32
  /// What the caller calls this kind of object (the number of its offer).
  public let kind: UInt8
  /// Its length in bytes.
  public let length: Int
}

/// What the directory says of an object.
struct StoredEntry {
  var id: UInt32 = 0
  var kind: UInt8 = 0
  var length = 0
  var digest = Digest32.zero
  var metadata = StoredMetadata()

  /// Whether there is an object here at all.
  var isThere: Bool { id != 0 }

  var object: StoredObject { StoredObject(id: id, kind: kind, length: length) }
}
