import ConsoleLog
import SerialBootloader

/// The progress of an upload as people read it.
enum FlashText {
  private static let longestBar = 24

  /// Bytes a second in the present phase; nil before anything moved.
  static func rate(_ upload: UploadProgress, seconds: Double) -> Double? {
    upload.done > 0 && seconds > 0 ? Double(upload.done) / seconds : nil
  }

  /// One line, as much of it as fits.
  ///
  /// - Parameters:
  ///   - seconds: since the phase began.
  ///   - columns: the terminal's, of which the last is left free; nil: no terminal, everything and no bar.
  static func line(_ upload: UploadProgress, seconds: Double, columns: Int?) -> String {
    let (done, total) = (upload.done, upload.total)
    let rate = rate(upload, seconds: seconds) ?? 0
    let head = upload.phase.rawValue
    let percent = ProgressText.percent(done, of: total)
    let amount = "\(ProgressText.bytes(done)) of \(ProgressText.bytes(total))"
    var tail = [percent, amount]
    if rate > 0 { tail.append(ProgressText.rate(bytesPerSecond: rate)) }
    if rate > 0, done < total {
      tail.append("ETA \(ProgressText.eta(remaining: total - done, bytesPerSecond: rate))")
    }
    if upload.repeated > 0 { tail.append("\(upload.repeated) repeated") }
    guard let columns else { return "\(head) " + tail.joined(separator: ", ") }
    let fraction = total == 0 ? 1 : Double(done) / Double(total)
    // From the end on is left out what does not fit.
    while true {
      let words = tail.joined(separator: ", ")
      let room = columns - 1 - head.count - words.count - 2
      if room >= 8 {
        return "\(head) \(ProgressText.bar(fraction: fraction, width: min(room, longestBar))) \(words)"
      }
      guard tail.count > 1 else { return PlainText.cut("\(head) \(words)", to: max(1, columns - 1)) }
      tail.removeLast()
    }
  }
}
