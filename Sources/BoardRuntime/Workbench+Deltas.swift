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
  @inline(never)
  mutating func beginApplication(_ transfer: TransferNumber, _ delta: StoredObject) throws(TransferRefusal) {
    let header = try readHeader(of: delta)
    guard model(header.result) == nil else { throw .alreadyHeld }
    guard let base = model(header.base) else { throw .missingBase }
    let snapshot: ModelSnapshot
    do throws(BoardProblem) {
      snapshot = try self.snapshot(base)
    } catch {
      throw .missingBase
    }
    guard snapshot.model.parameterCount == Int(header.parameterCount) else { throw .invalid }
    // The base must stay while room is made.
    application = DeltaApplication(
      transfer: transfer, delta: delta, base: base, version: header.version, result: header.result,
      headerLength: snapshot.headerLength, parameterCount: snapshot.model.parameterCount,
      consumed: header.length)
    guard makeRoom(pages: store.pages(for: base.length)) else { throw .busy }
    try beginModel()
    makeDecoder(header.coding, for: snapshot.model)
  }

  // A coder takes more than a kilobyte, and is on the stack for as long as it takes to make it.
  @inline(never)
  private mutating func makeDecoder(_ coding: UpdateCoding, for model: ModelDescription) {
    decoder[0] = DifferenceDecoder(coding, for: model)
  }

  @inline(never)
  private func model(_ tag: DigestTag) -> StoredObject? {
    if let model = store.object(.newestModel), DigestTag(store.digest(of: model)) == tag { return model }
    if let model = store.object(.otherModel), DigestTag(store.digest(of: model)) == tag { return model }
    return nil
  }

  @inline(never)
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
  @inline(never)
  private mutating func beginModel() throws(TransferRefusal) {
    guard let work = application else { return }
    var bytes: InlineArray<64, UInt8> = .init(repeating: 0)
    let count = min(work.headerLength, 64)
    do throws(StorageError) {
      var span = bytes.mutableSpan
      var part = span._mutatingExtracting(0..<count)
      try store.read(work.base, at: 0, into: &part, &hardware.flash)
      for i in 0..<4 {
        bytes[Self.versionOffset + i] = UInt8(truncatingIfNeeded: work.version >> UInt32(8 * i))
      }
      store.begin(.model)
      try store.append(bytes.span.extracting(0..<count), to: .model, &hardware.flash)
    } catch {
      throw refusal(error, with: work.base)
    }
    application?.digest.update(bytes.span.extracting(0..<count))
  }

  /// Does the next slice.
  ///
  /// - Returns: the digest of the new model, when it is the newest one.
  @inline(never)
  mutating func applyOne() throws(TransferRefusal) -> Digest32? {
    guard var work = application else { return nil }
    guard try decodeSlice(&work) else {
      application = work
      return nil
    }
    let digest = work.digest.finalize()
    guard DigestTag(digest) == work.result else { throw .wrongDigest }
    do throws(StorageError) {
      try store.commitModel(
        kind: ObjectKind.model.rawValue, digest: digest,
        metadata: StoredMetadata(store.digest(of: work.delta).span),
        keeping: base, &hardware.flash)
    } catch {
      throw .storageFailed
    }
    application = nil
    return digest
  }

  /// - Returns: whether that was the last one.
  @inline(never)
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
    guard step.produced <= work.parameterCount - work.produced,
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
    _ decoder: inout [DifferenceDecoder?], _ bytes: Span<UInt8>, isLast: Bool,
    into values: inout MutableSpan<Float>
  ) throws(TransferRefusal) -> (consumed: Int, produced: Int, isComplete: Bool) {
    do throws(UpdateError) {
      let step = try decoder[0]?.decode(bytes, isLast: isLast, into: &values) ?? (consumed: 0, produced: 0)
      return (step.consumed, step.produced, decoder[0]?.isComplete == true)
    } catch {
      throw .invalid
    }
  }

  /// Adds up to 64 decoded values to the base's next parameters, and writes what comes of it.
  @inline(never)
  private mutating func addToBase(
    _ work: inout DeltaApplication, _ values: inout InlineArray<64, Float>, _ count: Int
  ) throws(StorageError) {
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var parameters: InlineArray<64, Float> = .init(repeating: 0)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<4 * count)
    let offset = work.headerLength + 4 * work.produced
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
  @inline(never)
  mutating func stopApplication() {
    guard application != nil else { return }
    application = nil
    store.discard(.model)
  }

  /// What an error of the store means for a delta. An object that is damaged is forgotten, so that it can come again.
  @inline(never)
  private mutating func refusal(_ error: StorageError, with object: StoredObject) -> TransferRefusal {
    guard case .damaged = error else { return .storageFailed }
    try? store.remove(object, &hardware.flash)
    return object.id == application?.base.id ? .missingBase : .storageFailed
  }
}
