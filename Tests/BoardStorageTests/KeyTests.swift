import BoardStorage
import Testing
import VirtualHardware

@Suite struct KeyTests {
  private static let old: [StoredKeys: [UInt8]] = [
    .cableSecret: Blob(1, length: 16).bytes, .bonds: Blob(2, length: 184).bytes,
  ]

  private func kept(_ bench: StorageBench) throws -> [StoredKeys: [UInt8]] {
    var kept: [StoredKeys: [UInt8]] = [:]
    for keys in [StoredKeys.cableSecret, .bonds] {
      kept[keys] = try bench.object(keys.role).map { try bench.read($0) }
    }
    return kept
  }

  /// A store in the middle of its life, some of it written over, with the keys of `old`.
  private func bench(checkpointDue: Bool) throws -> StorageBench {
    let bench = StorageBench(pages: 13)
    try bench.arrive(Blob(3, length: 4100))
    try bench.commitArrival(Blob(3, length: 4100))
    for (keys, bytes) in Self.old { try bench.keep(bytes, as: keys) }
    guard checkpointDue else { return bench }
    // Until a record more does not fit the directory's page.
    for number in 0..<200 {
      let trial = StorageBench(CuttableNORFlash(copying: bench.flash, seed: 0))
      let erasures = trial.flash.calls.filter { $0 == 1 }.count
      try trial.keep([1, 2, 3], as: .bonds)
      if trial.flash.calls.filter({ $0 == 1 }).count > erasures + 4 { return bench }
      try bench.publish(Blob(number, length: 40), nil)
      try bench.store.dropUpdate(&bench.flash)
      while try bench.store.prepareOne(&bench.flash) {}
    }
    return bench
  }

  @Test(arguments: [StoredKeys.cableSecret, .bonds], [false, true])
  func atEveryOperationPowerMayGoAndTheOldOrTheNewKeysAreThere(keys: StoredKeys, checkpointDue: Bool) throws {
    let start = try bench(checkpointDue: checkpointDue)
    let new = Blob(7, length: keys == .bonds ? 184 : 16).bytes
    var expected = Self.old
    expected[keys] = new
    let whole = StorageBench(CuttableNORFlash(copying: start.flash, seed: 0))
    try whole.keep(new, as: keys)
    #expect(try kept(whole) == expected)
    var olds = 0
    var news = 0
    for cut in 1...whole.flash.operations {
      let other = StorageBench(CuttableNORFlash(copying: start.flash, seed: UInt64(cut)))
      other.flash.cutAt = cut
      do { try other.keep(new, as: keys) } catch is StorageError {}
      other.restart()
      let found = try kept(other)
      #expect(found == Self.old || found == expected, "cut at \(cut)")
      if found == expected { news += 1 } else { olds += 1 }
      #expect(other.model(Blob(3, length: 4100).digest) != nil, "cut at \(cut)")
      try other.keep(new, as: keys)
      other.restart()
      #expect(try kept(other) == expected, "cut at \(cut)")
    }
    #expect(olds > 20 && news > 5)
  }

  @Test func keysThatAreThereAreKnown() throws {
    let bench = try bench(checkpointDue: false)
    let secret = try #require(Self.old[.cableSecret])
    #expect(bench.keeps(secret, as: .cableSecret))
    #expect(!bench.keeps(secret, as: .bonds))
    #expect(!bench.keeps(Array(secret.dropLast()), as: .cableSecret))
    #expect(!bench.keeps(secret.dropLast() + [secret[15] ^ 1], as: .cableSecret))
    #expect(!StorageBench().keeps(secret, as: .cableSecret))
  }

  @Test func keysOfNoPossibleLengthAreRefused() throws {
    let bench = try bench(checkpointDue: false)
    for length in [0, StoredKeys.capacity + 1] {
      #expect(throws: StorageError.outOfRange) { try bench.keep(Blob(1, length: length).bytes, as: .bonds) }
    }
    #expect(try kept(bench) == Self.old)
    try bench.keep(Blob(1, length: StoredKeys.capacity).bytes, as: .bonds)
    bench.restart()
    #expect(bench.keeps(Blob(1, length: StoredKeys.capacity).bytes, as: .bonds))
  }

  @Test func aFullFlashKeepsTheKeysThatItHas() throws {
    let bench = try bench(checkpointDue: false)
    let rest = Blob(4, length: 4048 * bench.freePages)
    try bench.arrive(rest)
    #expect(throws: StorageError.full(needed: 1, free: 0)) { try bench.keep([1], as: .bonds) }
    bench.restart()
    #expect(try kept(bench) == Self.old)
  }

  /// They stay for years, while pages around them are erased again and again.
  @Test func keysMoveOffPagesThatAreHardlyWorn() throws {
    let bench = try bench(checkpointDue: false)
    for number in 0..<2000 {
      try bench.publish(Blob(number, length: 8), nil)
      try bench.store.settleUpdate(&bench.flash)
      while try bench.store.prepareOne(&bench.flash) {}
    }
    #expect(try kept(bench) == Self.old)
    let most = try #require(bench.flash.erasures.max())
    let least = try #require(bench.flash.erasures.min())
    #expect(most > 100 && most - least <= 40)
  }
}
