import BLEHost
import BLESecurity
import BoardRuntime
import Bytes
import Cryptography
import Glibc
import LinkProtocol
import VirtualHardware

/// The board's Bluetooth carrier: the host that the firmware has as well, above a controller on a socket.
final class BluetoothPort {
  private let controller: ControllerSocket
  private var host: BLEHost
  private var framing = H4Framing(maximumPacket: 1100)
  private var packet = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private var packetSent = 0
  private var frame: BoundedBytes
  private let mode: PairingMode
  /// What the command line says instead of the secret that came over the cable.
  private let secretOverride: CableSecret?
  private var bonds = BoundedBytes(capacity: BLEHost.encodedBondsLength)
  private var line = BoundedBytes(capacity: HostEvent.longestLine)

  init(
    controller: consuming ControllerSocket, host: consuming BLEHost, mode: PairingMode,
    secretOverride: CableSecret?, limits: LinkLimits
  ) {
    self.controller = controller
    self.host = host
    self.mode = mode
    self.secretOverride = secretOverride
    frame = BoundedBytes(capacity: limits.maximumFrame)
  }

  /// Begins, with the keys that the board kept.
  func start(with board: inout BoardRuntime<VirtualBoardHardware>, now: Timestamp) {
    if board.readBonds(into: &bonds) { host.restoreBonds(bonds.span) }
    applyPolicy(board)
    host.start(now: now)
  }

  /// Lets those pair that may, with the secret that the board has now.
  private func applyPolicy(_ board: borrowing BoardRuntime<VirtualBoardHardware>) {
    let kept = board.cableSecret.flatMap { Block128(bigEndian: $0.span) }.map { CableSecret($0) }
    host.pairingPolicy = mode.policy(secret: secretOverride ?? kept)
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

  /// Hands the board every frame that came in, after the end of the carrier that they do not belong to, and what it
  /// has to keep.
  func deliver(to board: inout BoardRuntime<VirtualBoardHardware>, now: Timestamp) {
    while let event = host.takeEvent() {
      switch event {
      case .carrierClosed: board.linkLost(over: .air, now: now)
      case .bondChanged:
        bonds.removeAll()
        host.encodeBonds(into: &bonds)
        board.keepBonds(bonds.span)
      default: break
      }
      say(event)
    }
    while host.takeFrame(into: &frame) { board.receive(frame: frame.span, over: .air, now: now) }
    if board.takeSecretChanged() { applyPolicy(board) }
  }

  /// Says on standard output what a person at the board would see on a display.
  private func say(_ event: HostEvent) {
    line.removeAll()
    event.appendLine(to: &line)
    guard line.count > 0 else { return }
    print(String(decoding: line.copied(), as: UTF8.self))
    // At once, though standard output may be a pipe.
    fflush(nil)
  }
}
