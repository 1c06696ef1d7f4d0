public import BLEHost
public import BLESecurity
import BoardSupport
public import CBoard
import Cryptography

extension MPS2Machine {
  /// Exit status of QEMU if the board cannot start: EX_CONFIG.
  private static var cannotStart: UInt32 { 78 }
  /// Exit status of QEMU if restarting does not help: EX_SOFTWARE.
  private static var givesUp: UInt32 { 70 }
  /// Faults in a row, each within seconds of a start, after which restarting does not help.
  private static var mostFaults: UInt32 { 5 }

  /// What the command line says about this board.
  public struct SetUp {
    /// Its identity.
    public let board: UInt64
    /// Storage, examples and the rest.
    public let hardware: MPS2Hardware
    /// Whether the board shall only say how much memory it takes: `measure=yes`.
    public let isMeasured: Bool
    /// Its Bluetooth; nil if it has no controller.
    public let bluetooth: BluetoothSetUp?
    let provocation: Provocation

    /// The machine. Its interrupts run from now on.
    public func start() -> MPS2Machine {
      MPS2Machine(provocation: provocation, hasController: bluetooth != nil)
    }
  }

  /// What the command line says about Bluetooth.
  public struct BluetoothSetUp {
    /// Who may pair: `pairing=refused`, `just-works`, `passkey`, `cable` or `open`.
    public let mode: PairingMode
    /// What to use instead of the secret that comes over the cable: `secret=` and 32 hexadecimal digits.
    public let secret: CableSecret?
  }

  /// Reads the command line and opens the host's files: `id=HEX data=FILE state=FILE
  /// [hci=yes [pairing=MODE] [secret=HEX]] [provoke=MISHAP] [measure=yes]`.
  ///
  /// What cannot be used is reported on QEMU's standard error, and QEMU ends with status 78.
  public static func setUp() -> SetUp {
    let commandLine = CommandLine()
    guard let id = commandLine.value(of: "id=")?.hexadecimal else {
      refuse("id=", "is missing or no hexadecimal number of up to 16 digits")
    }
    guard let data = commandLine.value(of: "data=") else { refuse("data=", "names no file") }
    guard let state = commandLine.value(of: "state=") else { refuse("state=", "names no file") }
    let randomDevice: StaticString = "/dev/urandom"
    guard
      let random = HostFile(
        path: randomDevice.utf8Start, length: randomDevice.utf8CodeUnitCount, mode: .read)
    else { refuse("/dev/urandom", "cannot be opened") }
    return SetUp(
      board: id,
      hardware: MPS2Hardware(
        flash: openFlash(state), examples: openExamples(data), randomSource: random),
      isMeasured: commandLine.value(of: "measure=") != nil, bluetooth: bluetooth(commandLine),
      provocation: Provocation(commandLine.value(of: "provoke=")))
  }

  private static func bluetooth(_ commandLine: borrowing CommandLine) -> BluetoothSetUp? {
    guard commandLine.value(of: "hci=") != nil else { return nil }
    var secret: CableSecret?
    if let digits = commandLine.value(of: "secret=") {
      guard let key = digits.hexadecimal128 else {
        refuse("secret=", "is no number of 32 hexadecimal digits")
      }
      secret = CableSecret(key)
    }
    guard let name = commandLine.value(of: "pairing=") else {
      return BluetoothSetUp(mode: .refused, secret: secret)
    }
    guard let mode = PairingMode(name) else { refuse("pairing=", "is no way to pair that this board knows") }
    return BluetoothSetUp(mode: mode, secret: secret)
  }

  private static func openExamples(_ path: Argument) -> ExampleShard {
    let memory = UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: ExternalMemory.examples),
      count: ExternalMemory.examplesLength)
    guard let source = HostFile(path: path.text, length: path.length, mode: .read) else {
      refuse("data=", "cannot be read")
    }
    guard let start = memory.baseAddress, let size = source.length, size <= memory.count else {
      refuse("data=", "is larger than the memory for examples")
    }
    let count = source.read(into: start, count: size)
    source.close()
    do throws(ExampleShard.Failure) {
      return try ExampleShard(in: UnsafeRawBufferPointer(start: start, count: count)) { examples in
        // Behind the file.
        let table = (start + count).alignedUp(for: UInt16.self)
        guard count + 2 + 2 * examples <= memory.count else { return nil }
        return UnsafeMutableBufferPointer(
          start: table.bindMemory(to: UInt16.self, capacity: examples), count: examples)
      }
    } catch {
      switch error {
      case .tooMany: refuse("data=", "has more examples than there is room for, or than 65,536")
      case .notADataset: refuse("data=", "is no data set file of version 1")
      case .damaged: refuse("data=", "is damaged; make the file anew")
      }
    }
  }

  private static func openFlash(_ path: Argument) -> EmulatedFlash {
    do throws(EmulatedFlash.Failure) {
      return try EmulatedFlash(path: path.text, length: path.length)
    } catch {
      switch error {
      case .cannotOpen: refuse("state=", "can neither be opened nor made")
      case .wrongSize: refuse("state=", "is longer than this board's flash; name another file")
      case .cannotWrite: refuse("state=", "cannot be written")
      }
    }
  }

  private static func refuse(_ what: StaticString, _ why: StaticString) -> Never {
    var console = EmulatorConsole()
    console.write("qemu-board: ")
    console.write(what)
    console.write(" ")
    console.write(why)
    console.write("\n")
    Emulator.exit(cannotStart)
  }

  /// Says on QEMU's standard error how much memory the board took so far, and ends QEMU.
  public static func reportMemory() -> Never {
    var console = EmulatorConsole()
    console.write("memory heap ")
    console.write(decimal: UInt32(heap_peak_bytes()))
    console.write(" stack ")
    console.write(decimal: UInt32(stack_peak_bytes()))
    console.write("\n")
    Emulator.exit(0)
  }

  /// Reports a fault, keeps it for the gateway's log, and restarts; gives up if that does not help.
  public static func restart(after record: FaultRecord) -> Never {
    var console = EmulatorConsole()
    console.write("qemu-board: ")
    console.write(record)
    var record = record
    if fault_keep(&record) >= mostFaults {
      console.write("; restarting does not help\n")
      Emulator.exit(givesUp)
    }
    console.write("; restarts\n")
    Emulator.restart()
  }
}

extension Emulator {
  /// Exit status of QEMU after a fault in an image that is not restarted.
  public static var faultStatus: UInt32 { 70 }

  /// Reports a fault on the console and ends QEMU.
  public static func end(after record: FaultRecord) -> Never {
    var console = Console()
    console.write("fault status ")
    console.write(hex: record.status)
    console.write(" pc ")
    console.write(hex: record.pc)
    console.write(" lr ")
    console.write(hex: record.lr)
    console.write(" address ")
    console.write(hex: record.address)
    console.write("\n")
    exit(faultStatus)
  }
}

extension PairingMode {
  fileprivate init?(_ name: Argument) {
    if name == "refused" {
      self = .refused
    } else if name == "just-works" {
      self = .justWorks
    } else if name == "passkey" {
      self = .passkey
    } else if name == "cable" {
      self = .cable
    } else if name == "open" {
      self = .open
    } else {
      return nil
    }
  }
}
