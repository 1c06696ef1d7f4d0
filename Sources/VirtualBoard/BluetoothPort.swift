import BLEHost
import Bytes
import Glibc
import LinkProtocol

/// The board's Bluetooth carrier: the host that the firmware has as well, above a controller on a socket.
final class BluetoothPort {
  private let controller: ControllerSocket
  private var host: BLEHost
  private var framing = H4Framing(maximumPacket: 1100)
  private var packet = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private var packetSent = 0
  private var frame: BoundedBytes

  init(controller: consuming ControllerSocket, host: consuming BLEHost, limits: LinkLimits, now: Timestamp) {
    self.controller = controller
    self.host = host
    frame = BoundedBytes(capacity: limits.maximumFrame)
    self.host.start(now: now)
  }

  /// What to wait for.
  var poll: pollfd {
    let events = packetSent < packet.count ? POLLIN | POLLOUT : POLLIN
    return pollfd(fd: controller.descriptor, events: Int16(events), revents: 0)
  }

  /// When ``timeOut(now:)`` is due.
  var nextDeadline: Timestamp? { host.nextDeadline }

  /// Time passed.
  func timeOut(now: Timestamp) {
    if let due = host.nextDeadline, due <= now { host.timeOut(now: now) }
  }

  /// Whether a frame may be handed in.
  var canSend: Bool { host.canSendFrame }

  func send(frame: Span<UInt8>, now: Timestamp) {
    host.send(frame: frame)
    flush(now: now)
  }

  /// Writes as much as the controller takes.
  func flush(now: Timestamp) {
    while true {
      if packetSent == packet.count {
        packetSent = 0
        guard host.nextHCIPacket(into: &packet, now: now) else { return }
      }
      let sent = write(packet.span, from: packetSent, to: controller.descriptor)
      guard sent > 0 else { return }
      packetSent += sent
    }
  }

  /// Reads what there is.
  ///
  /// - Returns: false if the controller is gone.
  func receive(now: Timestamp) -> Bool {
    var input = [UInt8](repeating: 0, count: 4096)
    let count = read(controller.descriptor, &input, input.count)
    guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
    var offset = 0
    let received = input.span.extracting(0..<count)
    while framing.advance(over: received, from: &offset) {
      host.received(hciPacket: framing.packet, now: now)
    }
    return true
  }

  /// Hands on every frame that came in, after the end of the carrier that they do not belong to.
  func deliver(lost: () -> Void, _ body: (Span<UInt8>) -> Void) {
    while let event = host.takeEvent() {
      if case .carrierClosed = event { lost() }
    }
    while host.takeFrame(into: &frame) { body(frame.span) }
  }
}
