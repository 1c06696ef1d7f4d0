import Digests
public import LinkProtocol
public import Rounds
import TrainingCore
import UpdateCodec

extension GatewayEngine {
  /// Does what the round coordinator wants done.
  func perform(_ roundActions: [RoundAction], _ now: Timestamp) {
    for action in roundActions { perform(action, now) }
  }

  private func perform(_ action: RoundAction, _ now: Timestamp) {
    switch action {
    case .deliver(let version, let board):
      guard let conversation = conversation(with: board), version.hash == model.version.hash else { return }
      deliver(to: board, conversation, now)
    case .evaluate(let board, let version):
      say(.evaluate(EvaluationTask(model: version.hash)), to: board, now)
    case .train(let board, let round):
      say(.train(task(for: round, board)), to: board, now)
      if trainingSince[board] == nil { trainingSince[board] = now }
    case .stopTraining(let board, let round):
      say(.stopTraining(StopTraining(round: round.rawValue)), to: board, now)
    case .confirm(let board, _):
      answer(board, nil)
    case .refuse(let contribution, let reason):
      notice(
        .updateRefused(label(contribution.board), contribution.round, reason: String(describing: reason)))
      act(.recordDiscarded(contribution, isLate: false, reason: String(describing: reason)))
      answer(contribution.board, .invalid)
    case .discardLate(let contribution, let open):
      let reason = "came when round \(open) was open"
      notice(.updateRefused(label(contribution.board), contribution.round, reason: "late: it \(reason)"))
      act(.recordDiscarded(contribution, isLate: true, reason: reason))
      answer(contribution.board, .obsolete)
    case .store(let contribution):
      guard let pending = unanswered[contribution.board] else { return }
      act(.store(contribution, payload: pending.payload))
    case .aggregate(let round, let boards):
      act(.aggregate(round, boards, downlinkCoding()))
    case .modelEvaluated(let version, let report, _):
      act(.recordEvaluation(version, report))
      notice(.round(action, nil))
    case .finished(let reason):
      notice(.round(action, nil))
      act(.finished(reason))
    case .retryLater(let board, _, _, _), .exclude(let board, _, _):
      notice(.round(action, label(board)))
    case .waitForBoards, .roundOpened, .roundExtended, .aggregateLater, .roundFinished:
      notice(.round(action, nil))
    }
  }

  private func conversation(with board: BoardID) -> BoardConversation? {
    guard let link = links[board] else { return nil }
    serve(link)
    return conversations[link]
  }

  private func say(_ message: ControlMessage, to board: BoardID, _ now: Timestamp) {
    conversation(with: board)?.say(message, now: now)
  }

  private func task(for round: RoundNumber, _ board: BoardID) -> TrainTask {
    let parameters = settings.training(in: round)
    var task = TrainTask(
      round: round.rawValue, model: model.version.hash, epochs: parameters.epochs,
      batchSize: parameters.batchSize, learningRate: parameters.learningRate, momentum: parameters.momentum,
      weightDecay: parameters.weightDecay, proximal: parameters.proximal, seed: parameters.seed)
    let coding = uplinkCoding(of: board)
    task.coding = coding.code
    task.codingParameter = coding.parameter
    task.run = settings.run
    return task
  }

  // MARK: Answers of the store

  /// A contribution is durable.
  public func contributionStored(_ contribution: Rounds.Contribution, now: Timestamp) {
    counted[contribution.board] = contribution.update
    if let link = links[contribution.board] { conversations[link]?.counted = contribution.update }
    let actions = coordinator.contributionStored(
      contribution.board, contribution.round, now: MonotonicTime(now))
    if !actions.isEmpty {
      // Counted before the round may have closed by this very contribution.
      notice(
        .contributed(label(contribution.board), contribution, have: coordinator.status.contributed))
    }
    perform(actions, now)
  }

  /// A contribution could not be kept: the board keeps it.
  public func contributionNotStored(_ contribution: Rounds.Contribution, now: Timestamp) {
    answer(contribution.board, .storageFailed)
    perform(
      coordinator.contributionNotStored(contribution.board, contribution.round, now: MonotonicTime(now)), now)
  }

  /// A round's result is durable.
  ///
  /// - Parameter loss: of the result on held-out examples, if there are any.
  public func aggregated(
    _ round: RoundNumber, result: CurrentModel, loss: Double? = nil, now: Timestamp
  ) {
    model = result
    learn(fromLoss: loss)
    needsSnapshot = []
    perform(coordinator.aggregated(round, result.version, now: MonotonicTime(now)), now)
    for (link, conversation) in conversations {
      for event in conversation.roundOpened(coordinator.status.round.rawValue) {
        handle(event, conversation, now)
        serve(link)
      }
    }
  }

  /// A round's result could not be made, and nothing was kept of it.
  public func aggregationFailed(_ round: RoundNumber, unusable: [BoardID], now: Timestamp) {
    perform(
      coordinator.aggregationFailed(round, unusable: unusable, now: MonotonicTime(now)), now)
  }
}
