import BLELinkLayer
import BLESecurity
public import BoardSupport
import Bytes
import CBoard
import Cryptography

/// A Bluetooth controller in the chip: ``LinkLayer`` over ``RadioDriver``.
///
/// Three contexts, as the link layer wants them. The radio's interrupt is the most urgent one. The link layer itself runs
/// in an interrupt of its own (SWI0), which nothing but the program asks for, and the radio's may interrupt; it takes
/// longest where it encrypts. The main loop brings and fetches HCI packets, and keeps that interrupt away while it does.
///
/// What an interrupt may change meanwhile is reached through a pointer, for the compiler takes what a `mutating` function
/// was given for its own.
struct BluetoothController: ~Copyable {
  /// SWI0.
  fileprivate static var interruptNumber: UInt32 { 20 }
  /// What a packet of 251 octets takes to be encrypted by ECB with room to spare, in µs.
  private static var packetTime: UInt32 { 900 }

  fileprivate var layer: LinkLayer<ChipEncryption>
  private let radio: UnsafeMutablePointer<RadioDriver>
  private var packet = BoundedBytes(capacity: LinkLayer<ChipEncryption>.packetCapacity)

  private init(seed: Words256) {
    var configuration = LinkLayerConfiguration()
    configuration.packetTime = Self.packetTime
    // The radio turns round by itself, without a moment to change its mode.
    configuration.symmetricPHYsOnly = true
    layer = LinkLayer(configuration: configuration, encryption: ChipEncryption(), seed: seed)
    radio = .allocate(capacity: 1)
    radio.initialize(to: RadioDriver(packets: layer.memory.address(of: 0)))
    interruptedRadio = radio
  }

  /// Makes the one that there is. Its interrupts run from now on.
  @inline(never)
  static func make() -> UnsafeMutablePointer<BluetoothController> {
    Clock.awaitCrystal()
    let controller = UnsafeMutablePointer<BluetoothController>.allocate(capacity: 1)
    controller.initialize(to: BluetoothController(seed: Words256(high: noise(), low: noise())))
    interruptedController = controller
    InterruptController.enable(interruptNumber, urgency: Urgency.linkLayer)
    InterruptController.enable(RADIO.interruptNumber, urgency: Urgency.radio)
    return controller
  }

  private static func noise() -> Block128 {
    Block128(RandomSource.word(), RandomSource.word(), RandomSource.word(), RandomSource.word())
  }

  /// Has the link layer look what there is to do.
  static func call() { InterruptController.pend(interruptNumber) }

  /// Whether the radio begins nothing within so many microseconds. With interrupts disabled.
  static func sparesProcessor(for microseconds: UInt32) -> Bool {
    interruptedRadio?.pointee.isIdle(for: microseconds) ?? true
  }

  // MARK: The link layer's interrupt

  fileprivate mutating func settle() {
    var hasMore = true
    while hasMore {
      exchange()
      hasMore = layer.work(now: RadioTimer.now)
      exchange()
      hasMore = takeBack() || hasMore
    }
    if let deadline = layer.nextDeadline { Clock.callLinkLayer(in: deadline.since(RadioTimer.now)) }
  }

  private mutating func exchange() {
    InterruptController.hold(RADIO.interruptNumber)
    if let command = layer.exchange(with: &radio.pointee.event) { radio.pointee.arm(command) }
    InterruptController.release(RADIO.interruptNumber)
  }

  private func takeBack() -> Bool {
    InterruptController.hold(RADIO.interruptNumber)
    defer { InterruptController.release(RADIO.interruptNumber) }
    return radio.pointee.takeBack()
  }

  // MARK: The main loop, while it keeps that interrupt away

  /// Writes the next packet for the host, H4 type octet first.
  ///
  /// - Returns: its length; 0 if there is none.
  fileprivate mutating func nextPacket(into room: inout MutableSpan<UInt8>) -> Int {
    guard layer.nextHCIPacket(into: &packet) else { return 0 }
    return Self.copy(packet, into: &room)
  }

  private static func copy(_ packet: borrowing BoundedBytes, into room: inout MutableSpan<UInt8>) -> Int {
    let octets = packet.span
    for i in 0..<octets.count { room[i] = octets[i] }
    return octets.count
  }
}

/// The controller as its host sees it, which is in the main loop.
public struct Nano33BLEController: ControllerPort {
  /// Octets of the longest packet for the host.
  public static var longestPacket: Int { LinkLayer<ChipEncryption>.packetCapacity }

  private let controller: UnsafeMutablePointer<BluetoothController>

  init() { controller = BluetoothController.make() }

  private func hold() { InterruptController.hold(BluetoothController.interruptNumber) }

  private func release() { InterruptController.release(BluetoothController.interruptNumber) }

  /// The next packet for the host, whole: `room` holds the longest.
  public func receive(into room: inout MutableSpan<UInt8>) -> Int {
    hold()
    defer { release() }
    let count = controller.pointee.nextPacket(into: &room)
    // Something may have waited for the room.
    if count > 0 { BluetoothController.call() }
    return count
  }

  /// Takes one packet, whole or not at all.
  public func send(_ bytes: Span<UInt8>) -> Int {
    hold()
    defer { release() }
    guard controller.pointee.layer.takesPackets else { return 0 }
    controller.pointee.layer.received(hciPacket: bytes, now: RadioTimer.now)
    BluetoothController.call()
    return bytes.count
  }

  /// Whether there is something for the host.
  var hasNews: Bool {
    hold()
    defer { release() }
    return controller.pointee.layer.hasHCIPacket
  }

  /// Whether a packet of the host would be taken.
  var hasRoom: Bool {
    hold()
    defer { release() }
    return controller.pointee.layer.takesPackets
  }

  /// The board has none.
  public static var hasDisplay: Bool { false }

  /// Nothing.
  public func show(_ line: Span<UInt8>) {}
}

// Set before the interrupts are let through.
@exclusivity(unchecked) nonisolated(unsafe) private var interruptedRadio: UnsafeMutablePointer<RadioDriver>?
@exclusivity(unchecked) nonisolated(unsafe) private var interruptedController:
  UnsafeMutablePointer<BluetoothController>?

/// RADIO.
@c(IRQ1_Handler)
public func radioInterrupt() {
  interruptedRadio?.pointee.interrupt()
  BluetoothController.call()
}

/// SWI0.
@c(IRQ20_Handler)
public func linkLayerInterrupt() { interruptedController?.pointee.settle() }
