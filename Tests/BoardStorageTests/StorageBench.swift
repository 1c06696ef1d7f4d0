import BoardStorage
import Digests
import VirtualHardware

/// A store and its flash.
final class StorageBench {
  var flash: CuttableNORFlash
  var store: ObjectStore

  init(_ flash: CuttableNORFlash) {
    self.flash = flash
    store = ObjectStore(mounting: &self.flash)
  }

  convenience init(pages: Int = 16, seed: UInt64 = 1) {
    self.init(CuttableNORFlash(pageCount: pages, seed: seed))
  }

  /// Power off and on.
  func restart() {
    flash.powerUp()
    store = ObjectStore(mounting: &flash)
  }

  func blob(_ object: StoredObject) throws -> Blob {
    Blob(try read(object), metadata: store.metadata(of: object), digest: store.digest(of: object))
  }

  func read(_ object: StoredObject) throws -> [UInt8] {
    try read(object, 0..<object.length)
  }

  func read(_ object: StoredObject, _ range: Range<Int>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    var span = bytes.mutableSpan
    try store.read(object, at: range.lowerBound, into: &span, &flash)
    return bytes
  }

  // The macros of Swift Testing take no member of a value that cannot be copied.
  func object(_ role: StoredRole) -> StoredObject? { store.object(role) }
  func model(_ digest: Digest32) -> StoredObject? { store.model(digest) }
  var lengthOfModelDraft: Int? { store.length(of: .model) }
  var freePages: Int { store.freePages }
  var arrived: Int { store.arrived }
  var capacity: Int { store.capacity }

  var findings: [StorageFinding] {
    var all: [StorageFinding] = []
    while let finding = store.takeFinding() { all.append(finding) }
    return all
  }

  // MARK: What the tests store

  /// Brings an object in, or the rest of it, in chunks of `chunk` bytes.
  func arrive(_ blob: Blob, kind: UInt8 = 1, chunk: Int = 1000) throws {
    var at = try store.beginArrival(kind: kind, digest: blob.digest, length: blob.bytes.count, &flash)
    while at < blob.bytes.count {
      let end = min(at + chunk, blob.bytes.count)
      try store.write(blob.bytes.span.extracting(at..<end), at: at, &flash)
      try store.noteArrived(contiguous: end, &flash)
      at = end
    }
  }

  func append(_ blob: Blob, as draft: Draft, piece: Int = 77) throws {
    store.begin(draft)
    var at = 0
    while at < blob.bytes.count {
      let end = min(at + piece, blob.bytes.count)
      try store.append(blob.bytes.span.extracting(at..<end), to: draft, &flash)
      at = end
    }
  }

  func publish(_ update: Blob, _ rest: Blob?) throws {
    try append(update, as: .update)
    if let rest { try append(rest, as: .nextResidual, piece: 256) }
    try store.publishUpdate(
      kind: 2, digest: update.digest, metadata: update.metadata, residual: rest?.metadata, &flash)
  }

  func keep(_ bytes: [UInt8], as keys: StoredKeys) throws {
    try store.keep(bytes.span, as: keys, &flash)
  }

  func keeps(_ bytes: [UInt8], as keys: StoredKeys) -> Bool { store.keeps(bytes.span, as: keys, &flash) }

  func commitArrival(_ blob: Blob) throws {
    try store.commitArrival(metadata: blob.metadata, &flash)
  }
}

/// Content that depends on its number only.
struct Blob: Equatable, Sendable {
  var bytes: [UInt8]
  var metadata: StoredMetadata
  /// What stands for its SHA-256: the store takes the caller's word for it.
  var digest: Digest32

  init(_ bytes: [UInt8], metadata: StoredMetadata, digest: Digest32) {
    self.bytes = bytes
    self.metadata = metadata
    self.digest = digest
  }

  init(_ number: Int, length: Int) {
    var state = UInt32(truncatingIfNeeded: number) &* 2_654_435_761 | 1
    bytes = (0..<length).map { _ in
      state ^= state << 13
      state ^= state >> 17
      state ^= state << 5
      // Runs of erased-looking bytes, too.
      return state & 7 == 0 ? 0xff : UInt8(truncatingIfNeeded: state >> 8)
    }
    let about = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 33)
    metadata = StoredMetadata(about.span)
    let name = [UInt8](repeating: UInt8(truncatingIfNeeded: number >> 8), count: 31) + about.prefix(1)
    let whole = [UInt8]((name + [0]).prefix(32))
    digest = Digest32(whole.span) ?? .zero
  }

  /// A residual has no name: nobody asks for it by one.
  var unnamed: Blob {
    var blob = self
    blob.digest = .zero
    return blob
  }
}

/// What a store should hold.
struct Contents: Equatable {
  var newestModel: Blob?
  var otherModel: Blob?
  var update: Blob?
  var residual: Blob?
  var nextResidual: Blob?
  var arrival: Blob?
  /// The bytes of keys.
  var cableSecret: [UInt8]?
  var bonds: [UInt8]?

  /// What a store does hold. Of an object that is coming in only whether what is there is right is looked at, and it is
  /// taken for the expected one if so.
  static func of(_ bench: StorageBench, arriving candidates: [Blob]) throws -> Contents {
    func blob(_ role: StoredRole) throws -> Blob? {
      try bench.store.object(role).map { try bench.blob($0) }
    }
    var contents = Contents(
      newestModel: try blob(.newestModel), otherModel: try blob(.otherModel), update: try blob(.update),
      residual: try blob(.residual), nextResidual: try blob(.nextResidual),
      cableSecret: try blob(.cableSecret)?.bytes, bonds: try blob(.bonds)?.bytes)
    if let object = bench.store.object(.arrival) {
      let digest = bench.store.digest(of: object)
      let known = candidates.first { $0.digest == digest && $0.bytes.count == object.length }
      guard let known else { throw Wrong.arrival }
      let there = try bench.read(object, 0..<bench.store.arrived & ~3)
      guard there[...] == known.bytes[..<there.count] else { throw Wrong.arrival }
      contents.arrival = known
    }
    return contents
  }

  enum Wrong: Error {
    case arrival
  }
}
