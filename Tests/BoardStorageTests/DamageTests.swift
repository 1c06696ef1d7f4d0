import BoardStorage
import Digests
import PropertyTesting
import Testing
import VirtualHardware

@Suite struct DamageTests {
  static let full = Contents(
    newestModel: Blob(2, length: 5000), otherModel: Blob(1, length: 5000), update: Blob(3, length: 300),
    residual: Blob(4, length: 5000).unnamed, nextResidual: Blob(5, length: 5000).unnamed,
    arrival: Blob(6, length: 9000), cableSecret: Blob(10, length: 16).bytes,
    bonds: Blob(11, length: 184).bytes)

  /// A store with something in every role.
  static func bench(seed: UInt64 = 1) throws -> StorageBench {
    let bench = StorageBench(pages: 24, seed: seed)
    try bench.arrive(Blob(1, length: 5000))
    try bench.commitArrival(Blob(1, length: 5000))
    try bench.arrive(Blob(2, length: 5000))
    try bench.commitArrival(Blob(2, length: 5000))
    try bench.publish(Blob(9, length: 10), Blob(4, length: 5000))
    try bench.store.settleUpdate(&bench.flash)
    try bench.publish(Blob(3, length: 300), Blob(5, length: 5000))
    try bench.keep(Blob(10, length: 16).bytes, as: .cableSecret)
    try bench.keep(Blob(11, length: 184).bytes, as: .bonds)
    try bench.arrive(Blob(6, length: 9000))
    return bench
  }

  private func roles(_ contents: Contents) -> [StoredRole: Blob] {
    var roles: [StoredRole: Blob] = [:]
    roles[.newestModel] = contents.newestModel
    roles[.otherModel] = contents.otherModel
    roles[.update] = contents.update
    roles[.residual] = contents.residual
    roles[.nextResidual] = contents.nextResidual
    roles[.arrival] = contents.arrival
    roles[.cableSecret] = contents.cableSecret.map { Blob($0, metadata: StoredMetadata(), digest: .zero) }
    roles[.bonds] = contents.bonds.map { Blob($0, metadata: StoredMetadata(), digest: .zero) }
    return roles
  }

  @Test func aPageThatIsNoiseCostsAtMostTheObjectInIt() throws {
    for page in 0..<24 {
      let bench = try Self.bench(seed: UInt64(page))
      bench.flash.damage(page: page)
      bench.restart()
      let found = roles(try Contents.of(bench, arriving: [Blob(6, length: 9000)]))
      var lost = roles(Self.full).filter { !found.values.contains($0.value) }.map(\.key)
      // What an update leaves out goes with it.
      if lost.contains(.update) { lost.removeAll { $0 == .nextResidual } }
      #expect(lost.count <= 1, "page \(page): \(lost)")
      for (role, blob) in found where role != .newestModel { #expect(roles(Self.full)[role] == blob) }
      let findings = bench.findings
      #expect(!findings.isEmpty, "page \(page)")
      if let role = lost.first { #expect(findings.contains(.objectLost(role)), "page \(page)") }
      // It goes on, and what it writes stays.
      try bench.store.settleUpdate(&bench.flash)
      try bench.arrive(Blob(7, length: 4000))
      try bench.commitArrival(Blob(7, length: 4000))
      bench.restart()
      #expect(bench.model(Blob(7, length: 4000).digest) == bench.object(.newestModel))
      #expect(bench.findings.allSatisfy { if case .unreadablePage = $0 { true } else { false } })
    }
  }

  @Test func afterAPowerCutTheDirectoryIsThereTwiceAgainWithTheNextChange() throws {
    let start = try Self.bench()
    let reference = StorageBench(CuttableNORFlash(copying: start.flash, seed: 0))
    try reference.store.settleUpdate(&reference.flash)
    for cut in 1...reference.flash.operations {
      let bench = StorageBench(CuttableNORFlash(copying: start.flash, seed: UInt64(cut)))
      bench.flash.cutAt = cut
      try? bench.store.settleUpdate(&bench.flash)
      bench.restart()
      try bench.store.dropArrival(&bench.flash)
      for page in 0..<24 {
        let other = CuttableNORFlash(copying: bench.flash, seed: 0)
        other.damage(page: page)
        let found = roles(try Contents.of(StorageBench(other), arriving: [Blob(6, length: 9000)]))
        #expect(found[.arrival] == nil, "cut at \(cut), page \(page)")
        #expect(found.count >= 2, "cut at \(cut), page \(page)")
      }
    }
  }

  @Test func aFlippedBitIsFoundWhenTheBlockIsRead() throws {
    var found = 0
    for page in 0..<24 {
      let bench = try Self.bench()
      bench.flash.damage(byte: page * 4096 + 100, bits: 0x10)
      bench.restart()
      for role in [
        StoredRole.newestModel, .otherModel, .update, .residual, .nextResidual, .cableSecret, .bonds,
      ] {
        let object = try #require(bench.object(role))
        do throws {
          #expect(try bench.read(object) == roles(Self.full)[role]?.bytes)
        } catch {
          found += 1
          #expect(error as? StorageError == .damaged(page: page))
          #expect(bench.findings == [.damagedPage(page, role)])
          // Whoever reads it can have it forgotten.
          try bench.store.remove(object, &bench.flash)
          #expect(throws: StorageError.notHeld) { _ = try bench.read(object) }
          bench.restart()
          #expect(bench.object(role)?.id != object.id)
          break
        }
      }
    }
    #expect(found >= 9)
  }

  @Test(arguments: 0..<150) func anythingCanLieInTheFlash(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bench = try Self.bench(seed: seed)
    for page in 0..<24 {
      switch seed % 3 {
      case 0: bench.flash.damage(page: page)
      case 1:
        // Bits here and there, mostly where headers and records are.
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
          let limit = generator.chance(0.7) ? 120 : 4096
          bench.flash.damage(
            byte: page * 4096 + Int.random(in: 0..<limit, using: &generator), bits: UInt8(1 << (seed & 7)))
        }
      default:
        // Pages of the past, and pages twice.
        if generator.chance(0.3) {
          try bench.flash.copy(page: Int.random(in: 0..<24, using: &generator), to: page)
        }
      }
    }
    bench.restart()
    _ = bench.findings
    for role in [
      StoredRole.newestModel, .otherModel, .update, .residual, .nextResidual, .arrival, .cableSecret, .bonds,
    ] {
      guard let object = bench.object(role) else { continue }
      do { _ = try bench.read(object) } catch is StorageError { continue }
    }
    // It is a store that works.
    try bench.store.dropUpdate(&bench.flash)
    for role in [StoredRole.otherModel, .residual, .arrival, .cableSecret, .bonds] {
      if let object = bench.object(role) { try bench.store.remove(object, &bench.flash) }
    }
    try bench.arrive(Blob(7, length: 9000))
    try bench.commitArrival(Blob(7, length: 9000))
    bench.restart()
    let model = try #require(bench.object(.newestModel))
    #expect(try bench.blob(model) == Blob(7, length: 9000), "seed \(seed)")
  }

  @Test func anotherVersionOfTheLayoutCountsAsNothing() throws {
    let bench = try Self.bench()
    for page in 0..<24 { bench.flash.damage(byte: page * 4096 + 3, bits: 0x03) }
    bench.restart()
    #expect(try Contents.of(bench, arriving: []) == Contents())
    try bench.arrive(Blob(7, length: 9000))
    #expect(bench.arrived == 9000)
  }

  @Test func pagesThatCannotBeErasedAreLeftOut() throws {
    let bench = try Self.bench()
    bench.flash.wornOut = [2, 3, 5, 7]
    for number in 10..<60 {
      try bench.publish(Blob(number, length: 600), nil)
      try bench.store.settleUpdate(&bench.flash)
    }
    #expect(try Contents.of(bench, arriving: [Blob(6, length: 9000)]).newestModel == Self.full.newestModel)
    #expect(bench.findings.contains { if case .eraseFailed = $0 { true } else { false } })
  }

  @Test func aRegionThatIsTooSmallHoldsNothing() throws {
    for pages in 1...4 {
      let bench = StorageBench(pages: pages)
      #expect(bench.capacity == 0)
      #expect(throws: StorageError.self) { try bench.arrive(Blob(1, length: 1)) }
      #expect(throws: StorageError.self) { try bench.publish(Blob(1, length: 1), nil) }
    }
  }
}
