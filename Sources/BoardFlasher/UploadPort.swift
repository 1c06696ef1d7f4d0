import Glibc
import SerialBootloader
import SerialDevices

/// A port with a bootloader behind it: moves the bytes of an upload.
enum UploadPort {
  /// Bytes that one call reads at most.
  private static let readSize = 512
  /// Bytes that are handed over at a time, so that an answer is not waited for behind what is of no use any more.
  private static let writeSize = 1024

  /// Runs an upload to its end. The port is closed after it.
  ///
  /// - Parameter progressed: called whenever it has got further.
  static func run(
    _ upload: inout FirmwareUpload, on tty: consuming TTY, _ progressed: (UploadProgress) -> Void
  ) throws(UploadError) {
    let descriptor = tty.release()
    defer { TTY.end(descriptor) }
    var told = upload.progress
    upload.start(now: Clock.now)
    while true {
      if upload.progress != told {
        told = upload.progress
        progressed(told)
      }
      if let outcome = upload.outcome { return try outcome.get() }
      turn(&upload, descriptor)
    }
  }

  /// Waits for something to happen, and tells the upload.
  private static func turn(_ upload: inout FirmwareUpload, _ descriptor: Int32) {
    var wait = pollfd(
      fd: descriptor, events: Int16(POLLIN | (upload.output.isEmpty ? 0 : POLLOUT)), revents: 0)
    let patience = upload.nextDeadline.map { Clock.milliseconds(until: $0) } ?? -1
    guard poll(&wait, 1, patience) >= 0 || errno == EINTR else { return upload.portLost() }
    let events = Int32(wait.revents)
    // What was said before the end is heard first.
    if events & POLLIN != 0 {
      var input = [UInt8](repeating: 0, count: readSize)
      let count = read(descriptor, &input, input.count)
      if count > 0 {
        upload.received(input[..<count], now: Clock.now)
      } else if count == 0 || errno != EAGAIN && errno != EINTR {
        return upload.portLost()
      }
    } else if events & (POLLHUP | POLLERR | POLLNVAL) != 0 {
      return upload.portLost()
    }
    if events & POLLOUT != 0 {
      let count = upload.output.prefix(writeSize).withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        upload.sent(count)
      } else if count < 0, errno != EAGAIN, errno != EINTR {
        return upload.portLost()
      }
    }
    upload.timePassed(now: Clock.now)
  }
}
