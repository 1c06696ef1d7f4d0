import Aggregation
import Digests
public import LinkProtocol
import Rounds
import TrainingCore
public import UpdateCodec

extension GatewayEngine {
  /// Acts on what a conversation led to.
  func handle(_ event: ConversationEvent, _ conversation: BoardConversation, _ now: Timestamp) {
    let link = conversation.link
    switch event {
    case .greeted(let welcome):
      greeted(welcome, conversation, now)
    case .refused(let refusal):
      refuse(
        conversation, .noCommonVersion(oldest: refusal.minimumVersion, newest: refusal.maximumVersion))
    case .ended(let end):
      if let board = boardOfLink[link] { notice(.boardLeft(label(board), conversation.carrier, end)) }
      lose(conversation, now)
    case .damaged(let error):
      notice(
        .linkFault(
          boardOfLink[link].map(label), conversation.carrier, "damaged frame (\(error)), it counts as lost"))
    case .violation(let violation):
      violated(violation, conversation, now)
    case .delivered, .deliveryRefused, .moving, .updateReceived, .pieceReceived, .updateDeclined, .training,
      .evaluation, .problem, .boardLog:
      // Only what a board says that the store knows has a meaning.
      guard let board = boardOfLink[link] else { return }
      handle(event, of: board, conversation, now)
    }
  }

  private func handle(
    _ event: ConversationEvent, of board: BoardID, _ conversation: BoardConversation, _ now: Timestamp
  ) {
    let time = MonotonicTime(now)
    switch event {
    case .delivered(let delivery, let progress):
      delivered(delivery, progress, to: board, conversation, now)
    case .deliveryRefused(let delivery, let refusal):
      refused(delivery, refusal, by: board, conversation, now)
    case .moving(let direction, let progress):
      if direction == .down { underWay[board]?.arrived = progress.delivered }
      notice(.transferring(label(board), transfer(progress, direction, now)))
      perform(coordinator.transferProgressed(board, now: time), now)
    case .updateReceived(let transfer, let progress, let payload):
      updateReceived(payload, transfer, progress, from: board, conversation, now)
    case .pieceReceived(let name, let start, let bytes):
      act(.keepPiece(board, name, start: start, bytes))
    case .updateDeclined(let offer, .obsolete):
      let reason = "it was not in when round \(coordinator.status.round) was opened"
      notice(.updateRefused(label(board), RoundNumber(offer.round), reason: "late: \(reason)"))
      // Of what did not arrive only the name is known.
      let late = Rounds.Contribution(
        board: board, round: RoundNumber(offer.round), base: .zero, update: offer.name.digest, examples: 0,
        trainingLoss: nil)
      act(.recordDiscarded(late, isLate: true, reason: reason))
    case .updateDeclined(let offer, let refusal):
      let words = "its update of \(offer.name.length) bytes is not taken: \(refusal.wordsOfReceiver)"
      notice(.boardProblem(label(board), words))
      perform(coordinator.boardFailed(board, reason: words, now: time), now)
    case .training(let report):
      notice(.training(label(board), report))
      perform(coordinator.trainingProgressed(board, RoundNumber(report.round), now: time), now)
    case .evaluation(let report):
      evaluated(report, by: board, now)
    case .problem(let problem):
      let words = problem.words
      notice(.boardProblem(label(board), words))
      perform(coordinator.boardFailed(board, reason: words, now: time), now)
    case .boardLog(let line):
      notice(.boardLog(label(board), line))
    case .greeted, .refused, .ended, .damaged, .violation:
      break
    }
  }

  private func violated(
    _ violation: ProtocolViolation, _ conversation: BoardConversation, _ now: Timestamp
  ) {
    let board = boardOfLink[conversation.link]
    notice(.linkFault(board.map(label), conversation.carrier, violation.words))
    // The transfer is over, and whoever waits for it would wait in vain.
    if let board, case .impossibleTransfer = violation {
      perform(coordinator.boardFailed(board, reason: violation.words, now: MonotonicTime(now)), now)
    }
  }

  func transfer(
    _ progress: TransferProgress, _ direction: Direction, _ now: Timestamp
  ) -> TransferNotice {
    TransferNotice(
      kind: progress.offer.kind, direction: direction, delivered: progress.delivered,
      total: progress.offer.name.length, resumedFrom: progress.resumedFrom,
      retransmitted: progress.retransmitted, elapsed: now - progress.started)
  }

  private func evaluated(
    _ report: LinkProtocol.EvaluationReport, by board: BoardID, _ now: Timestamp
  ) {
    let sum = Double(report.loss) * Double(report.count)
    guard
      let result = Rounds.EvaluationReport(
        count: Int(report.count), correct: Int(report.correct), lossSum: sum)
    else {
      let reason = "its evaluation is no possible one (\(report.correct) of \(report.count) right)"
      perform(coordinator.boardFailed(board, reason: reason, now: MonotonicTime(now)), now)
      return
    }
    if report.model == model.version.hash { notice(.evaluated(label(board), model.version, result)) }
    perform(
      coordinator.evaluationReported(board, report.model, result, now: MonotonicTime(now)), now)
  }

  // MARK: Updates

  private func updateReceived(
    _ payload: [UInt8], _ number: TransferNumber, _ progress: TransferProgress, from board: BoardID,
    _ conversation: BoardConversation, _ now: Timestamp
  ) {
    let contribution: Rounds.Contribution
    let verdict: UpdateVerdict
    do throws(UpdateError) {
      (contribution, verdict) = try UpdateCheck.judge(
        payload, from: board, model: model.description, digest: model.version.hash,
        normBound: settings.normBound)
    } catch {
      conversation.answer(number, .invalid)
      let words = "its update cannot be read: \(error.words)"
      notice(.boardProblem(label(board), words))
      perform(coordinator.boardFailed(board, reason: words, now: MonotonicTime(now)), now)
      return
    }
    let moved = transfer(progress, .up, now)
    count(moved)
    notice(.transferred(label(board), moved))
    learn(from: moved, of: board, loss: contribution.trainingLoss, now)
    unanswered[board] = PendingAnswer(
      link: conversation.link, transfer: number, contribution: contribution, payload: payload)
    perform(
      coordinator.updateArrived(contribution, verdict: verdict, now: MonotonicTime(now)), now)
  }

  /// Answers the board whose update waits, if its conversation is still the same.
  func answer(_ board: BoardID, _ refusal: TransferRefusal?) {
    guard let pending = unanswered.removeValue(forKey: board),
      let conversation = conversations[pending.link], boardOfLink[pending.link] == board
    else { return }
    conversation.answer(pending.transfer, refusal)
    serve(pending.link)
  }
}

extension ProtocolViolation {
  /// A few words for a person.
  public var words: String {
    switch self {
    case .malformedMessage: "it sent a message that cannot be read; update its firmware"
    case .unknownMessage(let type):
      "it sent message \(type), which this gateway does not know; update FedBridge"
    case .impossibleTransfer:
      "it sent or acknowledged bytes of an object that nobody asked for or sent; update its firmware"
    case .wrongRole: "it speaks as a gateway does; is it a gateway's port?"
    }
  }
}

extension TransferRefusal {
  /// A few words for a person, when this gateway is the one that refuses.
  var wordsOfReceiver: String {
    switch self {
    case .tooLarge: "that is more than any update has"
    default: words
    }
  }

  /// A few words for a person.
  public var words: String {
    switch self {
    case .alreadyHeld: "it holds it already"
    case .tooLarge: "it is too large for its memory"
    case .obsolete: "it is not needed any more"
    case .busy: "it is busy with another transfer"
    case .wrongDigest: "the bytes that arrived are not the object that was named"
    case .storageFailed: "it could not be stored"
    case .invalid: "it is not valid"
    case .sourceFailed: "the sender could not read it"
    case .missingBase: "it does not hold the model that this starts from"
    }
  }
}

extension Problem {
  /// A sentence for a person.
  public var words: String {
    let numbers =
      needed.flatMap { needed in available.map { "; it needs \(needed) floats and there are \($0)" } } ?? ""
    switch code {
    case .unknownMessage: return "the board does not know message \(about ?? 0); update its firmware"
    case .modelNotHeld: return "the board does not hold the model"
    case .modelTooLarge: return "the model does not fit the board's memory\(numbers)"
    case .modelMismatch: return "the model does not fit the board's examples"
    case .modelInvalid: return "the model is damaged or of an unknown form"
    case .taskInvalid: return "the training parameters are out of range"
    case .noExamples: return "the board has no examples for this"
    case .diverged: return "training diverged; lower the learning rate"
    case .flashFailed: return "the board's flash failed"
    case .busy: return "the board is busy"
    }
  }
}

extension UpdateError {
  /// A sentence for a person.
  public var words: String {
    switch self {
    case .malformed: "it is no update"
    case .unsupportedVersion(let version):
      "its format \(version) is newer than this gateway; update FedBridge"
    case .unsupportedCoding(let coding): "its coding \(coding) was not agreed on"
    case .wrongLength(let expected, let actual): "its code has \(actual) bytes instead of \(expected)"
    case .notFinite: "it has values that are no numbers; lower the learning rate"
    }
  }
}
