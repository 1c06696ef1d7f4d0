import Digests
import PropertyTesting
import Rounds
import Testing

/// A run in virtual time: a coordinator, a store that survives it, and boards that do everything wrong that
/// boards, links and power switches can do. All of it follows from the seed.
///
/// While it runs it keeps the books itself and records an issue whenever an action would break a promise.
struct SimulatedRun {
  /// Something that will happen.
  private enum Event {
    case join(BoardID)
    case lose(BoardID)
    case delivered(BoardID, ModelVersion, session: Int)
    case evaluated(BoardID, Digest32, session: Int)
    case trained(BoardID, RoundNumber, session: Int)
    case progressed(BoardID, RoundNumber, session: Int)
    case failed(BoardID, session: Int)
    case arrived(Contribution, UpdateVerdict)
    case stored(Contribution, succeeds: Bool)
    case aggregated(RoundNumber, [BoardID], succeeds: Bool)
    case restartGateway
  }

  /// What a board knows. It survives the loss of its link; training does not survive a reset.
  private struct Board {
    var held: ModelVersion?
    var session: Int?
    /// The last update it made, kept until it is confirmed, refused or too late.
    var pending: Contribution?
  }

  /// What is durable.
  private struct Store {
    var round = RoundNumber.first
    var base = version(0)
    var contributions: [BoardID: Contribution] = [:]
    var finished: [RoundNumber: [Contribution]] = [:]
  }

  let seed: UInt64
  private var random: SeededGenerator
  private let policy: RoundPolicy
  private var coordinator: RoundCoordinator
  private var store = Store()
  private var boards: [BoardID: Board] = [:]
  private var queue: [(time: MonotonicTime, event: Event)] = []
  private var now = seconds(0)
  private var sessions = 0
  private var isCalm = false
  private var isOver = false
  /// Rounds with an aggregation under way in this life of the gateway.
  private var aggregating: RoundNumber?
  private(set) var steps = 0
  private(set) var restarts = 0
  private(set) var roundsHeld = 0

  private static let rounds: UInt32 = 4
  private static let calmAfter = seconds(900)
  private static let limit = seconds(900 + 3600)

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...6, using: &random)
    let quorum: Quorum =
      random.chance(50)
      ? .boards(Int.random(in: 1...count, using: &random))
      : .fraction(Double.random(in: 0.1...1, using: &random))
    policy = try RoundPolicy(
      minimumBoards: Int.random(in: 1...count + 1, using: &random), startGrace: .seconds(10), quorum: quorum,
      roundDeadline: .seconds(Int.random(in: 5...60, using: &random)), boardDeadline: .seconds(4),
      reconnectGrace: .seconds(Int.random(in: 0...3, using: &random)), retryDelay: .milliseconds(200),
      maximumAttemptsPerBoard: Int.random(in: 1...3, using: &random), maximumRounds: Self.rounds,
      evaluatesOnBoards: random.chance(50))
    coordinator = RoundCoordinator(
      policy: policy, recovering: RecoveredState(round: store.round, base: store.base))
    for number in 0..<count {
      let board = BoardID(UInt64(number) + 1)
      boards[board] = Board()
      schedule(.join(board), within: 5_000)
    }
    if random.chance(60) { schedule(.restartGateway, within: 120_000) }
  }

  /// Runs until all rounds are held. The trouble ends after a while; from then on the boards behave.
  mutating func run() {
    perform(coordinator.start(now: now))
    while !isOver {
      let due = coordinator.nextDeadline
      let next = queue.indices.min { queue[$0].time < queue[$1].time }
      let time = [due, next.map { queue[$0].time }].compactMap(\.self).min()
      guard let time, time < Self.limit else {
        Issue.record("seed \(seed): stuck at \(now) in \(coordinator.status)")
        return
      }
      now = max(now, time)
      isCalm = now >= Self.calmAfter
      steps += 1
      if let next, queue[next].time == time {
        handle(queue.remove(at: next).event)
      } else {
        perform(coordinator.tick(now: now))
        if let due = coordinator.nextDeadline, due <= now {
          Issue.record("seed \(seed): the coordinator would spin at \(now)")
          return
        }
      }
    }
    check(store.finished.count == Int(Self.rounds), "finished with \(store.finished.count) rounds")
    roundsHeld = store.finished.count
  }

  // MARK: Events

  private mutating func handle(_ event: Event) {
    switch event {
    case .join(let board):
      guard boards[board]?.session == nil else { return }
      sessions += 1
      boards[board]?.session = sessions
      if trouble(3) { boards[board]?.held = nil }  // its flash was erased
      if trouble(20) { schedule(.lose(board), within: 20_000) }
      perform(coordinator.boardReady(board, holding: boards[board]?.held?.hash, now: now))
    case .lose(let board):
      guard boards[board]?.session != nil else { return }
      boards[board]?.session = nil
      schedule(.join(board), within: trouble(20) ? 60_000 : 4_000)
      perform(coordinator.boardLost(board, now: now))
    case .delivered(let board, let model, let session):
      guard boards[board]?.session == session else { return }
      boards[board]?.held = model
      perform(coordinator.modelDelivered(board, model.hash, now: now))
    case .evaluated(let board, let model, let session):
      guard boards[board]?.session == session else { return }
      perform(coordinator.evaluationReported(board, model, report(10, 5, 7), now: now))
    case .progressed(let board, let round, let session):
      guard boards[board]?.session == session else { return }
      perform(coordinator.trainingProgressed(board, round, now: now))
    case .failed(let board, let session):
      guard boards[board]?.session == session else { return }
      perform(coordinator.boardFailed(board, reason: "simulated", now: now))
    case .trained(let board, let round, let session):
      guard boards[board]?.session == session, let held = boards[board]?.held else { return }
      send(makeUpdate(board, round, from: held))
    case .arrived(let contribution, let verdict):
      perform(coordinator.updateArrived(contribution, verdict: verdict, now: now))
    case .stored(let contribution, let succeeds):
      if succeeds {
        commit(contribution)
        perform(coordinator.contributionStored(contribution.board, contribution.round, now: now))
      } else {
        perform(coordinator.contributionNotStored(contribution.board, contribution.round, now: now))
      }
    case .aggregated(let round, let counted, let succeeds):
      aggregating = nil
      if succeeds {
        let result = commit(round, counted)
        perform(coordinator.aggregated(round, result, now: now))
      } else {
        let unusable = counted.filter { _ in trouble(20) }
        for board in unusable { store.contributions[board] = nil }
        perform(coordinator.aggregationFailed(round, unusable: unusable, now: now))
      }
    case .restartGateway: restart()
    }
  }

  /// What a board makes of its training: usually an update for the round, sometimes something it should not.
  private mutating func makeUpdate(
    _ board: BoardID, _ round: RoundNumber, from base: ModelVersion
  ) -> Contribution {
    var number = round
    var start = base.hash
    if trouble(4) { number = RoundNumber(round.rawValue + 1) }
    if trouble(4) { number = RoundNumber(round.rawValue &- 1) }
    if trouble(4) { start = hash(random.next()) }
    let update = Contribution(
      board: board, round: number, base: start, update: hash(random.next()),
      examples: trouble(4) ? 0 : 10, trainingLoss: 0.5)
    boards[board]?.pending = update
    return update
  }

  private mutating func send(_ update: Contribution) {
    if trouble(10) { return }  // lost
    let verdict: UpdateVerdict = trouble(4) ? .unsound("not finite") : .sound
    schedule(.arrived(update, verdict), within: trouble(10) ? 90_000 : 200)
    if trouble(20) { schedule(.arrived(update, verdict), within: 30_000) }
  }

  /// kill -9 and a new gateway from what is durable. What was on its way to the store got
  /// there or not; nothing that was in the air arrives.
  private mutating func restart() {
    restarts += 1
    for (_, event) in queue {
      switch event {
      case .stored(let contribution, true) where random.chance(50): commit(contribution)
      case .aggregated(let round, let counted, true) where random.chance(50): _ = commit(round, counted)
      default: break
      }
    }
    queue.removeAll()
    aggregating = nil
    for board in boards.keys.sorted() {
      boards[board]?.session = nil
      schedule(.join(board), within: 8_000)
    }
    if trouble(40) { schedule(.restartGateway, within: 120_000) }
    coordinator = RoundCoordinator(
      policy: policy,
      recovering: RecoveredState(
        round: store.round, base: store.base, contributions: Array(store.contributions.values)))
    perform(coordinator.start(now: now))
  }

  // MARK: The store

  private mutating func commit(_ contribution: Contribution) {
    let board = contribution.board
    check(contribution.round == store.round, "\(board) counted for round \(contribution.round)")
    check(contribution.base == store.base.hash, "\(board) counted with another base")
    check(contribution.examples > 0, "\(board) counted without examples")
    check(store.contributions[board] == nil, "\(board) counted twice in round \(store.round)")
    store.contributions[board] = contribution
  }

  private mutating func commit(_ round: RoundNumber, _ counted: [BoardID]) -> ModelVersion {
    check(round == store.round, "round \(round) aggregated while \(store.round) is open")
    check(counted == store.contributions.keys.sorted(), "aggregated \(counted), stored something else")
    check(store.finished[round] == nil, "round \(round) aggregated twice")
    store.finished[round] = Array(store.contributions.values)
    store.contributions = [:]
    store.round = round.next
    store.base = version(store.base.number + 1)
    return store.base
  }

  // MARK: Actions

  private mutating func perform(_ actions: [RoundAction]) {
    for action in actions {
      switch action {
      case .deliver(let model, let board):
        check(model == store.base, "delivers \(model) while the base is \(store.base)")
        answer(board) { .delivered(board, model, session: $0) }
      case .evaluate(let board, let model):
        check(boards[board]?.held == model, "\(board) is to evaluate what it does not hold")
        answer(board) { .evaluated(board, model.hash, session: $0) }
      case .train(let board, let round):
        check(round == store.round, "\(board) trains for round \(round)")
        check(boards[board]?.held == store.base, "\(board) trains from another base")
        if let pending = boards[board]?.pending, pending.round == round, pending.base == store.base.hash {
          send(pending)
        } else {
          answer(board) { .progressed(board, round, session: $0) }
          answer(board, within: 3_000) { .trained(board, round, session: $0) }
        }
      case .stopTraining(let board, let round):
        queue.removeAll {
          if case .trained(board, round, _) = $0.event { true } else { false }
        }
      case .confirm(let board, let round):
        let durable = store.contributions[board] ?? store.finished[round]?.first { $0.board == board }
        check(durable?.round == round, "\(board) is told of a contribution that is not durable")
        if boards[board]?.pending?.update == durable?.update { boards[board]?.pending = nil }
      case .refuse(let contribution, _), .discardLate(let contribution, _):
        if boards[contribution.board]?.pending == contribution { boards[contribution.board]?.pending = nil }
      case .store(let contribution):
        schedule(.stored(contribution, succeeds: !trouble(5)), within: 20)
        if trouble(1) { schedule(.restartGateway, within: 20) }
      case .aggregate(let round, let counted):
        check(aggregating == nil, "two aggregations at once")
        check(counted == store.contributions.keys.sorted(), "aggregates \(counted), stored are others")
        check(!counted.isEmpty, "aggregates nothing")
        aggregating = round
        schedule(.aggregated(round, counted, succeeds: !trouble(10)), within: 300)
        if trouble(10) { schedule(.restartGateway, within: 300) }
      case .finished(let reason):
        check(reason == .allRoundsHeld, "finished because \(reason)")
        isOver = true
      case .roundFinished(let summary):
        check(
          summary.boards == store.finished[summary.round]?.map(\.board).sorted(),
          "the summary of round \(summary.round) names others than the ledger")
      case .waitForBoards, .roundOpened, .roundExtended, .retryLater, .exclude, .modelEvaluated,
        .aggregateLater:
        break
      }
    }
  }

  /// The board answers what it was asked, unless there is trouble.
  private mutating func answer(
    _ board: BoardID, within milliseconds: Int = 500, _ event: (_ session: Int) -> Event
  ) {
    guard let session = boards[board]?.session else {
      return check(false, "\(board) is asked something while it is not connected")
    }
    if trouble(8) { return }  // lost, or the board hangs
    if trouble(4) { return schedule(.failed(board, session: session), within: 500) }
    if trouble(5) { schedule(.lose(board), within: 1_000) }
    schedule(event(session), within: trouble(10) ? 20_000 : milliseconds)
    if trouble(5) { schedule(event(session), within: 20_000) }
  }

  // MARK: Dice

  private mutating func trouble(_ percent: Int) -> Bool { !isCalm && random.chance(percent) }

  private mutating func schedule(_ event: Event, within milliseconds: Int) {
    let delay = Int.random(in: 1...milliseconds, using: &random)
    queue.append((now + .milliseconds(delay), event))
  }

  private func check(_ condition: Bool, _ complaint: @autoclosure () -> String) {
    if !condition { Issue.record("seed \(seed), \(now.microseconds / 1000) ms: \(complaint())") }
  }
}
