import BoardStorage
import Digests
import PropertyTesting
import Testing
import VirtualHardware

@Suite struct ArrivalTests {
  /// Brings the rest of an object in as a session does: chunks of one size from what is held on, at most 32 under way,
  /// in any order, with those that are contiguous noted.
  private func arrive(
    _ blob: Blob, chunk: Int, _ bench: StorageBench, _ generator: inout SeededGenerator,
    contiguous: inout Int
  ) throws {
    let held = try bench.store.beginArrival(
      kind: 1, digest: blob.digest, length: blob.bytes.count, &bench.flash)
    contiguous = held
    var missing = Array(stride(from: held, to: blob.bytes.count, by: chunk))
    while !missing.isEmpty {
      let at = missing.remove(at: Int.random(in: 0..<min(32, missing.count), using: &generator))
      let end = min(at + chunk, blob.bytes.count)
      try bench.store.write(blob.bytes.span.extracting(at..<end), at: at, &bench.flash)
      let reached = missing.min() ?? blob.bytes.count
      guard reached > contiguous else { continue }
      try bench.store.noteArrived(contiguous: reached, &bench.flash)
      contiguous = reached
    }
  }

  @Test(arguments: 0..<40) func itGoesOnAfterPowerCutsWithOtherChunks(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bench = StorageBench(seed: seed)
    let blob = Blob(Int(seed), length: Int.random(in: 1...20_000, using: &generator))
    var contiguous = 0
    var cuts = 0
    while bench.arrived < blob.bytes.count || bench.object(.arrival) == nil {
      let chunk = 4 * Int.random(in: 1...260, using: &generator)
      if cuts < 8 { bench.flash.cutAt = bench.flash.operations + Int.random(in: 1...4000, using: &generator) }
      do throws {
        try arrive(blob, chunk: chunk, bench, &generator, contiguous: &contiguous)
      } catch {
        guard bench.flash.isOff else { throw error }
      }
      guard bench.flash.isOff else { continue }
      cuts += 1
      bench.restart()
      // One block at most of what had come without a gap comes again.
      let held = bench.arrived
      #expect(held <= blob.bytes.count && held > contiguous - 1012, "seed \(seed)")
      #expect(held & 3 == 0 || held == blob.bytes.count, "seed \(seed)")
    }
    bench.flash.powerUp()
    try bench.commitArrival(blob)
    bench.restart()
    let model = try #require(bench.object(.newestModel))
    #expect(try bench.blob(model) == blob, "seed \(seed)")
    #expect(bench.findings.isEmpty, "seed \(seed)")
  }

  @Test func aLostLinkCostsNothingThatWasContiguous() throws {
    let bench = StorageBench()
    let blob = Blob(1, length: 6000)
    _ = try bench.store.beginArrival(kind: 1, digest: blob.digest, length: 6000, &bench.flash)
    try bench.store.write(blob.bytes.span.extracting(0..<1500), at: 0, &bench.flash)
    try bench.store.noteArrived(contiguous: 1500, &bench.flash)
    // Beyond a gap; the chunk is sent again, on another grid.
    try bench.store.write(blob.bytes.span.extracting(2000..<3000), at: 2000, &bench.flash)
    let held = try bench.store.beginArrival(kind: 1, digest: blob.digest, length: 6000, &bench.flash)
    #expect(held == 1500)
    try bench.arrive(blob, chunk: 244)
    try bench.commitArrival(blob)
    let model = try #require(bench.object(.newestModel))
    #expect(try bench.read(model) == blob.bytes)
  }

  @Test func aBlockThatReadsAsErasedIsNotTakenForOneThatCame() throws {
    // The CRC-32C of four bytes of ones is all ones, as is a check word that was not written.
    let bench = StorageBench()
    let bytes = [UInt8](repeating: 0xff, count: 1016)
    let digest = Blob(1, length: 0).digest
    _ = try bench.store.beginArrival(kind: 1, digest: digest, length: 1016, &bench.flash)
    try bench.store.write(bytes.span.extracting(0..<1012), at: 0, &bench.flash)
    try bench.store.noteArrived(contiguous: 1012, &bench.flash)
    bench.restart()
    #expect(bench.arrived == 1012)
    try bench.store.write(bytes.span.extracting(1012..<1016), at: 1012, &bench.flash)
    try bench.store.noteArrived(contiguous: 1016, &bench.flash)
    bench.restart()
    #expect(bench.arrived == 1016)
  }

  @Test func anotherObjectTakesThePlaceOfTheOneThatWasComing() throws {
    let bench = StorageBench(pages: 24)
    let first = Blob(1, length: 30_000)
    _ = try bench.store.beginArrival(kind: 1, digest: first.digest, length: 30_000, &bench.flash)
    try bench.store.write(first.bytes.span.extracting(0..<20_000), at: 0, &bench.flash)
    let second = Blob(300, length: 40_000)
    try bench.arrive(second)
    try bench.commitArrival(second)
    bench.restart()
    #expect(try Contents.of(bench, arriving: []) == Contents(newestModel: second))
    let length = first.bytes.count
    let held = try bench.store.beginArrival(kind: 1, digest: first.digest, length: length, &bench.flash)
    #expect(held == 0)
  }

  @Test func otherBytesAtAPlaceThatWasWrittenAreAConflictAndCostABlock() throws {
    let bench = StorageBench()
    let blob = Blob(1, length: 3000)
    let other = Blob(2, length: 3000)
    _ = try bench.store.beginArrival(kind: 1, digest: blob.digest, length: 3000, &bench.flash)
    try bench.store.write(blob.bytes.span.extracting(0..<1200), at: 0, &bench.flash)
    try bench.store.noteArrived(contiguous: 1200, &bench.flash)
    try bench.store.write(other.bytes.span.extracting(1600..<2000), at: 1600, &bench.flash)
    #expect(throws: StorageError.conflict) {
      try bench.store.write(blob.bytes.span.extracting(1200..<2000), at: 1200, &bench.flash)
    }
    #expect(bench.arrived == 1012)
    try bench.arrive(blob)
    try bench.commitArrival(blob)
    #expect(try Contents.of(bench, arriving: []) == Contents(newestModel: blob))
  }

  @Test func whatIsNotCompleteIsNotCommittedAndWhatIsOutOfPlaceNotWritten() throws {
    let bench = StorageBench()
    let blob = Blob(1, length: 3001)
    #expect(throws: StorageError.notHeld) { try bench.commitArrival(blob) }
    #expect(throws: StorageError.notHeld) {
      try bench.store.write(blob.bytes.span, at: 0, &bench.flash)
    }
    _ = try bench.store.beginArrival(kind: 1, digest: blob.digest, length: 3001, &bench.flash)
    for (range, at) in [(0..<8, 2), (0..<6, 0), (0..<3001, 4), (0..<4, -4), (0..<4, 3004), (0..<4, .max)] {
      #expect(throws: StorageError.outOfRange) {
        try bench.store.write(blob.bytes.span.extracting(range), at: at, &bench.flash)
      }
    }
    #expect(throws: StorageError.outOfRange) { try bench.store.noteArrived(contiguous: 3002, &bench.flash) }
    // Said to be there, but not.
    try bench.store.write(blob.bytes.span.extracting(0..<2000), at: 0, &bench.flash)
    try bench.store.noteArrived(contiguous: 2000, &bench.flash)
    #expect(throws: StorageError.incomplete) { try bench.commitArrival(blob) }
    let arrival = try #require(bench.object(.arrival))
    #expect(throws: StorageError.incomplete) { _ = try bench.read(arrival, 1000..<1100) }
    #expect(try bench.read(arrival, 0..<1012) == Array(blob.bytes[..<1012]))
  }

  @Test func objectsOfAnyLengthComeBackAsTheyWere() throws {
    for length in [0, 1, 3, 4, 5, 1011, 1012, 1013, 4047, 4048, 4049, 8096, 8097, 12_145] {
      let bench = StorageBench()
      let blob = Blob(length, length: length)
      try bench.arrive(blob, chunk: 100)
      try bench.commitArrival(blob)
      try bench.publish(blob, blob)
      bench.restart()
      let expected = Contents(newestModel: blob, update: blob, nextResidual: blob.unnamed)
      #expect(try Contents.of(bench, arriving: []) == expected, "\(length) bytes")
      // Bytes that read as erased are bytes, too.
      let bytes = [UInt8](repeating: 0xff, count: length)
      try bench.store.dropUpdate(&bench.flash)
      bench.store.begin(.update)
      try bench.store.append(bytes.span, to: .update, &bench.flash)
      try bench.store.publishUpdate(
        kind: 2, digest: .zero, metadata: StoredMetadata(), residual: nil, &bench.flash)
      bench.restart()
      let update = try #require(bench.object(.update))
      #expect(try bench.read(update) == bytes, "\(length) bytes")
    }
  }
}
