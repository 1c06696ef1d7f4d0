import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// Deltas that arrived: new parameter = base parameter + decoded difference, in slices, from flash to flash. The arena
/// is not touched, so that training goes on meanwhile.
extension Workbench where Hardware: ~Copyable {
  /// Begins to add a delta that arrived, and was verified, to its base.
  ///
  /// - Throws: why that cannot be; ``TransferRefusal/alreadyHeld`` if its result is here.
  mutating func beginApplication(_ work: Verification) throws(TransferRefusal) {
    let delta = try readHeader(of: work.object)
    guard model(delta.result) == nil else { throw .alreadyHeld }
    guard let base = model(delta.base) else { throw .missingBase }
    let snapshot: ModelSnapshot
    do throws(BoardProblem) {
      snapshot = try self.snapshot(base)
    } catch {
      throw .missingBase
    }
    guard snapshot.model.parameterCount == Int(delta.parameterCount) else { throw .invalid }
    var application = DeltaApplication(
      transfer: work.transfer, delta: work.object, header: delta, base: base, snapshot: snapshot,
      consumed: delta.length)
    // The base must stay while room is made.
    self.application = application
    guard makeRoom(pages: store.pages(for: base.length)) else { throw .busy }
    do throws(StorageError) {
      try beginModel(&application)
    } catch {
      throw refusal(error, with: base)
    }
    self.application = application
    decoder = DifferenceDecoder(delta.coding, for: snapshot.model)
  }

  private func model(_ tag: DigestTag) -> StoredObject? {
    if let model = store.object(.newestModel), DigestTag(model.digest) == tag { return model }
    if let model = store.object(.otherModel), DigestTag(model.digest) == tag { return model }
    return nil
  }

  private mutating func readHeader(of delta: StoredObject) throws(TransferRefusal) -> DeltaHeader {
    var bytes: InlineArray<64, UInt8> = .init(repeating: 0)
    let count = min(DeltaHeader.maximumLength, delta.length, 64)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    do throws(StorageError) {
      try store.read(delta, at: 0, into: &part, &hardware.flash)
    } catch {
      throw .storageFailed
    }
    do throws(UpdateError) {
      let header = try DeltaHeader(parsing: bytes.span.extracting(0..<count))
      guard header.length <= delta.length else { throw .malformed }
      return header
    } catch {
      throw .invalid
    }
  }

  /// Where a snapshot has its version: `Protocols/objects.md`.
  private static var versionOffset: Int { 4 }

  /// Begins to write the new model: the base's header, with the new version.
  private mutating func beginModel(_ work: inout DeltaApplication) throws(StorageError) {
    var bytes: InlineArray<64, UInt8> = .init(repeating: 0)
    let count = min(work.snapshot.headerLength, 64)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    try store.read(work.base, at: 0, into: &part, &hardware.flash)
    for i in 0..<4 {
      bytes[Self.versionOffset + i] = UInt8(truncatingIfNeeded: work.header.version >> UInt32(8 * i))
    }
    store.begin(.model)
    try store.append(bytes.span.extracting(0..<count), to: .model, &hardware.flash)
    work.digest.update(bytes.span.extracting(0..<count))
  }

  /// Does the next slice.
  ///
  /// - Returns: the digest of the new model, when it is the newest one.
  mutating func applyOne() throws(TransferRefusal) -> Digest32? {
    guard var work = application else { return nil }
    guard try decodeSlice(&work) else {
      application = work
      return nil
    }
    let digest = work.digest.finalize()
    guard DigestTag(digest) == work.header.result else { throw .wrongDigest }
    do throws(StorageError) {
      try store.commitModel(
        kind: ObjectKind.model.rawValue, digest: digest, metadata: StoredMetadata(work.delta.digest.span),
        keeping: base, &hardware.flash)
    } catch {
      throw .storageFailed
    }
    application = nil
    decoder = nil
    return digest
  }

  /// - Returns: whether that was the last one.
  private mutating func decodeSlice(_ work: inout DeltaApplication) throws(TransferRefusal) -> Bool {
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var values: InlineArray<64, Float> = .init(repeating: 0)
    let count = min(256, work.delta.length - work.consumed)
    do throws(StorageError) {
      var span = bytes.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try store.read(work.delta, at: work.consumed, into: &part, &hardware.flash)
    } catch {
      throw refusal(error, with: work.delta)
    }
    let isLast = work.consumed + count == work.delta.length
    var room = values.mutableSpan
    let step = try Self.decode(&decoder, bytes.span.extracting(0..<count), isLast: isLast, into: &room)
    guard step.produced <= work.snapshot.model.parameterCount - work.produced,
      step.consumed > 0 || step.produced > 0 || step.isComplete
    else { throw .invalid }
    do throws(StorageError) {
      try addToBase(&work, &values, step.produced)
    } catch {
      throw refusal(error, with: work.base)
    }
    work.consumed += step.consumed
    work.produced += step.produced
    return step.isComplete
  }

  private static func decode(
    _ decoder: inout DifferenceDecoder?, _ bytes: Span<UInt8>, isLast: Bool,
    into values: inout MutableSpan<Float>
  ) throws(TransferRefusal) -> (consumed: Int, produced: Int, isComplete: Bool) {
    do throws(UpdateError) {
      let step = try decoder?.decode(bytes, isLast: isLast, into: &values) ?? (consumed: 0, produced: 0)
      return (step.consumed, step.produced, decoder?.isComplete == true)
    } catch {
      throw .invalid
    }
  }

  /// Adds up to 64 decoded values to the base's next parameters, and writes what comes of it.
  private mutating func addToBase(
    _ work: inout DeltaApplication, _ values: inout InlineArray<64, Float>, _ count: Int
  ) throws(StorageError) {
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var parameters: InlineArray<64, Float> = .init(repeating: 0)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<4 * count)
    let offset = work.snapshot.headerLength + 4 * work.produced
    try store.read(work.base, at: offset, into: &part, &hardware.flash)
    var block = parameters.mutableSpan
    ModelSnapshot.readParameters(bytes.span.extracting(0..<4 * count), into: &block)
    for i in 0..<count { parameters[i] += values[i] }
    var out = bytes.mutableSpan
    var result = out._mutatingExtracting(0..<4 * count)
    ModelSnapshot.writeBytes(of: parameters.span.extracting(0..<count), from: 0, into: &result)
    work.digest.update(bytes.span.extracting(0..<4 * count))
    try store.append(bytes.span.extracting(0..<4 * count), to: .model, &hardware.flash)
  }

  /// Gives up the delta that is being added.
  mutating func stopApplication() {
    guard application != nil else { return }
    application = nil
    decoder = nil
    store.discard(.model)
  }

  /// What an error of the store means for a delta. An object that is damaged is forgotten, so that it can come again.
  private mutating func refusal(_ error: StorageError, with object: StoredObject) -> TransferRefusal {
    guard case .damaged = error else { return .storageFailed }
    try? store.remove(object, &hardware.flash)
    return object.id == application?.base.id ? .missingBase : .storageFailed
  }
}
