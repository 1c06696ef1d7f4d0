import Bytes
import Glibc
import LinkProtocol

/// The board's serial carrier: frames on a byte stream.
final class SerialPort {
  /// What became of input.
  enum Input {
    case nothing, hungUp, ended
  }

  /// How often a pseudo-terminal that nobody has open is looked at, in ms: the kernel reports the hang-up
  /// over and over and does not report its end.
  static let hangUpPause: Int32 = 20

  private let link: BoardLink
  private var framing: StreamFraming
  private var output: BoundedBytes
  private var outputSent = 0
  private(set) var isHungUp = false

  init(link: consuming BoardLink, limits: LinkLimits) {
    self.link = link
    framing = StreamFraming(maximumFrame: limits.maximumFrame)
    output = BoundedBytes(capacity: COBS.maximumEncodedLength(of: limits.maximumFrame))
  }

  /// What to wait for.
  var poll: pollfd {
    let events = outputSent < output.count ? POLLIN | POLLOUT : POLLIN
    return pollfd(fd: isHungUp ? -1 : link.descriptor, events: Int16(events), revents: 0)
  }

  /// Whether a frame may be handed in.
  var canSend: Bool { !isHungUp && outputSent == output.count }

  func send(frame: Span<UInt8>) {
    output.removeAll()
    outputSent = 0
    COBS.encode(frame, into: &output)
    flush()
  }

  /// Writes as much as the other end takes.
  func flush() {
    while outputSent < output.count {
      let sent = write(output.span, from: outputSent, to: link.descriptor)
      guard sent > 0 else { return }
      outputSent += sent
    }
  }

  /// Reads what there is, after ``poll`` said so or while it is hung up.
  func receive(_ body: (Span<UInt8>) -> Void) -> Input {
    var input = [UInt8](repeating: 0, count: 4096)
    let count = read(link.descriptor, &input, input.count)
    guard count > 0 else {
      let wouldBlock = count < 0 && (errno == EAGAIN || errno == EINTR)
      guard !wouldBlock else {
        // Somebody has opened the other end again, and said nothing yet.
        isHungUp = false
        return .nothing
      }
      return hangUp()
    }
    isHungUp = false
    var offset = 0
    let received = input.span.extracting(0..<count)
    while framing.advance(over: received, from: &offset) { body(framing.frame) }
    return .nothing
  }

  private func hangUp() -> Input {
    guard link.outlivesPeer else { return .ended }
    guard !isHungUp else { return .nothing }
    isHungUp = true
    output.removeAll()
    outputSent = 0
    return .hungUp
  }
}

/// Writes what follows the first `offset` bytes; what `write(2)` returns.
func write(_ bytes: Span<UInt8>, from offset: Int, to descriptor: Int32) -> Int {
  bytes.withUnsafeBytes { bytes in
    Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
  }
}
