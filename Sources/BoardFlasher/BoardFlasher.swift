public import FirmwareImage
import Glibc
public import SerialBootloader
import SerialDevices

/// Brings an image onto a board: into its bootloader, along its USB socket to the bootloader's port, through the upload,
/// and back to the running board. Blocks; for a thread of its own.
public struct BoardFlasher: Sendable {
  /// What happens meanwhile.
  public enum Event: Hashable, Sendable {
    /// The board is told to start its bootloader.
    case touching(String)
    /// The bootloader is there.
    case bootloader(String)
    /// The upload has got further.
    case uploading(UploadProgress)
    /// The board restarts.
    case restarting
  }

  private static let second: UInt64 = 1_000_000
  /// How long a board may take to its bootloader, and from there. What arduino-cli gives them is 10 s.
  static let returnPatience = 20 * second
  /// How long a port may be there and not let itself be opened: its permissions come later than itself, and a
  /// ModemManager without our udev rule holds it for some 10 s.
  static let openPatience = 15 * second
  /// The same for a port that was there before: whoever had it is about to let it go.
  static let firstOpenPatience = 2 * second
  /// How long a board may take to answer, that is to be flashed and that was.
  static let firstGreetingPatience = 2 * second
  static let greetingPatience = 15 * second
  /// Between looks at what is plugged in, in µs.
  private static let lookPause: useconds_t = 100_000

  private let image: FirmwareImage
  private let tell: @Sendable (Event) -> Void

  /// - Parameter tell: told of what happens, on the thread that flashes.
  public init(image: FirmwareImage, tell: @escaping @Sendable (Event) -> Void) {
    self.image = image
    self.tell = tell
  }

  // MARK: Before

  /// Greets a board that runs. It may well not answer: its program can be anything.
  ///
  /// - Returns: nil if nobody answers, or if it is in its bootloader.
  public func greet(_ place: FlashPlace) throws(FlashError) -> GreetedBoard? {
    guard case .usb(let port) = place, port.kind == .sketch else { return nil }
    let tty = try opened(port.node, patience: Self.firstOpenPatience)
    return BoardGreeting.greet(tty, patience: Self.firstGreetingPatience)
  }

  // MARK: The upload

  /// Uploads the image. When this returns the board has it, verified, and resets.
  ///
  /// - Returns: where the bootloader was.
  public func upload(to place: FlashPlace) throws(FlashError) -> FlashPlace {
    let place = try bootloader(of: place)
    tell(.bootloader(place.node))
    var upload = FirmwareUpload(of: image)
    let tty = try opened(place.node)
    do throws(UploadError) {
      try UploadPort.run(&upload, on: tty) { tell(.uploading($0)) }
    } catch {
      throw .upload(error)
    }
    tell(.restarting)
    return place
  }

  /// Where the board's bootloader is, after it was started if it was not there.
  private func bootloader(of place: FlashPlace) throws(FlashError) -> FlashPlace {
    guard case .usb(let port) = place, port.kind == .sketch else { return place }
    tell(.touching(port.node))
    let tty = try opened(port.node, patience: Self.firstOpenPatience)
    do throws(TTYError) { try tty.touch() } catch { throw .port(error) }
    guard let bootloader = try follow(port, to: .bootloader) else {
      throw .noBootloaderCame(path: port.node, seconds: Int(Self.returnPatience / Self.second))
    }
    return .usb(bootloader)
  }

  // MARK: After

  /// Waits for the board to come back from its bootloader, and greets it.
  ///
  /// - Parameter bootloader: where that was.
  /// - Returns: what the board says; nil for a program that does not speak FedBridge's protocol.
  public func confirm(after bootloader: FlashPlace) throws(FlashError) -> GreetedBoard? {
    let path: String
    switch bootloader {
    case .usb(let port):
      guard let board = try follow(port, to: .sketch) else {
        throw .boardNotBack(seconds: Int(Self.returnPatience / Self.second))
      }
      path = board.node
    case .port(let name): path = name
    }
    guard let header = image.header else { return nil }
    let end = Clock.now + Self.greetingPatience
    repeat {
      // Something may still be in the way, or the first session's end be taken for a new one's.
      let left = end - min(end, Clock.now)
      if let board = BoardGreeting.greet(try opened(path), patience: left) {
        guard board.firmware == header.version else {
          throw .otherVersion(expected: header.version, found: board.firmware)
        }
        return board
      }
      usleep(Self.lookPause)
    } while Clock.now < end
    throw .notGreeted(path: path, seconds: Int(Self.greetingPatience / Self.second))
  }

  // MARK: Ports

  /// What comes into the socket that `port` leaves; nil if nothing does.
  private func follow(_ port: SerialPort, to kind: BoardKind) throws(FlashError) -> SerialPort? {
    var trail = BoardTrail(port)
    let end = Clock.now + Self.returnPatience
    while Clock.now < end {
      do throws(SerialWatchError) {
        if let next = trail.next(kind, among: try SerialPort.present()) { return next }
      } catch {
        throw .watch(error)
      }
      usleep(Self.lookPause)
    }
    return nil
  }

  /// Opens a port, also one that is about to be there and free.
  private func opened(
    _ path: String, patience: UInt64 = BoardFlasher.openPatience
  ) throws(FlashError) -> TTY {
    let end = Clock.now + patience
    while true {
      do throws(TTYError) {
        return try TTY.open(path, allowsBootloader: true)
      } catch {
        switch error {
        case .noSuchDevice, .permissionDenied, .busy, .vanished, .inputOutput: break
        case .notATerminal, .bootloader, .refused: throw .port(error)
        }
        guard Clock.now < end else { throw .port(error) }
      }
      usleep(Self.lookPause)
    }
  }
}
