import Digests
import LinkProtocol
import UpdateCodec

extension BoardRuntime where Hardware: ~Copyable {
  mutating func handle(_ event: SessionEvent) {
    switch event {
    case .nothing, .departing, .damaged, .violation, .established, .refused:
      break
    case .opened:
      // A gateway that comes back finds everything as it left it, but knows of no transfer.
      stopVerifying()
      bench.update?.transfer = nil
    case .ended:
      stopVerifying()
      bench.update?.transfer = nil
    case .message(let message):
      handle(message)
    case .offered(let transfer, let offer):
      consider(transfer, offer)
    case .arriving(let transfer):
      noteProgress(of: transfer)
    case .received(let transfer, let offer):
      verify(transfer, offer)
    case .withdrawn(_, let offer, _):
      if bench.shelf.arriving?.name == offer.name { bench.shelf.abandon() }
    case .delivered(_, let offer):
      if bench.update?.name == offer.name { bench.update = nil }
    case .declined(_, let offer, let reason):
      handleRefusal(of: offer, reason)
    }
    settle()
  }

  // MARK: Messages

  private mutating func handle(_ message: ControlMessage) {
    switch message {
    case .statusRequest:
      _ = session.send(.status(status))
    case .train(let task):
      receive(task)
    case .stopTraining(let stop):
      stopTraining(of: stop.round)
    case .evaluate(let task):
      nextEvaluation = task.model
    case .status, .offer, .answer, .confirmation, .cancellation, .trainingProgress, .evaluation,
      .problem, .logLine:
      break
    }
  }

  private var status: Status {
    var round: UInt32?
    if case .training(let job) = activity { round = job.task.round }
    let uptime = now - (bootTime ?? now)
    return Status(
      phase: phase, uptime: UInt32(clamping: uptime / 1_000_000),
      examples: UInt32(clamping: bench.hardware.examples.count(of: .training)), model: model,
      round: round ?? bench.update?.header.round)
  }

  private mutating func receive(_ task: TrainTask) {
    // What it does or has done already it does not do again: the gateway asks anew after a lost link.
    if case .training(let job) = activity, job.task == task { return }
    if let update = bench.update {
      if update.header.round == task.round, update.header.base == DigestTag(task.model) { return }
      dropUpdate()
    }
    if case .training = activity { activity = .idle }
    nextTraining = task
  }

  private mutating func stopTraining(of round: UInt32) {
    if nextTraining?.round == round { nextTraining = nil }
    if case .training(let job) = activity, job.task.round == round { activity = .idle }
    if let update = bench.update, update.header.round == round { dropUpdate() }
  }

  private mutating func dropUpdate() {
    if let transfer = bench.update?.transfer { session.withdraw(transfer, because: .obsolete) }
    bench.update = nil
    if case .naming = activity { activity = .idle }
  }

  private mutating func handleRefusal(of offer: ObjectOffer, _ reason: TransferRefusal) {
    guard bench.update?.name == offer.name else { return }
    switch reason {
    case .busy, .storageFailed, .wrongDigest, .sourceFailed:
      // The gateway still wants it, only not now.
      bench.update?.transfer = nil
      bench.update?.notBefore = now + Self.offerPause
    case .alreadyHeld, .tooLarge, .obsolete, .invalid, .missingBase:
      bench.update = nil
    }
  }

  // MARK: Models that arrive

  private mutating func consider(_ transfer: TransferNumber, _ offer: ObjectOffer) {
    guard offer.kind == .model else { return session.decline(transfer, because: .invalid) }
    if bench.shelf.held(offer.name.digest) != nil {
      return session.decline(transfer, because: .alreadyHeld)
    }
    guard Int(offer.name.length) <= bench.shelf.capacity else {
      return session.decline(transfer, because: .tooLarge)
    }
    var used: ModelShelf.Held?
    if case .training(let job) = activity { used = job.base }
    guard let held = bench.shelf.prepare(for: offer.name, keeping: used) else {
      return session.decline(transfer, because: .busy)
    }
    guard session.accept(transfer, offer, held: held, now: now) else { return }
    handle(session.takeCompleted())
  }

  private mutating func noteProgress(of transfer: TransferNumber) {
    guard let progress = session.progress(ofIncoming: transfer),
      progress.offer.name == bench.shelf.arriving?.name
    else { return }
    bench.shelf.note(contiguous: progress.delivered)
  }

  private mutating func verify(_ transfer: TransferNumber, _ offer: ObjectOffer) {
    guard let arriving = bench.shelf.arriving, arriving.name == offer.name else {
      return session.reject(transfer, because: .busy)
    }
    bench.shelf.note(contiguous: offer.name.length)
    modelToVerify = Verification(transfer: transfer, place: arriving.place, name: offer.name)
  }

  private mutating func stopVerifying() {
    modelToVerify = nil
  }

  // MARK: What could not be said at once

  /// Says what is waiting to be said, as far as the link has room, and shows what the board does.
  mutating func settle() {
    if let problem = problemToSend, session.send(.problem(problem)) { problemToSend = nil }
    if let report = reportToSend, session.send(.evaluation(report)) { reportToSend = nil }
    if let update = bench.update, update.transfer == nil, update.notBefore <= now, let name = update.name {
      let offer = ObjectOffer(kind: .update, name: name, round: update.header.round)
      bench.update?.transfer = session.offer(offer, now: now)
    }
    if shownPhase != phase {
      shownPhase = phase
      bench.hardware.indicate(phase)
    }
  }
}
