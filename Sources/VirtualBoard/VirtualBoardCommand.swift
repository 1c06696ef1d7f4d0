import ArgumentParser
import BLEHost
import BLESecurity
import BoardRuntime
import Bytes
import CLinux
import Cryptography
import Datasets
import Glibc
import LinkProtocol
import VirtualHardware

/// `virtual-board`: one board as a Linux process, with the very runtime that the firmware has.
@main
struct VirtualBoardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "virtual-board",
    abstract:
      "A FedBridge board as a Linux process, on a pseudo-terminal, a terminal, a socket or Bluetooth.",
    discussion: """
      The board trains on the examples in --data, keeps models in --state as a physical board keeps them in \
      flash, and speaks the same protocol. Ending it is pulling the plug; starting it again is a reset.

      With --hci it is a Bluetooth Low Energy peripheral on the controller there, as a board in the air; with \
      --link as well it is a board that has its cable plugged in, which is what it prefers.
      """)

  @Option(
    help: ArgumentHelp(
      "Terminal or socket to serve. If there is none, a pseudo-terminal is made and linked there.",
      valueName: "path"))
  var link: String?

  @Option(
    help: ArgumentHelp(
      "Bluetooth controller: a Unix socket or HOST:PORT on which it speaks HCI with H4 framing.",
      valueName: "socket"))
  var hci: String?

  @Option(
    help: ArgumentHelp(
      """
      Who may pair: refused (nobody), just-works (anybody), passkey (who types the number that is printed), cable \
      (the gateway that was on the other end of --link, or who knows \
      --cable-secret), or open: frames need no pairing at all, which is for measurements only.
      """, valueName: "mode"))
  var pairing: PairingOption = .refused

  @Option(
    help: ArgumentHelp(
      """
      A secret to use instead of the one that a gateway leaves over the cable, 32 hexadecimal digits; for --pairing \
      cable.
      """,
      valueName: "hex"))
  var cableSecret: String?

  @Option(help: ArgumentHelp("Data set file (.fbds) with the board's examples.", valueName: "file"))
  var data: String

  @Option(help: ArgumentHelp("Identity, up to 16 hexadecimal digits.", valueName: "hex"))
  var id: String = "1"

  @Option(help: ArgumentHelp("File that serves as flash; made if there is none.", valueName: "file"))
  var state: String

  @Option(help: ArgumentHelp("Memory for models and training, in floats.", valueName: "floats"))
  var arena: Int = 48_000

  @Option(
    help: ArgumentHelp(
      "The version that the board says its firmware has, up to 64 bytes.", valueName: "version"))
  var firmwareVersion: String = "0.1.0"

  @Flag(help: "End when standard input ends: the board lives as long as who started it.")
  var exitWithParent = false

  private var version: ShortText {
    let bytes = Array(firmwareVersion.utf8)
    return ShortText(bytes.span)
  }

  /// The storage of a Nano 33 BLE Sense that FedBridge uses: 512 KB.
  private static let flashPages = 128

  func validate() throws {
    guard link != nil || hci != nil else {
      throw ValidationError("a board without --link and without --hci can be reached by nobody; give one")
    }
    if let cableSecret, pairing != .cable || Self.block(hex: cableSecret) == nil {
      throw ValidationError("--cable-secret needs 32 hexadecimal digits and --pairing cable")
    }
    guard UInt64(id, radix: 16) != nil else {
      throw ValidationError("--id \(id) is not a hexadecimal number of up to 16 digits")
    }
    guard (16...16_000_000).contains(arena) else {
      throw ValidationError("--arena must be 16 to 16000000 floats")
    }
  }

  func run() throws {
    // Ignored, so that writing to a socket whose peer is gone is an error and not the end.
    signal(SIGPIPE, SIG_IGN)
    let termination = clinux_termination_descriptor()
    guard termination >= 0 else { throw LinkError.cannotOpen(path: "signalfd", reason: "no descriptor left") }
    let shard = try Dataset(path: data)
    let flash = try NORFlash(path: state, pageCount: Self.flashPages)
    let limits = LinkLimits(maximumFrame: 1040, window: 4096)
    var configuration = BoardConfiguration(
      board: UInt64(id, radix: 16) ?? 0, firmware: version, hardware: ShortText("virtual"),
      arena: arena, limits: limits)
    configuration.pairsByCable = hci != nil
    let board = BoardRuntime(
      hardware: VirtualBoardHardware(flash: flash, examples: DatasetExamples(shard)),
      configuration: configuration)
    let serial = try link.map { path throws(LinkError) in
      SerialPort(link: try BoardLink(path: path), limits: limits)
    }
    let bluetooth = try hci.map { name throws(LinkError) in
      BluetoothPort(
        controller: try ControllerSocket(name: name), host: bluetoothHost(limits),
        mode: pairing.mode,
        secretOverride: cableSecret.flatMap { Self.block(hex: $0) }.map { CableSecret($0) },
        limits: limits)
    }
    let loop = BoardLoop(
      serial: serial, bluetooth: bluetooth, board: board, limits: limits,
      lifelines: exitWithParent ? [termination, STDIN_FILENO] : [termination])
    loop.run()
  }

  private func bluetoothHost(_ limits: LinkLimits) -> BLEHost {
    func block() -> Block128 {
      Block128(
        .random(in: .min ... .max), .random(in: .min ... .max), .random(in: .min ... .max),
        .random(in: .min ... .max))
    }
    let configuration = BLEHostConfiguration(
      board: UInt64(id, radix: 16) ?? 0, model: ShortText("virtual board"), firmware: version,
      hardware: ShortText("virtual"), maximumFrame: limits.maximumFrame, mode: pairing.mode)
    return BLEHost(configuration: configuration, seed: Words256(high: block(), low: block()))
  }

  /// 128 bits of 32 hexadecimal digits, the most significant first.
  private static func block(hex: String) -> Block128? {
    let digits = hex.compactMap { $0.hexDigitValue.map(UInt32.init) }
    guard digits.count == 32, hex.count == 32 else { return nil }
    func word(_ index: Int) -> UInt32 { digits[8 * index..<8 * index + 8].reduce(0) { $0 << 4 | $1 } }
    return Block128(word(0), word(1), word(2), word(3))
  }
}

/// Who may pair with a virtual board, by the names on the command line.
enum PairingOption: String, ExpressibleByArgument, CaseIterable {
  case refused
  case justWorks = "just-works"
  case passkey
  case cable
  case open

  var mode: PairingMode {
    switch self {
    case .refused: .refused
    case .justWorks: .justWorks
    case .passkey: .passkey
    case .cable: .cable
    case .open: .open
    }
  }
}
