public import ArgumentParser
public import ConsoleLog
import Foundation
import Gateway
public import GatewayService
public import Logging

/// `fedbridge run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Find boards, let them learn, average what they learnt.",
    discussion: """
      Without options it serves every board that is plugged in. With --virtual-boards it starts boards as Linux \
      processes, which hold real data and run the firmware's own code. Stopped or killed, the same command goes on \
      in the same round.

      Exit status: 0 done or stopped in good order; 1 a failure, which is printed; 64 wrong use.
      """)

  @Option(help: ArgumentHelp("Where the state is kept.", valueName: "directory"))
  var stateDir: String = RunCommand.defaultStateDirectory

  @Option(
    name: .customLong("serial"),
    help: ArgumentHelp("Serve this port, whatever is plugged in. Can be repeated.", valueName: "path"))
  var serialPorts: [String] = []

  @Option(help: ArgumentHelp("Start this many boards as Linux processes.", valueName: "number"))
  var virtualBoards: Int = 0

  @Option(
    help: ArgumentHelp(
      "Start this many boards as the firmware's image on an emulated Cortex-M4F (needs QEMU and Scripts/build-firmware).",
      valueName: "number"))
  var qemuBoards: Int = 0

  @Option(help: ArgumentHelp("digits, exercises, or the path of an .fbds file.", valueName: "name"))
  var dataset: String = "digits"

  @Option(
    help: ArgumentHelp(
      "How examples are divided among virtual boards: natural, iid, or skew:ALPHA (0.1 is strong, 10 weak).",
      valueName: "division"))
  var division: String = "natural"

  @Option(help: ArgumentHelp("Stop after this many rounds.", valueName: "number"))
  var rounds: UInt32?

  @Option(help: ArgumentHelp("Seed of everything that is drawn by lot.", valueName: "number"))
  var seed: UInt32 = 1

  @Option(help: ArgumentHelp("Write accuracy, bytes and times of all rounds as JSON.", valueName: "file"))
  var summary: String?

  @Option(
    help: ArgumentHelp(
      "How updates and models are coded on their way: \(CompressionChoice.forms).", valueName: "coding"))
  var codec: String = "auto"

  @Option(help: ArgumentHelp("Seconds that a round collects updates.", valueName: "seconds"))
  var roundDeadline: Double = 300

  @Option(
    help: ArgumentHelp(
      "Hold no round with fewer boards than these: wait for them, and for an update of each of so many.",
      valueName: "number"))
  var minimumBoards: Int?

  @Flag(help: "Leave the run that is there and begin a new one.")
  var newRun = false

  @Flag(help: "Begin a new run if the one there has held all its rounds; otherwise go on with it.")
  var newRunWhenComplete = false

  @Flag(name: .customLong("no-usb"), help: "Do not look for boards on USB.")
  var noUSB = false

  @Flag(help: "Do not look for boards over Bluetooth.")
  var noBluetooth = false

  @Option(
    help: ArgumentHelp(
      "Bluetooth connections at a time on one adapter; more boards take turns.", valueName: "number"))
  var bluetoothLinks: Int = 3

  @Option(
    help: ArgumentHelp(
      "automatic (L2CAP where the board offers it) or gatt, for when L2CAP channels fail.",
      valueName: "carrier"))
  var bluetoothCarrier: BluetoothCarrierChoice = .automatic

  @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
  var logLevel: Logger.Level = .info

  @Option(help: ArgumentHelp("automatic, plain, colour, json or journal.", valueName: "format"))
  var logFormat: ConsoleStyle = .automatic

  static var defaultStateDirectory: String {
    let environment = ProcessInfo.processInfo.environment
    if let directory = environment["STATE_DIRECTORY"] { return directory }
    if let directory = environment["XDG_STATE_HOME"] { return directory + "/fedbridge" }
    return (environment["HOME"] ?? ".") + "/.local/state/fedbridge"
  }

  func validate() throws {
    guard (0...1000).contains(virtualBoards) else {
      throw ValidationError("--virtual-boards must be 0 to 1000")
    }
    guard (0...100).contains(qemuBoards) else { throw ValidationError("--qemu-boards must be 0 to 100") }
    guard rounds != 0 else { throw ValidationError("--rounds must be 1 or more") }
    guard roundDeadline >= 1, roundDeadline <= 86_400 else {
      throw ValidationError("--round-deadline must be 1 to 86400 seconds")
    }
    if let minimumBoards, !(1...1000).contains(minimumBoards) {
      throw ValidationError("--minimum-boards must be 1 to 1000")
    }
    guard (1...64).contains(bluetoothLinks) else {
      throw ValidationError("--bluetooth-links must be 1 to 64")
    }
    _ = try parsedDivision()
    _ = try parsedCodec()
  }

  private func parsedCodec() throws -> CompressionChoice {
    guard let choice = CompressionChoice(codec) else {
      throw ValidationError("--codec must be one of \(CompressionChoice.forms)")
    }
    return choice
  }

  private func parsedDivision() throws -> Experiment.Division {
    switch division {
    case "natural": return .natural
    case "iid": return .iid
    default:
      let parts = division.split(separator: ":")
      guard parts.count == 2, parts[0] == "skew", let alpha = Double(parts[1]), alpha > 0,
        alpha.isFinite
      else {
        throw ValidationError("--division must be natural, iid or skew:ALPHA with ALPHA above 0")
      }
      return .labelSkew(alpha)
    }
  }

  func run() async throws {
    let console = ConsoleLog.bootstrap(style: logFormat, level: logLevel)
    var options = RunOptions(stateDirectory: stateDir)
    options.serialPorts = serialPorts
    options.compression = try parsedCodec()
    options.discoversUSB = !noUSB
    options.usesBluetooth = !noBluetooth
    options.bluetoothLinks = bluetoothLinks
    options.bluetoothCarrier = bluetoothCarrier
    options.virtualBoards = virtualBoards
    options.virtualBoardProgram = try Self.program("virtual-board")
    options.qemuBoards = qemuBoards
    if qemuBoards > 0 { options.qemuBoardProgram = try Self.qemuBoardProgram() }
    options.dataset = dataset
    options.division = try parsedDivision()
    options.rounds = rounds
    options.seed = seed
    options.summary = summary
    options.startsNewRun = newRun
    options.startsNewRunWhenComplete = newRunWhenComplete
    options.roundDeadline = .seconds(roundDeadline)
    options.minimumBoards = minimumBoards
    let logger = Logger(label: "fedbridge")
    do {
      let result = try await GatewayRun(options, logger: logger, live: console.live).run()
      console.live.end()
      print(SummaryText.lines(of: result).joined(separator: "\n"))
    } catch {
      console.live.end()
      logger.error("\(error)")
      throw ExitCode.failure
    }
  }

  /// The launcher of emulated boards: installed beside this program, or in the source tree it was built in.
  private static func qemuBoardProgram() throws -> String {
    let beside = try program("qemu-board")
    var candidates = [beside]
    var folder = URL(fileURLWithPath: beside).deletingLastPathComponent()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      candidates.append(folder.appendingPathComponent("Scripts/qemu-board").path)
    }
    guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
      throw ValidationError(
        "--qemu-boards needs the launcher qemu-board beside \(beside), or FedBridge's sources")
    }
    return found
  }

  /// A program that is installed beside this one.
  private static func program(_ name: String) throws -> String {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }
}

extension ConsoleStyle: ExpressibleByArgument {}
extension BluetoothCarrierChoice: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
