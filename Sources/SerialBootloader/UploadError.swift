/// Why an upload failed. Each case has a stable code, a cause and a remedy.
public enum UploadError: Error, Hashable, Sendable {
  /// Nobody answered as a bootloader does; so many bytes of something else came.
  case noBootloader(bytesHeard: Int)
  /// A bootloader that is not that of a Nano 33 BLE; what it says of itself.
  case otherBootloader(String)
  /// Another chip; what it says of itself.
  case otherChip(String)
  /// It answered before, and does not any more.
  case fellSilent
  /// What is in flash is not what was written, however often it was tried. The address is the chip's.
  case notVerified(address: UInt32)
  /// The port went away, after so many bytes of so many.
  case portLost(written: Int, total: Int)
  /// All is written, and the board does not restart.
  case notRestarted
}

extension UploadError: CustomStringConvertible {
  /// What brings a board into its bootloader, whatever runs on it, as a clause.
  public static let doubleTap =
    "press the board's reset button twice quickly (its yellow light then fades in and out)"

  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .noBootloader: "flash-no-bootloader"
    case .otherBootloader: "flash-other-bootloader"
    case .otherChip: "flash-other-chip"
    case .fellSilent: "flash-fell-silent"
    case .notVerified: "flash-not-verified"
    case .portLost: "flash-port-lost"
    case .notRestarted: "flash-not-restarted"
    }
  }

  /// What happened, as a clause without a full stop.
  public var cause: String {
    switch self {
    case .noBootloader(0): "no bootloader answers on the port"
    case .noBootloader(let bytes):
      "no bootloader answers on the port, though \(bytes) bytes of something came"
    case .otherBootloader(let text): "the bootloader is another one (\(text))"
    case .otherChip(let text): "the chip is another one (\(text))"
    case .fellSilent: "the bootloader stopped to answer"
    case .notVerified(let address):
      "the flash at 0x\(String(address, radix: 16)) does not hold what was written to it"
    case .portLost(let written, let total):
      "the board went away after \(written) of \(total) bytes"
    case .notRestarted: "the image is written and verified, but the board does not restart"
    }
  }

  /// What to do, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .noBootloader, .fellSilent: "\(Self.doubleTap), then run the command again"
    case .otherBootloader, .otherChip: "use the uploader that its maker has"
    case .notVerified: "run the command again; if it stays so, the chip's flash is worn out"
    case .portLost:
      "check the cable, plug it in again and run the command again; if it does not come back, \(Self.doubleTap)"
    case .notRestarted: "press its reset button once"
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }
}
