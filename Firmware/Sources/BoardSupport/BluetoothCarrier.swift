public import BLEHost
public import BLESecurity
public import BoardRuntime
public import Bytes
import Cryptography
public import LinkProtocol

/// A Bluetooth controller that speaks HCI with H4 framing, and what serves the board as display.
public protocol ControllerPort {
  /// Takes bytes that came from the controller.
  ///
  /// - Returns: how many were written to the beginning of `room`; 0 if there are none.
  func receive(into room: inout MutableSpan<UInt8>) -> Int

  /// Queues bytes for the controller and does not wait.
  ///
  /// - Returns: how many were taken from the beginning of `bytes`.
  func send(_ bytes: Span<UInt8>) -> Int

  /// Whether ``show(_:)`` shows anything; if not, what composes the lines is left out of the image.
  static var hasDisplay: Bool { get }

  /// Shows a line to whoever stands before the board, such as the number to type.
  func show(_ line: Span<UInt8>)
}

extension ControllerPort {
  /// True.
  public static var hasDisplay: Bool { true }
}

/// The Bluetooth host above a controller, as the board's carrier in the air.
///
/// A class, so that the host, which has thousands of bytes, is made where it stays and never lies on the stack.
public final class BluetoothCarrier<Port: ControllerPort>: AirCarrier {
  /// Bytes taken before the board may answer.
  private static var budget: Int { 4096 }

  private let port: Port
  private let mode: PairingMode
  /// What to use instead of the secret that came over the cable.
  private let secretOverride: CableSecret?
  private var host: BLEHost
  private var framing: H4Framing
  private var input = [UInt8](repeating: 0, count: 256)
  private var packet = BoundedBytes(capacity: BLEHost.recommendedPacketCapacity)
  private var sent = 0
  private var frame: BoundedBytes
  private var bonds = BoundedBytes(capacity: BLEHost.encodedBondsLength)
  private var line = BoundedBytes(capacity: HostEvent.longestLine)

  /// A host that is silent until it is started.
  ///
  /// - Parameters:
  ///   - longestPacket: octets of the longest packet that the controller hands in. Controllers hand on what came in one
  ///     packet of the link layer, which is 256; virtual ones whole frames.
  ///   - noise: gives words that nobody can guess: the keys are made of eight of them.
  public init(
    port: Port, configuration: BLEHostConfiguration, mode: PairingMode, secretOverride: CableSecret?,
    longestPacket: Int = 1100, noise: () -> UInt32
  ) {
    self.port = port
    framing = H4Framing(maximumPacket: longestPacket)
    self.mode = mode
    self.secretOverride = secretOverride
    host = BLEHost(
      configuration: configuration,
      seed: Words256(
        high: Block128(noise(), noise(), noise(), noise()), low: Block128(noise(), noise(), noise(), noise()))
    )
    frame = BoundedBytes(capacity: configuration.maximumFrame)
  }

  /// Begins, with the keys that the board kept.
  @inline(never)
  public func start<Hardware: BoardHardware & ~Copyable>(
    with runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {
    if runtime.readBonds(into: &bonds) { Self.restore(bonds, to: &host) }
    applyPolicy(runtime.cableSecret)
    host.start(now: now)
  }

  // Each of these lends one part of this value to another.

  private static func restore(_ bonds: borrowing BoundedBytes, to host: inout BLEHost) {
    host.restoreBonds(bonds.span)
  }

  @inline(never)
  private static func hand(
    _ input: [UInt8], _ count: Int, through framing: inout H4Framing, from offset: inout Int,
    to host: inout BLEHost, _ now: Timestamp
  ) -> Bool {
    guard framing.advance(over: input.span.extracting(0..<count), from: &offset) else { return false }
    host.received(hciPacket: framing.packet, now: now)
    return true
  }

  private static func hand<Hardware: BoardHardware & ~Copyable>(
    _ frame: borrowing BoundedBytes, to runtime: inout BoardRuntime<Hardware>, _ now: Timestamp
  ) {
    runtime.receive(frame: frame.span, over: .air, now: now)
  }

  private static func keep<Hardware: BoardHardware & ~Copyable>(
    _ bonds: borrowing BoundedBytes, in runtime: inout BoardRuntime<Hardware>
  ) {
    runtime.keepBonds(bonds.span)
  }

  private static func show(_ line: borrowing BoundedBytes, on port: Port) { port.show(line.span) }

  private static func send(_ packet: borrowing BoundedBytes, from start: Int, to port: Port) -> Int {
    port.send(packet.span.extracting(start..<packet.count))
  }

  private static func send(_ frame: borrowing BoundedBytes, by host: inout BLEHost) {
    host.send(frame: frame.span)
  }

  /// Lets those pair that may, with the secret that the board has now.
  private func applyPolicy(_ kept: Octets16?) {
    var secret = secretOverride
    if secret == nil, let kept, let key = Block128(bigEndian: kept.span) { secret = CableSecret(key) }
    host.pairingPolicy = mode.policy(secret: secret)
  }

  // MARK: From the controller

  /// Takes what the controller says.
  @inline(never)
  public func receive<Hardware: BoardHardware & ~Copyable>(
    for runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {
    var taken = 0
    let port = port
    while taken < Self.budget {
      var room = input.mutableSpan
      let count = port.receive(into: &room)
      guard count > 0 else { break }
      taken += count
      var offset = 0
      while Self.hand(input, count, through: &framing, from: &offset, to: &host, now) {
        settle(&runtime, now)
      }
    }
    settle(&runtime, now)
    if runtime.takeSecretChanged() { applyPolicy(runtime.cableSecret) }
  }

  /// Hands on what came of a packet, or of work: events first, as they end the carrier that frames came over.
  @inline(never)
  private func settle<Hardware: BoardHardware & ~Copyable>(
    _ runtime: inout BoardRuntime<Hardware>, _ now: Timestamp
  ) {
    while let event = host.takeEvent() { tell(event, to: &runtime, now) }
    while host.takeFrame(into: &frame) { Self.hand(frame, to: &runtime, now) }
  }

  // Apart, so that a frame is not received with these values on the stack.
  @inline(never)
  private func tell<Hardware: BoardHardware & ~Copyable>(
    _ event: HostEvent, to runtime: inout BoardRuntime<Hardware>, _ now: Timestamp
  ) {
    switch event {
    case .carrierClosed: runtime.linkLost(over: .air, now: now)
    case .bondChanged:
      bonds.removeAll()
      host.encodeBonds(into: &bonds)
      Self.keep(bonds, in: &runtime)
    default: break
    }
    guard Port.hasDisplay else { return }
    line.removeAll()
    event.appendLine(to: &line)
    if line.count > 0 { Self.show(line, on: port) }
  }

  // MARK: To the controller

  /// Sends what the controller takes.
  @inline(never)
  public func send<Hardware: BoardHardware & ~Copyable>(
    from runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {
    while flush(now) {
      guard host.canSendFrame, runtime.nextFrame(over: .air, now: now, into: &frame) else { return }
      Self.send(frame, by: &host)
    }
  }

  /// - Returns: false if there is no more room.
  private func flush(_ now: Timestamp) -> Bool {
    while true {
      if !isWaiting {
        sent = 0
        guard host.nextHCIPacket(into: &packet, now: now) else {
          packet.removeAll()
          return true
        }
      }
      let count = Self.send(packet, from: sent, to: port)
      guard count > 0 else { return false }
      sent += count
    }
  }

  // MARK: Time

  /// Does a slice of what pairing has to compute.
  @inline(never)
  public func work(now: Timestamp) -> Bool { host.work(now: now) }

  /// Time passed.
  @inline(never)
  public func timeOut(now: Timestamp) {
    if let due = host.nextDeadline, due <= now { host.timeOut(now: now) }
  }

  /// When ``timeOut(now:)`` is due.
  public var nextDeadline: Timestamp? { host.nextDeadline }

  /// Whether part of a packet waits for room.
  public var isWaiting: Bool { sent < packet.count }
}
