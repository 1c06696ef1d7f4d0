import BoardStorage
import Digests
import LinkProtocol

/// Models, and deltas to models, that the gateway sends.
extension BoardRuntime where Hardware: ~Copyable {
  mutating func consider(_ transfer: TransferNumber, _ offer: ObjectOffer) {
    switch offer.kind {
    case .model, .delta: break
    case .update: return session.decline(transfer, because: .invalid)
    }
    if bench.holds(offer) { return session.decline(transfer, because: .alreadyHeld) }
    // One at a time: there is one place for what is coming in.
    guard bench.arriving == nil else { return session.decline(transfer, because: .busy) }
    let held: UInt32
    do throws(TransferRefusal) {
      held = try bench.beginArrival(offer)
    } catch {
      return session.decline(transfer, because: error)
    }
    noteModel()
    guard session.accept(transfer, offer, held: held, now: now) else { return }
    bench.arriving = transfer
    handle(session.takeCompleted())
  }

  mutating func noteProgress(of transfer: TransferNumber) {
    guard transfer == bench.arriving, let progress = session.progress(ofIncoming: transfer) else { return }
    note(progress.delivered, of: transfer)
  }

  private mutating func note(_ contiguous: UInt32, of transfer: TransferNumber) {
    do throws(StorageError) {
      try bench.store.noteArrived(contiguous: Int(contiguous), &bench.hardware.flash)
    } catch {
      session.stopReceiving(transfer, because: .storageFailed)
      bench.arriving = nil
    }
  }

  mutating func verify(_ transfer: TransferNumber, _ offer: ObjectOffer) {
    guard transfer == bench.arriving else { return session.reject(transfer, because: .busy) }
    note(offer.name.length, of: transfer)
    guard bench.arriving != nil, let object = bench.store.object(.arrival) else { return }
    toVerify = Verification(transfer: transfer, object: object, kind: offer.kind)
  }

  /// The transfer is over, or its session: what came stays in flash and is gone on with.
  mutating func stopArriving() {
    toVerify = nil
    bench.stopApplication()
    bench.arriving = nil
  }

  /// Does a slice of verifying or of adding a delta; false if nothing arrived.
  mutating func arrivalSlice() -> Bool {
    do throws(TransferRefusal) {
      if toVerify != nil { return try verifySlice() }
      guard let application = bench.application else { return false }
      if try bench.applyOne() != nil { finishArrival(application.transfer) }
    } catch {
      refuseArrival(error)
    }
    return true
  }

  private mutating func verifySlice() throws(TransferRefusal) -> Bool {
    guard var work = toVerify else { return false }
    let digest: Digest32?
    do throws(StorageError) {
      digest = try bench.verifyOne(&work)
    } catch {
      throw .storageFailed
    }
    guard let digest else {
      toVerify = work
      return true
    }
    guard digest == work.object.digest else { throw .wrongDigest }
    switch work.kind {
    case .delta:
      try bench.beginApplication(work)
      toVerify = nil
    case .model, .update:
      try bench.commitModel()
      finishArrival(work.transfer)
    }
    return true
  }

  private mutating func finishArrival(_ transfer: TransferNumber) {
    toVerify = nil
    bench.arriving = nil
    noteModel()
    session.confirm(transfer)
  }

  private mutating func refuseArrival(_ reason: TransferRefusal) {
    let transfer = bench.arriving
    stopArriving()
    // What is wrong with it stays wrong; only for want of room it is worth keeping.
    if reason != .busy { try? bench.store.dropArrival(&bench.hardware.flash) }
    noteModel()
    guard let transfer else { return }
    // The result of a delta can be here though the delta was not known.
    if reason == .alreadyHeld { session.confirm(transfer) } else { session.reject(transfer, because: reason) }
  }

  /// Says in the next welcome which model is there.
  mutating func noteModel() {
    session.boardHolds(model: bench.newestModel?.digest)
  }
}
