import BoardFlasher
import ConsoleLog
import FirmwareImage
import Foundation
import GatewayControl
import SerialBootloader
import Synchronization

/// What came of it.
struct FlashOutcome: Hashable, Sendable {
  /// The port that the board was on.
  var port: String
  /// Bytes of the image, and seconds from the first word to the last byte.
  var bytes: Int
  var seconds: Double
  /// Versions of the firmware, as far as they are known.
  var before: String?
  var after: String?
  /// Which board it is.
  var name: String?
  var id: String?
}

/// Prints what happens while a board is flashed: on a terminal one line that changes, elsewhere a line every tenth of the
/// way, with `--json` one object a line (Protocols/control.md).
final class FlashPrinter: Sendable {
  private let json: Bool
  /// The columns of the terminal; nil if the output goes elsewhere.
  private let columns: Int?
  private let write: @Sendable (String) -> Void
  private let progress = Mutex(Progress())

  private struct Progress {
    var phase: UploadProgress.Phase?
    var begun = ContinuousClock.now
    var drawn: ContinuousClock.Instant?
    /// The last tenth of the way that was told of.
    var tenth = 0
    /// Whether a line stands on the terminal that is to be changed.
    var isOpen = false
  }

  /// The least time between two drawings on a terminal.
  private static let drawPause = Duration.milliseconds(100)

  init(
    json: Bool, columns: Int? = FlashPrinter.terminalColumns(),
    write: @escaping @Sendable (String) -> Void = {
      try? FileHandle.standardOutput.write(contentsOf: Data($0.utf8))
    }
  ) {
    self.json = json
    self.columns = json ? nil : columns
    self.write = write
  }

  /// The columns of standard output; nil if that is no terminal.
  static func terminalColumns() -> Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var window = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return 80 }
    return Int(window.ws_col)
  }

  // MARK: Lines

  /// What goes over standard output with `--json`.
  private struct Line: Encodable {
    var reply: String
    var version = ControlProtocol.version
    var text: String?
    var phase: String?
    var done: Int?
    var total: Int?
    var bytesPerSecond: Int?
    var secondsLeft: Int?
    var code: String?
    var message: String?
    var remedy: String?
    var port: String?
    var name: String?
    var id: String?
    var before: String?
    var after: String?
    var bytes: Int?
    var seconds: Double?

    init(_ reply: String, text: String? = nil) {
      self.reply = reply
      self.text = text
    }

    enum CodingKeys: String, CodingKey {
      case reply, version, text, phase, done, total, code, message, remedy, port, name, id, before, after,
        bytes,
        seconds
      case bytesPerSecond = "bytes_per_second"
      case secondsLeft = "seconds_left"
    }
  }

  private func print(_ line: Line) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(line) else { return }
    write(String(decoding: bytes, as: UTF8.self) + "\n")
  }

  /// Prints a line.
  func say(_ text: String) {
    let text = singleLine(text)
    if json { return print(Line("progress", text: text)) }
    write(closing() + text + "\n")
  }

  /// Ends the line that stands on the terminal.
  private func closing() -> String {
    progress.withLock { progress in
      defer { progress.isOpen = false }
      return progress.isOpen ? "\n" : ""
    }
  }

  /// Prints what happened.
  func show(_ event: BoardFlasher.Event) {
    switch event {
    case .touching(let port): say("\(port): the board is told to start its bootloader")
    case .bootloader(let port): say("\(port): the bootloader")
    case .uploading(let upload): show(upload)
    case .restarting: say("the board has the image, and restarts")
    }
  }

  /// Prints the end.
  func done(_ outcome: FlashOutcome) {
    let text = Self.words(outcome)
    guard json else { return say(text) }
    var line = Line("done", text: singleLine(text))
    line.port = outcome.port
    line.name = outcome.name
    line.id = outcome.id
    line.before = outcome.before
    line.after = outcome.after
    line.bytes = outcome.bytes
    line.seconds = (outcome.seconds * 1000).rounded() / 1000
    print(line)
  }

  /// Prints why there is none.
  func fail(code: String, cause: String, remedy: String) {
    guard json else {
      write(closing())
      return ControlPrinter.complain("\(cause); \(remedy) [\(code)]")
    }
    var line = Line("failed")
    (line.code, line.message, line.remedy) = (code, cause, remedy)
    print(line)
  }

  // MARK: Progress

  private func show(_ upload: UploadProgress) {
    var upload = upload
    // The end of the last phase, as its beginning tells.
    if upload.phase == .restarting { upload.phase = progress.withLock { $0.phase } ?? .writing }
    guard upload.phase != .greeting, let seconds = isTimeToTell(upload) else { return }
    let text = FlashText.line(upload, seconds: seconds, columns: columns)
    if json {
      var line = Line("progress", text: text)
      line.phase = upload.phase.rawValue
      (line.done, line.total) = (upload.done, upload.total)
      if let rate = FlashText.rate(upload, seconds: seconds) {
        line.bytesPerSecond = Int(rate)
        line.secondsLeft = Int((Double(upload.total - upload.done) / rate).rounded(.up))
      }
      print(line)
    } else if columns != nil {
      // Back to the line's beginning, the line, nothing after it (ECMA-48, EL).
      write("\r" + text + "\u{1b}[K")
    } else {
      write(text + "\n")
    }
  }

  /// Notes how far it is.
  ///
  /// - Returns: seconds since the phase began; nil if enough was said lately.
  private func isTimeToTell(_ upload: UploadProgress) -> Double? {
    progress.withLock { progress in
      let now = ContinuousClock.now
      if progress.phase != upload.phase {
        progress.phase = upload.phase
        progress.begun = now
        progress.tenth = 0
        progress.drawn = nil
      }
      if columns != nil {
        if let drawn = progress.drawn, now - drawn < Self.drawPause, upload.done < upload.total { return nil }
        progress.drawn = now
        progress.isOpen = true
      } else {
        let tenth = upload.total == 0 ? 10 : upload.done * 10 / upload.total
        guard tenth > progress.tenth else { return nil }
        progress.tenth = tenth
      }
      return (now - progress.begun) / .seconds(1)
    }
  }

  // MARK: Words

  /// An image in a few words.
  static func words(_ image: FirmwareImage) -> String {
    let length = ProgressText.bytes(image.bytes.count)
    guard let header = image.header else { return "a program for the \(image.target.name), \(length)" }
    return "firmware \(header.version) for the \(image.target.name), \(length)"
  }

  private static func words(_ outcome: FlashOutcome) -> String {
    let board = outcome.name ?? outcome.id.map { "board \($0)" } ?? outcome.port
    let rate = outcome.seconds > 0 ? Double(outcome.bytes) / outcome.seconds : 0
    let cost =
      "\(ProgressText.bytes(outcome.bytes)) in \(ProgressText.duration(seconds: outcome.seconds)), \(ProgressText.rate(bytesPerSecond: rate))"
    switch (outcome.before, outcome.after) {
    case (let before?, let after?): return "\(board): firmware \(before) → \(after); \(cost)"
    case (nil, let after?): return "\(board): firmware \(after); \(cost)"
    case (_, nil): return "\(board): written and verified; \(cost)"
    }
  }
}
