import BoardStorage
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
      stopArriving()
      bench.update?.transfer = nil
      outbox.startAgain()
    case .ended:
      stopArriving()
      bench.update?.transfer = nil
    case .message(let message):
      handle(message)
    case .offered(let transfer, let offer):
      consider(transfer, offer)
    case .arriving(let transfer):
      noteProgress(of: transfer)
    case .received(let transfer, let offer):
      verify(transfer, offer)
    case .withdrawn(let transfer, _, _):
      if transfer == bench.arriving { stopArriving() }
    case .delivered(_, let offer):
      if bench.update?.name == offer.name { settleUpdate() }
    case .declined(_, let offer, let reason):
      handleRefusal(of: offer, reason)
    }
    settle()
  }

  // MARK: Messages

  @inline(never)
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
    case .cableSecret(let message):
      receive(message)
    case .status, .offer, .answer, .confirmation, .cancellation, .trainingProgress, .evaluation,
      .problem, .logLine:
      break
    }
  }

  @inline(never)
  private var status: Status {
    var round: UInt32?
    if case .training(let job) = activity { round = job.task.round }
    if let coding = bench.coding { round = coding.task.round }
    let uptime = now - (bootTime ?? now)
    return Status(
      phase: phase, uptime: UInt32(clamping: uptime / 1_000_000),
      examples: UInt32(clamping: bench.hardware.examples.count(of: .training)), model: model,
      round: round ?? bench.update?.about.round)
  }

  @inline(never)
  private mutating func receive(_ task: TrainTask) {
    // What it does or has done already it does not do again: the gateway asks anew after a lost link.
    if case .training(let job) = activity, job.task == task { return }
    if bench.coding?.task == task { return }
    stopLearning()
    if let update = bench.update, update.answers(task) {
      nextTraining = nil
      return
    }
    nextTraining = task
    // Whether what is pending was counted only the gateway knows, and what is learnt next depends on it.
    bench.update?.notBefore = now
  }

  @inline(never)
  private mutating func stopTraining(of round: UInt32) {
    if nextTraining?.round == round { nextTraining = nil }
    if case .training(let job) = activity, job.task.round == round { stopLearning() }
    if bench.coding?.task.round == round { stopLearning() }
  }

  @inline(never)
  private mutating func stopLearning() {
    switch activity {
    case .training, .coding: stopActivity()
    case .idle, .evaluating: break
    }
  }

  // MARK: The update

  @inline(never)
  private mutating func handleRefusal(of offer: ObjectOffer, _ reason: TransferRefusal) {
    guard bench.update?.name == offer.name else { return }
    switch reason {
    case .busy, .sourceFailed:
      // The gateway may want it, only not now.
      if bench.updateIsDamaged { dropUpdate() } else { postponeUpdate() }
    case .storageFailed, .wrongDigest:
      // It was not counted, and is not waited for if there is something newer to do.
      if nextTraining != nil { dropUpdate() } else { postponeUpdate() }
    case .alreadyHeld, .tooLarge, .obsolete, .invalid, .missingBase:
      dropUpdate()
    }
  }

  private mutating func postponeUpdate() {
    bench.update?.transfer = nil
    bench.update?.notBefore = now + Self.offerPause
  }

  /// The gateway has it: what it left out is the residual from now on.
  @inline(never)
  private mutating func settleUpdate() {
    do throws(StorageError) {
      try bench.store.settleUpdate(&bench.hardware.flash)
      bench.update = nil
    } catch {
      // Offered again, it is said to be held, and this is tried again.
      postponeUpdate()
    }
  }

  @inline(never)
  private mutating func dropUpdate() {
    bench.update = nil
    // If this fails it comes back with the next reset, and the gateway declines it.
    try? bench.store.dropUpdate(&bench.hardware.flash)
  }

  // MARK: What could not be said at once

  /// Says what is waiting to be said, as far as the link has room, and shows what the board does.
  @inline(never)
  mutating func settle() {
    if let problem = problemToSend, session.send(.problem(problem)) { problemToSend = nil }
    if let report = reportToSend, session.send(.evaluation(report)) { reportToSend = nil }
    if findingToSend == nil { findingToSend = bench.store.takeFinding() }
    if let finding = findingToSend,
      log(StorageReport.level(finding), StorageReport.line(finding, through: &bench.header))
    {
      findingToSend = nil
    }
    if session.hasDeliveredMessages { outbox.noteDelivery() }
    while let line = outbox.next, session.send(.logLine(line)) { outbox.handOver() }
    if let update = bench.update, update.transfer == nil, update.notBefore <= now {
      let offer = ObjectOffer(kind: .update, name: update.name, round: update.about.round)
      bench.update?.transfer = session.offer(offer, now: now)
    }
    if shownPhase != phase {
      shownPhase = phase
      bench.hardware.indicate(phase)
    }
  }
}
