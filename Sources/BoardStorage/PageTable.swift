/// What the board knows about the pages while it runs: seven bytes each.
struct PageTable {
  /// What a page is, besides one of an object: those are numbered by the object's slot.
  static let directory: UInt8 = 0xfb
  /// Cannot be erased any more.
  static let bad: UInt8 = 0xfc
  /// Must be erased before it can be used.
  static let garbage: UInt8 = 0xfd
  /// Erased.
  static let prepared: UInt8 = 0xfe

  private(set) var owners: [UInt8]
  private(set) var indices: [UInt16]
  var erasures: [UInt32]

  init(count: Int) {
    owners = [UInt8](repeating: Self.garbage, count: count)
    indices = [UInt16](repeating: 0, count: count)
    erasures = [UInt32](repeating: 0, count: count)
  }

  var count: Int { owners.count }

  mutating func set(_ page: Int, _ owner: UInt8, index: Int = 0) {
    owners[page] = owner
    indices[page] = UInt16(truncatingIfNeeded: index)
  }

  func index(of page: Int) -> Int { Int(indices[page]) }

  /// Whether a page can be had for something new.
  func isFree(_ page: Int) -> Bool { owners[page] == Self.garbage || owners[page] == Self.prepared }

  /// Whether it holds a part of an object.
  func isObject(_ page: Int) -> Bool { owners[page] < Self.directory }

  /// The page that holds piece `index` of the object in `slot`.
  func page(of slot: Int, index: Int) -> Int? {
    for page in 0..<owners.count where Int(owners[page]) == slot && Int(indices[page]) == index {
      return page
    }
    return nil
  }

  /// Number of pages of this owner.
  func count(of owner: UInt8) -> Int {
    var count = 0
    for page in 0..<owners.count where owners[page] == owner { count += 1 }
    return count
  }

  /// Pages that can be had.
  var free: Int { count(of: Self.garbage) + count(of: Self.prepared) }

  /// The page of this owner that was erased least often.
  func leastWorn(_ owner: UInt8) -> Int? {
    var best: Int?
    for page in 0..<owners.count where owners[page] == owner {
      if let known = best, erasures[known] <= erasures[page] { continue }
      best = page
    }
    return best
  }

  /// The page of this owner that was erased most often.
  func mostWorn(_ owner: UInt8) -> Int? {
    var best: Int?
    for page in 0..<owners.count where owners[page] == owner {
      if let known = best, erasures[known] >= erasures[page] { continue }
      best = page
    }
    return best
  }
}
