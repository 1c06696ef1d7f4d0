import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// Objects that come in: verified, and deltas added to their base, in slices.
extension Workbench where Hardware: ~Copyable {
  /// Bytes of an object that are hashed in one slice.
  static var hashSlice: Int { 512 }

  /// Whether the board has what is offered: a model, or what this very delta made.
  @inline(never)
  func holds(_ offer: ObjectOffer) -> Bool {
    let digest = offer.name.digest
    guard offer.kind == .delta else { return store.model(digest) != nil }
    return isMade(.newestModel, by: digest) || isMade(.otherModel, by: digest)
  }

  @inline(never)
  private func isMade(_ role: StoredRole, by delta: Digest32) -> Bool {
    guard let model = store.object(role) else { return false }
    return store.metadata(of: model) == StoredMetadata(delta.span)
  }

  /// Makes ready to take an object in.
  ///
  /// - Returns: how many of its bytes are here already.
  @inline(never)
  mutating func beginArrival(_ offer: ObjectOffer) throws(TransferRefusal) -> UInt32 {
    let length = Int(offer.name.length)
    guard length <= store.capacity else { throw .tooLarge }
    let pages = store.pages(for: length)
    do throws(StorageError) {
      return try begin(offer, length)
    } catch {
      guard case .full = error else { throw .storageFailed }
    }
    // With the arrival that there was gone, what it takes is free, too.
    guard makeRoom(pages: pages, forModel: offer.kind == .model) else {
      // What is pending goes some time; without that it would never fit.
      throw update == nil && base == nil ? .tooLarge : .busy
    }
    do throws(StorageError) {
      return try begin(offer, length)
    } catch {
      throw .storageFailed
    }
  }

  @inline(never)
  private mutating func begin(_ offer: ObjectOffer, _ length: Int) throws(StorageError) -> UInt32 {
    let held = try store.beginArrival(
      kind: offer.kind.rawValue, digest: offer.name.digest, length: length, &hardware.flash)
    return UInt32(clamping: held)
  }

  /// Hashes the next slice of an object that arrived.
  ///
  /// - Returns: its digest, when it is complete.
  @inline(never)
  mutating func verifyOne(_ work: inout Verification) throws(StorageError) -> Digest32? {
    var bytes: InlineArray<512, UInt8> = .init(repeating: 0)
    let count = min(Self.hashSlice, work.object.length - work.offset)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    try store.read(work.object, at: work.offset, into: &part, &hardware.flash)
    work.digest.update(bytes.span.extracting(0..<count))
    work.offset += count
    return work.offset == work.object.length ? work.digest.finalize() : nil
  }

  /// Makes the model that arrived, and was verified, the newest.
  @inline(never)
  mutating func commitModel() throws(TransferRefusal) {
    do throws(StorageError) {
      try store.commitArrival(metadata: StoredMetadata(), keeping: base, &hardware.flash)
    } catch {
      throw .storageFailed
    }
  }
}
