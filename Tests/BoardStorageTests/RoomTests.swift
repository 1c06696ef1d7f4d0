import BoardStorage
import Testing
import VirtualHardware

@Suite struct RoomTests {
  @Test func whatDoesNotFitIsRefusedAndNothingIsLost() throws {
    let bench = StorageBench(pages: 12)
    let model = Blob(1, length: 3 * 4048)
    try bench.arrive(model)
    try bench.commitArrival(model)
    try bench.publish(Blob(2, length: 100), Blob(3, length: 2 * 4048))
    let before = try Contents.of(bench, arriving: [])
    // Twelve pages less six of objects, and the directory's two and two.
    #expect(bench.freePages == 2)
    #expect(throws: StorageError.full(needed: 3, free: 2)) { try bench.arrive(Blob(4, length: 2 * 4048 + 1)) }
    #expect(throws: StorageError.full(needed: 1, free: 0)) {
      try bench.append(Blob(5, length: 2 * 4048 + 4), as: .model)
    }
    #expect(bench.lengthOfModelDraft == nil)
    #expect(try Contents.of(bench, arriving: []) == before)
    // What is coming in was promised its pages, also before they are taken.
    let arrival = Blob(6, length: 4049)
    _ = try bench.store.beginArrival(kind: 3, digest: arrival.digest, length: 4049, &bench.flash)
    #expect(throws: StorageError.full(needed: 1, free: 0)) {
      try bench.append(Blob(5, length: 1), as: .model, piece: 4)
      try bench.append(Blob(5, length: 4), as: .model, piece: 4)
    }
    try bench.arrive(arrival, kind: 3)
    // All changes go on in a full store; some make room.
    for number in 0..<40 {
      try bench.store.settleUpdate(&bench.flash)
      try bench.publish(Blob(number, length: 50), nil)
    }
    try bench.store.settleUpdate(&bench.flash)
    try bench.commitArrival(arrival)
    bench.restart()
    #expect(try Contents.of(bench, arriving: []) == Contents(newestModel: arrival, otherModel: model))
  }

  @Test func theModelInUseStaysAndTheOtherGoes() throws {
    let bench = StorageBench()
    let blobs = (1...4).map { Blob(256 * $0, length: 100 * $0) }
    for blob in blobs[..<2] {
      try bench.arrive(blob)
      try bench.commitArrival(blob)
    }
    // Training uses the older one.
    let used = try #require(bench.model(blobs[0].digest))
    try bench.arrive(blobs[2])
    try bench.store.commitArrival(metadata: blobs[2].metadata, keeping: used, &bench.flash)
    #expect(bench.model(blobs[1].digest) == nil)
    #expect(try bench.read(used) == blobs[0].bytes)
    // And without a word of it the one before stays.
    try bench.arrive(blobs[3])
    try bench.commitArrival(blobs[3])
    bench.restart()
    let expected = Contents(newestModel: blobs[3], otherModel: blobs[2])
    #expect(try Contents.of(bench, arriving: []) == expected)
    // Its room can be had back.
    try bench.store.remove(try #require(bench.object(.newestModel)), &bench.flash)
    bench.restart()
    #expect(try Contents.of(bench, arriving: []) == Contents(newestModel: blobs[2]))
  }

  @Test func erasingIsDoneAheadWhenThereIsTime() throws {
    let bench = StorageBench()
    for number in 0..<10 {
      while try bench.store.prepareOne(&bench.flash) {}
      let erasures = bench.flash.erasures
      try bench.publish(Blob(number, length: 4000), Blob(number + 1, length: 4000))
      try bench.store.settleUpdate(&bench.flash)
      #expect(bench.flash.erasures == erasures, "round \(number)")
    }
  }

  @Test func pagesWearEvenly() throws {
    let bench = StorageBench(pages: 20)
    // Five pages are pinned by a model that stays; nineteen of twenty writes are small.
    let model = Blob(1, length: 5 * 4048)
    try bench.arrive(model)
    try bench.commitArrival(model)
    for number in 0..<4000 {
      try bench.publish(Blob(number, length: 8), number.isMultiple(of: 20) ? Blob(number, length: 5000) : nil)
      try bench.store.settleUpdate(&bench.flash)
      while try bench.store.prepareOne(&bench.flash) {}
      if number.isMultiple(of: 997) { bench.restart() }
    }
    let most = try #require(bench.flash.erasures.max())
    let least = try #require(bench.flash.erasures.min())
    let mean = Double(bench.flash.erasures.reduce(0, +)) / 20
    // The tolerance of 32, and what is erased until the next chance to move something.
    #expect(most - least <= 40)
    #expect(mean > 200 && Double(most) / mean < 1.1, "mean \(mean), most \(most)")
    let condition = bench.store.condition
    #expect(Int(condition.mostErased) <= most + 1 && condition.pages == 20)
    #expect(try Contents.of(bench, arriving: []).newestModel == model)
  }
  /// What `Protocols/flash-layout.md` says of how long flash lasts.
  @Test func aRoundOfTheDigitsModelErasesFewPages() throws {
    let bench = StorageBench(pages: 128)
    let length = 2570 * 4
    while try bench.store.prepareOne(&bench.flash) {}
    let before = bench.flash.erasures.reduce(0, +)
    for number in 0..<100 {
      try bench.arrive(Blob(number, length: length + 28))
      try bench.commitArrival(Blob(number, length: length + 28))
      try bench.publish(Blob(number, length: length + 40), Blob(number, length: length))
      try bench.store.settleUpdate(&bench.flash)
      while try bench.store.prepareOne(&bench.flash) {}
    }
    let erasures = bench.flash.erasures.reduce(0, +) - before
    // Three pages each, and the directory's two every so often.
    #expect(erasures < 100 * 10, "\(erasures)")
    #expect((bench.flash.erasures.max() ?? 0) <= 12)
  }
}
