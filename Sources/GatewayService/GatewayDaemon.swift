import Baselines
import BluetoothPolicy
import Bytes
import Foundation
import Gateway
import GatewayControl
import GatewayStore
import LinkProtocol
import Logging
import NIOCore
import NIOPosix
import Rounds
import SerialDevices
import ServiceLifecycle
import UpdateCodec

/// The gateway at work: serial ports, timers and the store around a ``GatewayEngine``, all on one event loop.
///
/// The actor's executor is that event loop, so what happens on a port reaches the engine without a hop, and
/// nothing of the engine is ever touched by two threads. Disk and averaging run elsewhere and report back.
actor GatewayDaemon: Service {
  /// Time that a stop may take before it is forced.
  private static let stopPatience = TimeAmount.seconds(3)

  let eventLoop: any EventLoop
  let settings: GatewaySettings
  let narrator: RunNarrator
  let work: RoundWork
  let engine: GatewayEngine
  var schedule = PortSchedule()
  var links: [LinkID: any OpenLink] = [:]
  var nextLink: UInt64 = 1
  private var timer: Scheduled<Void>?
  private var timerDue: UInt64?
  private var contributionsToStore: [(Rounds.Contribution, [UInt8])] = []
  private var isStoring = false
  private var piecesToKeep: [UpdatePiece] = []
  private var isKeeping = false
  private var roundTraffic = Traffic()
  private var roundStarted = ContinuousClock.now
  private var isSettling = false
  private var finish: CheckedContinuation<Void, Never>?
  private var isFinished = false
  var isLeaving = false
  /// Stays of boards whose link has closed and whose removal was not told of yet.
  var hungUp: Set<Plugging> = []
  /// Ports whose last descriptor is being closed.
  var closing = 0
  /// Boards that are plugged in by USB.
  var plugged: [Plugging: SerialPort] = [:]
  /// Ports that other programs have, and those that just came back from them.
  var loans: [Loan] = []
  /// Boards over the air; nil where that is not asked for.
  var radio: Radio?
  /// Asks for a listing of what is plugged in.
  var lookAgain: (@Sendable () -> Void)?

  /// The event loop.
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    eventLoop.executor.asUnownedSerialExecutor()
  }

  /// - Parameters:
  ///   - eventLoop: serves everything.
  ///   - settings: how the gateway works.
  ///   - experiment: what is learnt.
  ///   - store: the opened store.
  ///   - run: the run to go on with.
  ///   - narrator: tells people.
  init(
    eventLoop: any EventLoop, settings: GatewaySettings, experiment: Experiment, store: GatewayStore,
    run: RunID, narrator: RunNarrator
  ) throws {
    self.eventLoop = eventLoop
    self.settings = settings
    self.narrator = narrator
    work = RoundWork(store: store, run: run, experiment: experiment)
    let state = try store.recoveredState(of: run)
    engine = GatewayEngine(
      settings: settings, recovering: state, model: try Self.model(state.base, experiment, store, run),
      partials: try Self.partialUpdates(store), counted: try store.lastCounted(of: run)
    ) {
      UInt32.random(in: 1 ... .max)
    }
  }

  private static func model(
    _ version: ModelVersion, _ experiment: Experiment, _ store: GatewayStore, _ run: RunID
  ) throws -> CurrentModel {
    let snapshot = try store.snapshot(version.number, of: run)
    // A delta that cannot be read is none: boards get the whole model.
    let deltas = try store.deltas(of: run).compactMap {
      try? ModelDelta(base: $0.base, result: $0.result, stored: $0.bytes)
    }
    let isCurrent = deltas.last?.result == version
    return CurrentModel(
      version: version, description: experiment.model, snapshot: snapshot,
      deltas: isCurrent ? DeltaChain(deltas) : DeltaChain())
  }

  private static func partialUpdates(_ store: GatewayStore) throws -> [PartialUpdate] {
    try store.partialUpdates().map {
      PartialUpdate(
        board: $0.board, name: ObjectName(digest: $0.digest, length: $0.length), content: $0.bytes)
    }
  }

  var now: Timestamp {
    Timestamp(microseconds: NIODeadline.now().uptimeNanoseconds / 1000)
  }

  // MARK: Life

  /// Holds rounds until all are held or a graceful shutdown is asked for.
  func run() async throws {
    engine.start(now: now)
    settle()
    await withTaskCancellationOrGracefulShutdownHandler {
      await withCheckedContinuation { continuation in
        if isFinished { continuation.resume() } else { finish = continuation }
      }
    } onCancelOrGracefulShutdown: {
      Task { await self.stop() }
    }
    await leave()
  }

  private func stop() {
    engine.stop(now: now)
    settle()
    eventLoop.scheduleTask(in: Self.stopPatience) { self.assumeIsolated { $0.finished() } }
  }

  private func finished() {
    isFinished = true
    finish?.resume()
    finish = nil
  }

  /// Says farewell on every link and closes it.
  private func leave() async {
    isLeaving = true
    engine.sayFarewell()
    settle()
    timer?.cancel()
    let open = links.values.map { link in
      link.reason = "the gateway stops"
      return link.channel
    }
    // The farewells are small: the next turn of the loop has them in the kernel.
    try? await Task.sleep(for: .milliseconds(50))
    for channel in open { try? await channel.close() }
    await untilPortsAreClosed()
    await leaveTheAir()
    narrator.end()
  }

  // MARK: The engine

  /// Does what the engine wants done, until it wants nothing more.
  func settle() {
    // What is done here can lead back here, e.g. a port that closes at once.
    guard !isSettling else { return }
    isSettling = true
    defer { isSettling = false }
    while true {
      let actions = engine.takeActions()
      let toServe = engine.takeLinksToServe()
      let radioWasBusy = settleRadio()
      if actions.isEmpty && toServe.isEmpty && !radioWasBusy { break }
      for action in actions { perform(action) }
      for link in toServe { send(on: link) }
    }
    roundTraffic += engine.takeTraffic()
    setTimer()
  }

  func setTimer() {
    let radioDue = radio?.schedule.nextDeadline(now: now.microseconds)
    let due = [engine.nextDeadline?.microseconds, schedule.nextDeadline, radioDue].compactMap(\.self).min()
    guard due != timerDue else { return }
    timer?.cancel()
    timer = nil
    timerDue = due
    guard let due else { return }
    let deadline = NIODeadline.uptimeNanoseconds(due * 1000)
    timer = eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.timeOut() } }
  }

  private func timeOut() {
    timerDue = nil
    engine.timeOut(now: now)
    perform(schedule.tick(now: now.microseconds))
    radio?.schedule.tick(now: now.microseconds)
    settle()
  }

  private func perform(_ action: GatewayAction) {
    switch action {
    case .notice(let notice):
      if case .round(.roundOpened, _) = notice { beginRound() }
      narrator.tell(notice)
    case .identify(let link, let board, let firmware, let carrier, let wantsSecret):
      identify(link, board, firmware, carrier, wantsSecret: wantsSecret)
    case .store(let contribution, let payload):
      contributionsToStore.append((contribution, payload))
      storeContributions()
    case .keepPiece(let board, let name, let start, let bytes):
      piecesToKeep.append(
        UpdatePiece(board: board, digest: name.digest, length: name.length, start: start, bytes: bytes))
      keepPieces()
    case .recordDiscarded(let contribution, let isLate, let reason):
      inStore { [work] store throws(StoreError) in
        try store.recordDiscarded(
          contribution, as: isLate ? .late : .refused, reason: reason, run: work.run, at: Date())
      }
    case .recordEvaluation(let version, let report):
      inStore { [work] store throws(StoreError) in
        try store.recordEvaluation(report, by: .boards, ofModel: version.number, run: work.run)
      }
    case .aggregate(let round, let boards, let coding):
      aggregate(round, boards, coding)
    case .close(let link, let refusal):
      close(link, refusal)
    case .finished:
      finished()
    }
  }

  // MARK: The store

  /// Does something in the store whose failure costs nothing but a log line.
  private func inStore(_ body: @escaping @Sendable (GatewayStore) throws(StoreError) -> Void) {
    Task {
      do throws(StoreError) { try await work.store.perform(body) } catch { narrator.storeFailed(error) }
    }
  }

  private func identify(
    _ link: LinkID, _ board: BoardID, _ firmware: String, _ carrier: Carrier, wantsSecret: Bool
  ) {
    Task {
      do throws(StoreError) {
        let record = try await work.store.perform { store throws(StoreError) in
          try store.boardSeen(board, firmware: firmware, carrier: carrier.description, at: Date())
        }
        let secret = wantsSecret ? await cableSecret(of: board) : nil
        engine.boardIdentified(link, board, name: record.name, cableSecret: secret, now: now)
        if engine.isServing(link) {
          links[link]?.hasServed = true
          served(link, ReturnedBoard(name: record.name, id: board.description, firmware: firmware))
        }
        if secret != nil { secretShared(with: board) }
      } catch {
        narrator.storeFailed(error)
        // What it contributes could not be kept either: it keeps its update and is greeted again later.
        perform(.close(link, .notNoted))
      }
      settle()
    }
  }

  /// What the board pairs by over the air. Without it it is served all the same, and asked again when it comes back.
  private func cableSecret(of board: BoardID) async -> [UInt8]? {
    do throws(StoreError) {
      return try await work.store.perform { store throws(StoreError) in
        try store.drawnCableSecret(of: board) {
          var random = SystemRandomNumberGenerator()
          return (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
      }
    } catch {
      narrator.storeFailed(error)
      return nil
    }
  }

  /// Stores what came in since the last time in one transaction: one wait for the disk instead of many.
  private func storeContributions() {
    guard !isStoring, !contributionsToStore.isEmpty else { return }
    isStoring = true
    let batch = contributionsToStore
    contributionsToStore = []
    Task {
      do throws(StoreError) {
        _ = try await work.store.perform { [work] store throws(StoreError) in
          let new = batch.map { NewContribution($0.0, payload: $0.1) }
          return try store.recordContributions(new, run: work.run, at: Date())
        }
        for (contribution, _) in batch { engine.contributionStored(contribution, now: now) }
      } catch {
        narrator.storeFailed(error)
        for (contribution, _) in batch { engine.contributionNotStored(contribution, now: now) }
      }
      isStoring = false
      settle()
      storeContributions()
    }
  }

  /// Keeps the pieces that came in since the last time. If that fails, a restart costs their transfers more.
  private func keepPieces() {
    guard !isKeeping, !piecesToKeep.isEmpty else { return }
    isKeeping = true
    let batch = piecesToKeep
    piecesToKeep = []
    Task {
      do throws(StoreError) {
        try await work.store.perform { store throws(StoreError) in try store.keep(batch) }
      } catch {
        narrator.storeFailed(error)
      }
      isKeeping = false
      keepPieces()
    }
  }

  private func beginRound() {
    roundStarted = .now
  }

  private func aggregate(_ round: RoundNumber, _ boards: [BoardID], _ coding: UpdateCoding) {
    roundTraffic += engine.takeTraffic()
    let elapsed = ContinuousClock.now - roundStarted
    let cost = RoundCost(
      bytesDown: roundTraffic.down, bytesUp: roundTraffic.up, bytesAgain: roundTraffic.again,
      bytesResumed: roundTraffic.resumed,
      seconds: elapsed / .seconds(1))
    roundTraffic = Traffic()
    let base = engine.model
    Task {
      let outcome = await work.aggregateElsewhere(round, boards, base: base, coding: coding, cost: cost)
      switch outcome {
      case .done(let model, let score):
        narrator.judged(round, model.version, score, cost)
        engine.aggregated(round, result: model, loss: score?.loss, now: now)
      case .unusable(let boards, let reason):
        narrator.aggregationFailed(round, "\(boards.count) updates cannot be used: \(reason)")
        engine.aggregationFailed(round, unusable: boards, now: now)
      case .failed(let reason):
        narrator.aggregationFailed(round, reason)
        engine.aggregationFailed(round, unusable: [], now: now)
      }
      settle()
    }
  }
}

extension RoundWork {
  /// On another thread than the caller's.
  fileprivate func aggregateElsewhere(
    _ round: RoundNumber, _ boards: [BoardID], base: CurrentModel, coding: UpdateCoding, cost: RoundCost
  ) async -> Outcome {
    await Task.detached { await aggregate(round, boards, base: base, coding: coding, cost: cost) }.value
  }
}
