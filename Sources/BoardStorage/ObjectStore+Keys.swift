import Digests

/// A key, or a table of them, that the board keeps for as long as it is not replaced.
public enum StoredKeys: UInt8, Sendable, Equatable {
  /// By what the board pairs with the gateway that it had on a cable.
  case cableSecret = 8
  /// The centrals that it is bonded with.
  case bonds = 9

  /// The role of the object.
  public var role: StoredRole {
    switch self {
    case .cableSecret: .cableSecret
    case .bonds: .bonds
    }
  }

  /// The most bytes that one has: they lie in one block.
  public static let capacity = RegionLayout.blockData
}

extension ObjectStore {
  /// Pages that ``keep(_:as:_:)`` needs.
  public static var pagesForKeys: Int { 1 }

  /// Stores keys in the place of those before, at once or not at all.
  ///
  /// - Parameter bytes: 1…``StoredKeys/capacity`` of them.
  /// - Throws: ``StorageError/full(needed:free:)`` and what the flash says; then those before are still there.
  @inline(never)
  public mutating func keep<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, as keys: StoredKeys, _ flash: inout Flash
  ) throws(StorageError) {
    guard bytes.count > 0, bytes.count <= StoredKeys.capacity else { throw .outOfRange }
    begin(.keys)
    try append(bytes, to: .keys, &flash)
    try finish(.keys, &flash)
    stage()
    staged[Int(keys.rawValue) - 1] = staged[Draft.keys.slot]
    staged[Draft.keys.slot] = StoredEntry()
    do throws(StorageError) {
      try commitStaged(&flash)
    } catch {
      discard(.keys)
      throw error
    }
  }

  /// Whether these very bytes are stored: then nothing needs to be written.
  @inline(never)
  public mutating func keeps<Flash: BoardFlash>(
    _ bytes: Span<UInt8>, as keys: StoredKeys, _ flash: inout Flash
  ) -> Bool {
    guard let object = object(keys.role), object.length == bytes.count else { return false }
    var piece: InlineArray<64, UInt8> = .init(repeating: 0)
    var at = 0
    while at < bytes.count {
      let count = min(64, bytes.count - at)
      var span = piece.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      do throws(StorageError) {
        try read(object, at: at, into: &part, &flash)
      } catch {
        return false
      }
      for i in 0..<count where piece[i] != bytes[at + i] { return false }
      at += count
    }
    return true
  }
}
