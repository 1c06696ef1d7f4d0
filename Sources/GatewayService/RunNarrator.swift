import Baselines
import ConsoleLog
import Digests
import Foundation
import Gateway
import GatewayStore
import LinkProtocol
import Logging
import Rounds
import SerialDevices

/// Tells people what the gateway does: one line an event, and on a terminal one status line a board.
final class RunNarrator {
  private let logger: Logger
  private let live: LiveView?
  /// When the progress of a board was last told, so that a fast transfer is one line and a slow one a few.
  private var lastTold: [BoardID: ContinuousClock.Instant] = [:]
  private static let tellEvery = Duration.seconds(2)
  /// Faults on links: when the last one was told, and how many came since.
  private var faults: [Carrier: (told: ContinuousClock.Instant, untold: Int)] = [:]
  private static let tellFaultsEvery = Duration.seconds(30)
  /// Why the link on a port, or with a board over the air, was refused when it was tried last.
  private var refusals: [String: LinkRefusal] = [:]

  init(logger: Logger, live: LiveView?) {
    self.logger = logger
    self.live = live
  }

  /// Takes the status lines off the screen.
  func end() { live?.end() }

  // MARK: Lines

  func say(
    _ level: Logger.Level, _ text: String, board: BoardLabel? = nil, _ metadata: Logger.Metadata = [:]
  ) {
    var metadata = metadata
    if let board {
      metadata["_board"] = "\(board.name)"
      metadata["_board_id"] = "\(board.id)"
    }
    logger.log(level: level, "\(text)", metadata: metadata)
  }

  func name(_ board: BoardLabel) -> String { "board \(board.name) (\(board.id))" }

  private func words(_ kind: ObjectKind) -> String {
    switch kind {
    case .model: "model"
    case .update: "update"
    case .delta: "model delta"
    }
  }

  /// Whether enough time has passed since this board's progress was told.
  private func isTimeToTell(_ board: BoardID) -> Bool {
    let now = ContinuousClock.now
    if let last = lastTold[board], now - last < Self.tellEvery { return false }
    lastTold[board] = now
    return true
  }

  func tell(_ notice: GatewayNotice) {
    switch notice {
    case .linkOpened(let carrier):
      say(.debug, "\(carrier.place): open, greeting whoever is there", ["_carrier": "\(carrier)"])
    case .linkClosed(let carrier, let board, let reason):
      let place = board.map { "\(name($0)) on \(carrier)" } ?? carrier.place
      if let board { live?.update(key: board.id.description, line: nil) }
      say(.info, "\(place): link closed, \(reason)", board: board, ["_carrier": "\(carrier)"])
    case .boardJoined(let board, let carrier, let before, let welcome):
      refusals[carrier.place] = nil
      let held = welcome.model.map { "holds model \($0.short)" } ?? "holds no model"
      let came = before.map { "is back, on \(carrier) (was \($0))" } ?? "joined on \(carrier)"
      say(
        .info,
        "\(name(board)) \(came): \(welcome.hardware.string), firmware \(welcome.firmware.string), \(welcome.examples) examples, \(held)",
        board: board, ["_carrier": "\(carrier)"])
      show(board, "ready")
    case .boardLeft(let board, let carrier, let end):
      live?.update(key: board.id.description, line: nil)
      say(.warning, "\(name(board)) on \(carrier) \(words(end))", board: board, ["_carrier": "\(carrier)"])
    case .linkRefused(let carrier, let refusal):
      tellRefusal(refusal, carrier)
    case .silent(let carrier, let seconds):
      let question = carrier.isCable ? " on the board, and is this the right port?" : " on the board?"
      say(
        .warning,
        "\(carrier.place): nobody answered in \(seconds) s; is FedBridge's firmware\(question) Greeting goes on [link-no-answer]",
        ["_carrier": "\(carrier)", "_code": "link-no-answer"])
    case .transferring(let board, let transfer):
      tellProgress(board, transfer)
    case .transferred(let board, let transfer):
      tellEnd(board, transfer)
    case .modelHeld(let board, let version):
      say(.info, "\(name(board)): holds model \(version) already", board: board)
    case .training(let board, let report):
      tellTraining(board, report)
    case .evaluated(let board, let version, let report):
      let accuracy = report.accuracy.map { Self.percent($0) } ?? "-"
      say(
        .info,
        "\(name(board)): model \(version.number) is right on \(accuracy) of its own \(report.count) held-out examples",
        board: board)
    case .contributed(let board, let contribution, let have):
      let loss = contribution.trainingLoss.map { String(format: "%.4f", $0) } ?? "-"
      say(
        .info,
        "\(name(board)): contribution to round \(contribution.round) stored (\(contribution.examples) examples, loss \(loss)), \(have) in",
        board: board, ["_round": "\(contribution.round)"])
      show(board, "contributed to round \(contribution.round)")
    case .coding(let board, let choice):
      let what = board.map { "\(name($0)): updates come as" } ?? "model deltas go out as"
      say(.info, "\(what) \(choice.coding.words), \(choice.reason)", board: board)
    case .compressionLimited(let words):
      say(.notice, words)
    case .updateRefused(let board, let round, let reason):
      say(.warning, "\(name(board)): update for round \(round) not counted, \(reason)", board: board)
    case .boardProblem(let board, let words):
      say(.warning, "\(name(board)): \(words)", board: board)
    case .boardLog(let board, let line):
      say(level(line.level), "\(name(board)) says: \(line.text.string)", board: board)
    case .linkFault(let board, let carrier, let what):
      tellFault(what, board, carrier)
    case .round(let action, let board):
      tell(action, board)
    }
  }

  private func level(_ level: LinkProtocol.LogLevel) -> Logger.Level {
    switch level {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }

  private func words(_ end: SessionEnd) -> String {
    switch end {
    case .farewell: "said farewell"
    case .peerReset: "was reset; greeting it again"
    case .peerSilent: "fell silent; greeting it again"
    case .carrierLost: "lost its carrier"
    }
  }

  /// Tells the first fault on a link at once and later ones together: a port on which something else speaks
  /// makes hundreds in a second.
  private func tellFault(_ what: String, _ board: BoardLabel?, _ carrier: Carrier) {
    let now = ContinuousClock.now
    let last = faults[carrier]
    if let last, now - last.told < Self.tellFaultsEvery {
      faults[carrier] = (last.told, last.untold + 1)
      return
    }
    // What nobody has asked about for a while is forgotten: ports come and go.
    faults = faults.filter { now - $0.value.told < Self.tellFaultsEvery * 4 }
    faults[carrier] = (now, 0)
    let place = board.map { "\(name($0)) on \(carrier)" } ?? carrier.place
    let more = last.map { $0.untold > 0 ? " (and \($0.untold) faults before this one)" : "" } ?? ""
    say(.warning, "\(place): \(what)\(more)", board: board, ["_carrier": "\(carrier)"])
  }

  /// Tells why a link is refused, once as long as it is the same each time it is tried again.
  private func tellRefusal(_ refusal: LinkRefusal, _ carrier: Carrier) {
    guard let fault = refusal.fault else { return }
    let isNews = refusals.updateValue(refusal, forKey: carrier.place) != refusal
    say(
      isNews ? .error : .debug, "\(carrier.inFull): \(fault); \(refusal.remedy) [\(refusal.code)]",
      ["_carrier": "\(carrier)", "_code": "\(refusal.code)"])
  }

  // MARK: Progress

  private func tellProgress(_ board: BoardLabel, _ transfer: TransferNotice) {
    let arrow = transfer.direction == .down ? "↓" : "↑"
    let fraction = transfer.total == 0 ? 1 : Double(transfer.delivered) / Double(transfer.total)
    let rate = transfer.rate ?? 0
    let remaining = Int(transfer.total) - Int(transfer.delivered)
    let text =
      "\(ProgressText.percent(Int(transfer.delivered), of: Int(transfer.total))), \(ProgressText.rate(bytesPerSecond: rate)), ETA \(ProgressText.eta(remaining: remaining, bytesPerSecond: rate))"
    show(board, "\(arrow) \(words(transfer.kind)) \(ProgressText.bar(fraction: fraction, width: 16)) \(text)")
    guard transfer.elapsed > 1_000_000, remaining > 0, isTimeToTell(board.id) else { return }
    say(
      .info,
      "\(name(board)): \(words(transfer.kind)) \(arrow) \(ProgressText.bytes(Int(transfer.delivered))) of \(ProgressText.bytes(Int(transfer.total))), \(text)",
      board: board)
  }

  private func tellEnd(_ board: BoardLabel, _ transfer: TransferNotice) {
    let arrow = transfer.direction == .down ? "↓" : "↑"
    var notes: [String] = []
    if transfer.resumedFrom > 0 {
      notes.append("resumed from \(ProgressText.bytes(Int(transfer.resumedFrom)))")
    }
    if transfer.retransmitted > 0 {
      notes.append("\(ProgressText.bytes(Int(transfer.retransmitted))) sent again")
    }
    let moved = transfer.rate.map { ", \(ProgressText.rate(bytesPerSecond: $0))" } ?? ""
    let tail = notes.isEmpty ? "" : ", " + notes.joined(separator: ", ")
    say(
      .info,
      "\(name(board)): \(words(transfer.kind)) \(arrow) \(ProgressText.bytes(Int(transfer.total))) in \(ProgressText.duration(seconds: Double(transfer.elapsed) / 1e6))\(moved), 100 %\(tail)",
      board: board,
      ["_direction": "\(transfer.direction.rawValue)", "_bytes": "\(transfer.total)"])
    lastTold[board.id] = nil
  }

  private func tellTraining(_ board: BoardLabel, _ report: TrainingReport) {
    let percent = ProgressText.percent(Int(report.step), of: Int(report.steps))
    let fraction = report.steps == 0 ? 1 : Double(report.step) / Double(report.steps)
    let loss = String(format: "%.4f", report.loss)
    show(
      board,
      "round \(report.round) training \(ProgressText.bar(fraction: fraction, width: 16)) \(percent), epoch \(report.epoch)/\(report.epochs), loss \(loss)"
    )
    guard report.step == report.steps || isTimeToTell(board.id) else { return }
    say(
      .info,
      "\(name(board)): training for round \(report.round), epoch \(report.epoch) of \(report.epochs), \(percent), loss \(loss)",
      board: board, ["_round": "\(report.round)"])
  }

  private func show(_ board: BoardLabel, _ text: String) {
    live?.update(key: board.id.description, line: "\(board.name): \(text)")
  }

  // MARK: Rounds

  static func boards(_ count: Int) -> String { count == 1 ? "1 board" : "\(count) boards" }

  private func tell(_ action: RoundAction, _ board: BoardLabel?) {
    switch action {
    case .waitForBoards(let have, let need):
      say(.info, "waiting for boards: \(have) of \(need) are there")
    case .roundOpened(let round, let base, let boards, let contributions):
      let more = contributions > 0 ? ", \(contributions) contributions are in already" : ""
      say(
        .info, "round \(round) begins from model \(base) with \(Self.boards(boards))\(more)",
        ["_round": "\(round)"]
      )
    case .roundExtended(let round, let have, let need):
      say(
        .warning,
        "round \(round): the deadline passed with \(have) of \(need) contributions; it keeps them and goes on",
        ["_round": "\(round)"])
    case .retryLater(_, let reason, let attempt, let pause):
      guard let board else { return }
      say(
        .warning,
        "\(name(board)): \(reason); attempt \(attempt + 1) in \(ProgressText.duration(seconds: pause / .seconds(1)))",
        board: board)
    case .exclude(_, let round, let reason):
      guard let board else { return }
      say(.warning, "\(name(board)): \(reason); round \(round) goes on without it", board: board)
    case .modelEvaluated(let version, let report, let boards):
      guard let accuracy = report.accuracy, let loss = report.loss else { return }
      say(
        .info,
        "model \(version.number) on the boards' own held-out examples: \(Self.percent(accuracy)) of \(report.count) right, loss \(String(format: "%.4f", loss)), \(Self.boards(boards))"
      )
    case .aggregateLater(let round, let pause):
      say(
        .warning,
        "round \(round): averaging is tried again in \(ProgressText.duration(seconds: pause / .seconds(1)))")
    case .roundFinished(let summary):
      let loss = summary.trainingLoss.map { ", training loss \(String(format: "%.4f", $0))" } ?? ""
      say(
        .info,
        "round \(summary.round) done: \(summary.boards.count) contributions, \(summary.examples) examples\(loss) → model \(summary.result)",
        ["_round": "\(summary.round)"])
    case .finished(let reason):
      switch reason {
      case .allRoundsHeld: say(.info, "all rounds are held")
      case .stopped: say(.info, "stopped; the same command goes on from here")
      }
    case .deliver, .evaluate, .train, .stopTraining, .confirm, .refuse, .discardLate, .store, .aggregate:
      break
    }
  }

  /// A round's result was judged by the gateway's own held-out examples.
  func judged(_ round: RoundNumber, _ version: ModelVersion, _ score: Score?, _ cost: RoundCost) {
    guard let score else { return }
    say(
      .notice,
      "round \(round): accuracy \(Self.percent(score.accuracy)), loss \(String(format: "%.4f", score.loss)) on held-out examples (model \(version.number)); \(ProgressText.bytes(cost.bytesDown)) down, \(ProgressText.bytes(cost.bytesUp)) up in \(ProgressText.duration(seconds: cost.seconds))",
      ["_round": "\(round)", "_accuracy": "\(score.accuracy)"])
  }

  private static func percent(_ fraction: Double) -> String {
    String(format: "%.2f %%", fraction * 100)
  }

  // MARK: Faults

  func aggregationFailed(_ round: RoundNumber, _ reason: String) {
    say(.error, "round \(round) could not be averaged: \(reason)", ["_round": "\(round)"])
  }

  func storeFailed(_ error: StoreError) {
    say(.error, "the gateway's state: \(error)", ["_code": "\(error.code)"])
  }

  func portFailed(_ path: String, _ error: TTYError) {
    say(.warning, "\(error)", ["_port": "\(path)", "_code": "\(error.code)"])
  }

  func portRecovered(_ path: String) {
    say(.info, "\(path): can be opened now", ["_port": "\(path)"])
  }

  /// A port is gone: what is plugged in there next is told of anew.
  func portGone(_ path: String) {
    refusals[Carrier.serial(port: path).place] = nil
  }

  func lent(_ path: String) {
    say(.info, "\(path): lent to another program until that gives it back", ["_port": "\(path)"])
  }

  func tookBack(_ path: String) {
    say(.info, "\(path): given back", ["_port": "\(path)"])
  }

  func bootloaderInUse(_ path: String) {
    say(.info, "\(path): the board is in its bootloader, to be flashed", ["_port": "\(path)"])
  }

  func bootloader(_ path: String) {
    say(
      .info,
      "\(path): a board in its bootloader; it is left alone. Press its reset button once to start the firmware, or flash it: fedbridge flash \(path)",
      ["_port": "\(path)"])
  }
}
