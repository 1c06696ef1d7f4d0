public import SerialBootloader
public import SerialDevices

/// Why a board was not flashed. Each case has a stable code, a cause and a remedy.
public enum FlashError: Error, Hashable, Sendable {
  /// No board is called so.
  case unknownBoard(String, present: [String])
  /// More than one is.
  case ambiguousBoard(String, ports: [String])
  /// What is plugged in cannot be found out.
  case watch(SerialWatchError)
  /// A port cannot be used.
  case port(TTYError)
  /// After the touch no bootloader came.
  case noBootloaderCame(path: String, seconds: Int)
  /// The bootloader went, and no board came.
  case boardNotBack(seconds: Int)
  /// The board is back, and nobody answers on it.
  case notGreeted(path: String, seconds: Int)
  /// The board answers, with another version than that of the image.
  case otherVersion(expected: String, found: String)
  /// The upload failed.
  case upload(UploadError)
}

extension FlashError: CustomStringConvertible {
  /// Stable, for scripts and for the documentation.
  public var code: String {
    switch self {
    case .unknownBoard: "flash-unknown-board"
    case .ambiguousBoard: "flash-ambiguous-board"
    case .watch(let error): error.code
    case .port(let error): error.code
    case .noBootloaderCame: "flash-no-bootloader-came"
    case .boardNotBack: "flash-board-not-back"
    case .notGreeted: "flash-not-greeted"
    case .otherVersion: "flash-other-version"
    case .upload(let error): error.code
    }
  }

  /// What happened, as a clause without a full stop.
  public var cause: String {
    switch self {
    case .unknownBoard(let words, let present) where present.isEmpty:
      "no board \(words) is plugged in by cable, nor any other"
    case .unknownBoard(let words, let present):
      "no board \(words) is plugged in by cable, but \(present.joined(separator: ", "))"
    case .ambiguousBoard(let words, let ports):
      "\(words) names more than one board (\(ports.joined(separator: ", ")))"
    case .watch(let error): "the boards on USB cannot be listed (\(error.call), errno \(error.errno))"
    case .port(let error): error.cause
    case .noBootloaderCame(let path, let seconds):
      "the board on \(path) was told to start its bootloader, and none came in \(seconds) s"
    case .boardNotBack(let seconds):
      "the image is written and verified, but the board did not come back in \(seconds) s"
    case .notGreeted(let path, let seconds):
      "the image is written and verified, but nobody answered on \(path) in \(seconds) s"
    case .otherVersion(let expected, let found):
      "the board answers with version \(found), and the image is version \(expected)"
    case .upload(let error): error.cause
    }
  }

  /// What to do, as a clause without a full stop.
  public var remedy: String {
    switch self {
    case .unknownBoard:
      "plug it in; one that is not found is found in its bootloader: \(UploadError.doubleTap)"
    case .ambiguousBoard: "name it by its port or by more digits"
    case .watch: "name the port, or check that libudev and /sys are usable here"
    case .port(let error): error.remedy
    case .noBootloaderCame, .notGreeted:
      "\(UploadError.doubleTap), then run the command again"
    case .boardNotBack:
      "press its reset button once; if it stays away, \(UploadError.doubleTap) and flash it again"
    case .otherVersion: "run the command again"
    case .upload(let error): error.remedy
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }
}
