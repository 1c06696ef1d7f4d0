/// Why the store could not do what it was asked for. Nothing that was stored before is lost by it.
public enum StorageError: Error, Sendable, Equatable {
  /// The flash refused.
  case flash(FlashError)
  /// Not enough pages: so many are needed, so many could be had.
  case full(needed: Int, free: Int)
  /// What lies in this page is not what was written there.
  case damaged(page: Int)
  /// The object is not, or not any more, in the store.
  case notHeld
  /// Beyond the end of an object, or not on a word boundary.
  case outOfRange
  /// Other bytes lie at that place already.
  case conflict
  /// Bytes of the object are missing.
  case incomplete
}

/// Something that went wrong with the flash and was dealt with; for the board's log.
public enum StorageFinding: Sendable, Equatable {
  /// A page whose header is none: damaged, or power went while it was erased.
  case unreadablePage(Int)
  /// An object that was stored for good is gone because a page of it is.
  case objectLost(StoredRole)
  /// What lies in a page of an object is not what was written there.
  case damagedPage(Int, StoredRole)
  /// One of the two copies of the directory cannot be used; the other one can.
  case directoryCopyLost
  /// A page that could not be erased; it is not used any more.
  case eraseFailed(page: Int)
  /// A page that did not take what was written.
  case writeFailed(page: Int)
}

/// How worn and how full the flash is.
public struct StorageCondition: Sendable, Equatable {
  /// Pages of the region.
  public var pages: Int
  /// Pages that new objects could take.
  public var free: Int
  /// Of those, pages that are erased already.
  public var prepared: Int
  /// The lowest number of erasures of a page.
  public var leastErased: UInt32
  /// The highest number of erasures of a page; the nRF52840's bear 10,000.
  public var mostErased: UInt32
  /// The sum over all pages.
  public var erasures: UInt32
}
