import Baselines
import BluetoothDevices
import BluetoothPolicy
import Bytes
public import ConsoleLog
import Datasets
import Foundation
public import Gateway
import GatewayControl
import GatewayStore
import LinkProtocol
public import Logging
import NIOPosix
import Rounds
import ServiceLifecycle
import TrainingCore
import UnixSignals

/// What `fedbridge run` was asked to do.
public struct RunOptions: Sendable {
  /// Where the state is kept.
  public var stateDirectory: String
  /// Ports to serve whatever is plugged in.
  public var serialPorts: [String] = []
  /// Whether boards on USB are looked for.
  public var discoversUSB = true
  /// Whether boards over the air are looked for.
  public var usesBluetooth = true
  /// Connections at a time on one Bluetooth adapter.
  public var bluetoothLinks = 3
  /// What carries frames over the air.
  public var bluetoothCarrier = BluetoothCarrierChoice.automatic
  /// Boards to start as Linux processes.
  public var virtualBoards = 0
  /// The program that is such a board.
  public var virtualBoardProgram = ""
  /// Boards to start as firmware on an emulator.
  public var qemuBoards = 0
  /// The program that starts such a board.
  public var qemuBoardProgram = ""
  /// A bundled data set's name or a file.
  public var dataset = "digits"
  /// How it is divided among virtual boards.
  public var division = Experiment.Division.natural
  /// Rounds to hold; nil for no end.
  public var rounds: UInt32?
  /// The seed of the run.
  public var seed: UInt32 = 1
  /// Where to write the summary.
  public var summary: String?
  /// Whether to leave the run that is there and begin a new one.
  public var startsNewRun = false
  /// Whether to do so if that run has held all its rounds.
  public var startsNewRunWhenComplete = false
  /// How updates and models are coded on their way.
  public var compression = CompressionChoice.automatic
  /// How long a round collects.
  public var roundDeadline = Duration.seconds(300)
  /// Boards that rounds wait for and need; nil: the virtual ones to begin, and half of those present to close.
  public var minimumBoards: Int?

  /// Options with their defaults.
  public init(stateDirectory: String) {
    self.stateDirectory = stateDirectory
  }
}

/// What carries frames over the air.
public enum BluetoothCarrierChoice: String, CaseIterable, Sendable {
  /// An L2CAP channel where the board offers one, GATT otherwise.
  case automatic
  /// GATT, also where a board offers an L2CAP channel.
  case gatt
}

/// One run of the gateway, from its options to its end.
public struct GatewayRun: Sendable {
  private let options: RunOptions
  private let logger: Logger
  private let live: LiveView?

  /// A run with these options.
  public init(_ options: RunOptions, logger: Logger, live: LiveView?) {
    self.options = options
    self.logger = logger
    self.live = live
  }

  /// Runs until all rounds are held, or until SIGTERM or SIGINT.
  ///
  /// - Returns: the summary of the rounds held so far.
  public func run() async throws -> RunSummary {
    let experiment = try Experiment(
      dataset: options.dataset, boards: options.virtualBoards + options.qemuBoards,
      division: options.division,
      seed: options.seed)
    let store = try GatewayStore(directory: options.stateDirectory)
    let run = try openRun(experiment, store)
    announce(experiment, run)
    if try isRunComplete(store), let rounds = options.rounds {
      logger.notice(
        "this run has held its \(rounds) rounds; use more --rounds to go on, or --new-run to begin anew")
    }
    let settings = GatewaySettings(
      name: ShortText("fedbridge"), policy: try policy(), training: experiment.hyperparameters,
      compression: options.compression, run: run.run.tag)
    let daemon = try GatewayDaemon(
      eventLoop: MultiThreadedEventLoopGroup.singleton.next(), settings: settings, experiment: experiment,
      store: store, run: run.run.id, narrator: RunNarrator(logger: logger, live: live))
    for port in options.serialPorts { await daemon.serve(port: port) }
    let radio = await radioDiscovery(for: daemon)
    let control = try await ControlServer.open(
      path: options.stateDirectory + "/" + ControlProtocol.socketName, responder: ControlDesk(daemon: daemon),
      eventLoop: daemon.eventLoop, logger: logger)
    let services: ServiceGroup
    do {
      services = try await self.services(for: daemon, control, radio, experiment)
    } catch {
      control.close()
      throw error
    }
    try await services.run()
    let summary = try await summarise(experiment, store, run.run.id)
    try store.close()
    return summary
  }

  private func openRun(_ experiment: Experiment, _ store: GatewayStore) throws -> OpenedRun {
    let first = RoundAggregation.snapshot(of: experiment.model, version: 0, parameters: experiment.start)
    let model = NewModel(snapshot: first.snapshot, description: first.encodedDescription)
    let isComplete = try isRunComplete(store)
    if options.startsNewRun || options.startsNewRunWhenComplete && isComplete {
      let run = try store.startRun(settings: experiment.settings, initialModel: model, at: Date())
      return OpenedRun(run: run, isNew: true)
    }
    return try store.openRun(settings: experiment.settings, initialModel: model, at: Date())
  }

  private func isRunComplete(_ store: GatewayStore) throws -> Bool {
    guard let run = try store.runUnderWay(), let rounds = options.rounds else { return false }
    return try store.rounds(of: run.id).filter { $0.result != nil }.count >= rounds
  }

  private func announce(_ experiment: Experiment, _ run: OpenedRun) {
    logger.info(
      "fedbridge \(Version.current): \(run.isNew ? "new run" : "going on with run") \(run.run.id) in \(options.stateDirectory)"
    )
    let layers = (0..<experiment.model.layerCount).map { String(experiment.model.layer($0).outputs) }
    let shape = ([String(experiment.model.inputWidth)] + layers).joined(separator: "→")
    logger.info(
      "data set \(experiment.dataset), model \(shape) with \(experiment.model.parameterCount) parameters, seed \(experiment.seed), \(experiment.test.count) held-out examples"
    )
  }

  private func policy() throws(RoundPolicyError) -> RoundPolicy {
    let started = max(1, options.virtualBoards + options.qemuBoards)
    return try RoundPolicy(
      minimumBoards: options.minimumBoards ?? started,
      quorum: options.minimumBoards.map(Quorum.boards) ?? .fraction(0.5),
      roundDeadline: options.roundDeadline, maximumRounds: options.rounds)
  }

  /// Boards over the air, if they are asked for; without them the gateway goes on.
  private func radioDiscovery(for daemon: GatewayDaemon) async -> RadioDiscovery? {
    guard options.usesBluetooth else { return nil }
    var settings = RadioSettings()
    settings.linksPerAdapter = options.bluetoothLinks
    do throws(BlueZError) {
      return try await RadioDiscovery(
        daemon: daemon, settings: settings, prefersGATT: options.bluetoothCarrier == .gatt)
    } catch {
      logger.error("\(error)")
      return nil
    }
  }

  private func services(
    for daemon: GatewayDaemon, _ control: ControlServer, _ radio: RadioDiscovery?, _ experiment: Experiment
  ) async throws -> ServiceGroup {
    var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
    // Services are shut down in the reverse order: the boards live until the gateway has said farewell.
    for fleet in try fleets(experiment) {
      services.append(.init(service: fleet))
      for port in fleet.ports { await daemon.serve(awaited: port) }
    }
    services.append(
      .init(
        service: daemon, successTerminationBehavior: .gracefullyShutdownGroup,
        failureTerminationBehavior: .gracefullyShutdownGroup))
    services.append(.init(service: control))
    if options.discoversUSB {
      services.append(.init(service: SerialDiscovery(daemon: daemon, logger: logger)))
    }
    if let radio { services.append(.init(service: radio)) }
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet())
    configuration.maximumGracefulShutdownDuration = .seconds(5)
    return ServiceGroup(configuration: configuration)
  }

  private func fleets(_ experiment: Experiment) throws -> [VirtualBoardFleet] {
    let kinds = [
      (options.virtualBoards, options.virtualBoardProgram, "virtual"),
      (options.qemuBoards, options.qemuBoardProgram, "emulated"),
    ]
    var fleets: [VirtualBoardFleet] = []
    var next = 0
    for (count, program, kind) in kinds where count > 0 {
      fleets.append(
        try VirtualBoardFleet(
          program: program, directory: options.stateDirectory + "/virtual-boards",
          shards: Array(experiment.shards[next..<next + count]), first: next + 1, kind: kind, logger: logger))
      next += count
    }
    return fleets
  }

  /// What the service group says about its own life is of no interest to people.
  private func quiet() -> Logger {
    var logger = logger
    logger.logLevel = .error
    return logger
  }

  /// Compares the federation with what its boards could reach otherwise.
  private func summarise(
    _ experiment: Experiment, _ store: GatewayStore, _ run: RunID
  ) async throws -> RunSummary {
    let records = try store.rounds(of: run)
    let held = records.filter { $0.result != nil }.count
    var comparison: Comparison?
    // Stopped before its end, a run has nothing to be compared with.
    if !experiment.shards.isEmpty, let rounds = options.rounds, held >= rounds {
      comparison = try await compare(experiment, rounds: held)
    }
    let summary = RunSummary(experiment: experiment, records: records, comparison: comparison)
    if let path = options.summary { try summary.write(to: path) }
    return summary
  }

  /// Trains the baselines; nil when SIGTERM or SIGINT comes before they are done.
  private func compare(_ experiment: Experiment, rounds: Int) async throws -> Comparison? {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    logger.info("comparing with the same budget on all data in one place and on each board alone …")
    let (outcomes, outcome) = AsyncStream<Result<Comparison?, any Error>>.makeStream()
    // It cannot be interrupted, so it is not waited for and ends with the process; a thread of its own, so that
    // signals are heard on a machine with one processor too.
    Thread.detachNewThread {
      outcome.yield(
        Result {
          try Baselines.compare(
            shards: experiment.shards, test: experiment.test, model: experiment.model,
            hyperparameters: experiment.hyperparameters, rounds: rounds, start: experiment.start)
        })
    }
    let watch = Task { for await _ in signals { outcome.yield(.success(nil)) } }
    defer { watch.cancel() }
    for await first in outcomes {
      let comparison = try first.get()
      if comparison == nil { logger.notice("told to stop: the comparison is left out") }
      return comparison
    }
    return nil
  }
}

/// The version of this software.
public enum Version {
  /// Semantic version.
  public static let current = "0.1.0"
}
