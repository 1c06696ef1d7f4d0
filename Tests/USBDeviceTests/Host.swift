import Bytes
import USBDevice

/// A host and the driver of a device controller in one, transaction by transaction. The controller holds one packet an
/// endpoint, as real ones do, and loses it where real ones do.
final class Host {
  static let identity = DeviceIdentity(
    vendor: 0x2341, product: 0x805a, release: 0x0010, manufacturer: ShortText("Maker"),
    name: ShortText("Board"),
    identity: 0x0123_4567_89ab_cdef)

  /// How a control transfer ended.
  enum Ending: Equatable {
    /// By its status stage, with these bytes from the device.
    case done([UInt8])
    case stall
    /// The device waits for the host, which has nothing more to say.
    case none
  }

  var device: SerialDevice
  /// Packets that an endpoint of the controller holds for the host.
  private(set) var bytesIn: [UInt8]?
  private(set) var notification: [UInt8]?
  /// A packet from the host for which the device had no room yet.
  private(set) var bytesOut: [UInt8]?
  /// Whether the function's endpoints answer.
  private(set) var isOpen = false
  private(set) var address: UInt8 = 0

  init(receiving: Int = 256, sending: Int = 256) {
    device = SerialDevice(identity: Self.identity, receiving: receiving, sending: sending)
  }

  /// Powered, reset, addressed, configured, and opened.
  static func opened(receiving: Int = 256, sending: Int = 256) -> Host {
    let host = Host(receiving: receiving, sending: sending)
    host.configure()
    host.setLines(dtr: true)
    return host
  }

  func configure() {
    device.powered()
    reset()
    _ = control(0x00, 5, value: 7)
    _ = control(0x00, 9, value: 1)
    follow()
  }

  // What tests look at. Through these, as no macro takes a noncopyable value.
  var state: DeviceState { device.state }
  var isSuspended: Bool { device.isSuspended }
  var isAttached: Bool { device.isAttached }
  var lineCoding: LineCoding { device.lineCoding }
  var asksForBootloader: Bool { device.asksForBootloader }
  var wantsToWakeHost: Bool { device.wantsToWakeHost }
  var canReceive: Bool { device.canReceive }
  var hasRoom: Bool { device.hasRoom }
  func isHalted(_ endpoint: Endpoint) -> Bool { device.isHalted(endpoint) }

  // MARK: Bus

  func reset() {
    device.busReset()
    address = 0
    follow()
  }

  func pull() {
    device.powerLost()
    address = 0
    follow()
  }

  // MARK: Control transfers

  func setUp(
    _ type: UInt8, _ request: UInt8, value: UInt16 = 0, index: UInt16 = 0, length: UInt16 = 0
  ) -> ControlAction {
    let action = device.setup(
      SetupPacket(requestType: type, request: request, value: value, index: index, length: length))
    follow()
    return action
  }

  func packetSent() -> ControlAction { device.controlPacketSent() }

  func packetReceived(_ bytes: [UInt8]) -> ControlAction { device.controlPacketReceived(bytes.span) }

  /// The packet that an action speaks of.
  func packet(_ action: ControlAction) -> [UInt8]? {
    guard case .send(let count) = action else { return nil }
    var room = [UInt8](repeating: 0xee, count: SerialDevice.packetSize)
    var span = room.mutableSpan
    device.copyControlPacket(into: &span)
    return Array(room.prefix(count))
  }

  /// A whole transfer. `data` is cut into packets of `packetSize`.
  func control(
    _ type: UInt8, _ request: UInt8, value: UInt16 = 0, index: UInt16 = 0, length: UInt16 = 0,
    data: [UInt8] = [], packetSize: Int = 64
  ) -> Ending {
    var action = setUp(type, request, value: value, index: index, length: length)
    var read: [UInt8] = []
    var left = data[...]
    // More than any transfer of 64 KiB needs.
    for _ in 0..<2000 {
      switch action {
      case .send:
        let bytes = packet(action) ?? []
        read += bytes
        action = device.controlPacketSent()
      case .receive:
        let bytes = Array(left.prefix(packetSize))
        left = left.dropFirst(packetSize)
        action = device.controlPacketReceived(bytes.span)
      case .acknowledge: return .done(read)
      case .takeAddress(let taken):
        address = taken
        return .done(read)
      case .stall: return .stall
      case .wait: return .none
      }
      follow()
    }
    return .none
  }

  func descriptor(_ type: UInt8, _ index: UInt8 = 0, language: UInt16 = 0, length: UInt16 = 255) -> Ending {
    control(0x80, 6, value: UInt16(type) << 8 | UInt16(index), index: language, length: length)
  }

  func setLines(dtr: Bool) { _ = control(0x21, 0x22, value: dtr ? 3 : 0) }

  func setRate(_ rate: UInt32) -> Ending {
    control(0x21, 0x20, length: 7, data: Self.lineCoding(rate))
  }

  static func lineCoding(_ rate: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: rate >> (8 * $0)) } + [0, 0, 8]
  }

  // MARK: Endpoints

  /// Does to the controller's endpoints what the device asks for.
  func follow() {
    let changes = device.takeChanges()
    if changes.contains(.closed) || changes.contains(.opened) {
      isOpen = changes.contains(.opened)
      bytesIn = nil
      notification = nil
      bytesOut = nil
    }
    if changes.concerns(.bytesIn) { bytesIn = nil }
    if changes.concerns(.notifications) { notification = nil }
    movePackets()
  }

  private func movePackets() {
    if let waiting = bytesOut, device.canReceive {
      device.packetReceived(waiting.span)
      bytesOut = nil
    }
    if let packet = next(.bytesIn) { bytesIn = packet }
    if let packet = next(.notifications) { notification = packet }
  }

  private func next(_ endpoint: Endpoint) -> [UInt8]? {
    var room = [UInt8](repeating: 0xee, count: SerialDevice.packetSize)
    var span = room.mutableSpan
    guard let count = device.nextPacket(on: endpoint, into: &span) else { return nil }
    return Array(room.prefix(count))
  }

  /// Offers a packet to an OUT endpoint; whether it was taken and not answered with NAK or STALL.
  func write(_ bytes: [UInt8]) -> Bool {
    guard isOpen, bytesOut == nil, !isHalted(.bytesOut) else { return false }
    bytesOut = bytes
    movePackets()
    return true
  }

  /// Asks the bulk IN endpoint for a packet; nil for NAK and STALL.
  func read() -> [UInt8]? {
    guard isOpen, !isHalted(.bytesIn), let packet = bytesIn else { return nil }
    bytesIn = nil
    device.packetSent(on: .bytesIn)
    movePackets()
    return packet
  }

  func readNotification() -> [UInt8]? {
    guard isOpen, let packet = notification else { return nil }
    notification = nil
    device.packetSent(on: .notifications)
    movePackets()
    return packet
  }

  // MARK: Owner

  func send(_ bytes: [UInt8]) -> Int {
    let count = device.send(bytes.span)
    movePackets()
    return count
  }

  func receive(_ most: Int = 1000) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: most)
    var span = room.mutableSpan
    let count = device.receive(into: &span)
    movePackets()
    return Array(room.prefix(count))
  }
}
