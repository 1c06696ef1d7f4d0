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
  private let bonds: BondFile

  init(
    controller: consuming ControllerSocket, host: consuming BLEHost, bonds: BondFile, limits: LinkLimits,
    now: Timestamp
  ) {
    self.controller = controller
    self.host = host
    self.bonds = bonds
    bonds.load(into: &self.host)
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

  /// Does a slice of what pairing has to compute; true while there is more.
  func work(now: Timestamp) -> Bool { host.work(now: now) }

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
      handle(event)
    }
    while host.takeFrame(into: &frame) { body(frame.span) }
  }

  /// Says on standard output what a person at the board would see on a display.
  private func handle(_ event: HostEvent) {
    switch event {
    case .displayPasskey(let passkey):
      say("passkey \(String(repeating: "0", count: 6 - "\(passkey)".count))\(passkey)")
    case .hidePasskey: say("passkey hidden")
    case .paired(let isAuthenticated): say(isAuthenticated ? "paired, authenticated" : "paired")
    case .encrypted(let isAuthenticated): say(isAuthenticated ? "encrypted, authenticated" : "encrypted")
    case .pairingFailed(let failure): say("pairing failed: \(failure)")
    case .pairingRefused(let reason): say("pairing refused: \(reason)")
    case .controllerFailed(let fault): say("controller failed: \(fault)")
    case .bondChanged: if let failure = saveBonds() { say("bonds not kept: \(failure)") }
    case .started, .connected, .disconnected, .carrierOpened, .carrierClosed: break
    }
  }

  private func saveBonds() -> (any Error)? {
    do {
      try bonds.save(host)
      return nil
    } catch {
      return error
    }
  }

  private func say(_ line: String) {
    print(line)
    // At once, though standard output may be a pipe.
    fflush(nil)
  }
}
