import Bytes

/// A full-speed USB device with one function, a serial port (USB 2.0; CDC 1.2 and PSTN 1.2, abstract control model),
/// without I/O of its own. The driver of a controller tells what happened on the bus and does what it is told;
/// the owner sends and receives bytes. Neither at the same time as the other.
///
/// After each event the driver looks for ``takeChanges()`` first, then does what the event returned, then gives the
/// other endpoints what there is: ``canReceive``, ``nextPacket(on:into:)``.
///
/// Bytes are lost only where the host cuts the connection: what the owner does not take stays on the bus (NAK), what
/// the host does not take stays here. While nobody has the port open, which the host says by DTR, nothing is sent:
/// it would come as something stale to whoever opens it next.
///
/// After `init` it allocates nothing.
public struct SerialDevice: ~Copyable {
  /// Longest packet of endpoint 0 and of the bulk endpoints.
  public static let packetSize = 64

  /// Where the device stands.
  public internal(set) var state = DeviceState.attached
  /// Whether the bus has been still for 3 ms, or has been told to stay so.
  public internal(set) var isSuspended = false
  /// What the host set last.
  public internal(set) var lineCoding = LineCoding()
  /// Whether somebody has the port open: data terminal ready.
  public internal(set) var isOpen = false
  /// Whether the host allows the device to wake it.
  public internal(set) var mayWakeHost = false

  let descriptors: Descriptors
  var pipe = ControlPipe()
  /// The answer to a request, where that is no descriptor.
  var reply = InlineArray<8, UInt8>(repeating: 0)
  var changes: EndpointChanges = []
  var halted: EndpointChanges = []

  var input: ByteQueue
  var output: ByteQueue
  /// Whether the controller holds a packet for the host, and how many bytes of `output` are in it.
  var isSending = false
  var sending = 0
  /// A packet of full length is the last one so far: a host that waits for the end of a transfer takes it for the
  /// middle of one.
  var owesEmptyPacket = false
  var notification = Notification.none

  /// A device without power.
  ///
  /// - Parameters:
  ///   - receiving: bytes that may wait for the owner; a power of two, 64 at least.
  ///   - sending: bytes that may wait for the host; a power of two.
  public init(identity: DeviceIdentity, receiving: Int, sending: Int) {
    descriptors = Descriptors(identity)
    input = ByteQueue(capacity: max(receiving, Self.packetSize))
    output = ByteQueue(capacity: sending)
  }

  // MARK: The bus

  /// The bus gives power.
  public mutating func powered() {
    if state == .attached { state = .powered }
  }

  /// The cable was pulled, or the host's power went.
  public mutating func powerLost() {
    state = .attached
    begin()
  }

  /// The host resets the bus.
  public mutating func busReset() {
    state = .default
    begin()
  }

  /// The host gave the device an address, or 0 took it back, and the controller saw to it without a word. What is known
  /// already does no harm.
  public mutating func addressed(_ address: UInt8) {
    switch state {
    case .attached, .powered: break
    case .default, .address: state = address == 0 ? .default : .address(address)
    case .configured: state = .configured(address)
    }
  }

  /// Nothing moved on the bus for 3 ms.
  public mutating func suspend() { isSuspended = state != .attached }

  /// Something moves on the bus again.
  public mutating func resume() { isSuspended = false }

  /// Back to what is true after power-up.
  private mutating func begin() {
    pipe.abandon()
    isSuspended = false
    mayWakeHost = false
    closeEndpoints()
  }

  // MARK: Endpoint 0

  /// The host begins a control transfer. One that was under way is over.
  public mutating func setup(_ packet: SetupPacket) -> ControlAction {
    pipe.abandon()
    isSuspended = false
    switch state {
    case .attached, .powered: return .stall
    case .default, .address, .configured: break
    }
    return packet.requestType & 0x60 == 0 ? standardRequest(packet) : serialRequest(packet)
  }

  /// The host took the packet of endpoint 0.
  public mutating func controlPacketSent() -> ControlAction { pipe.packetSent() }

  /// A packet came in on endpoint 0, in the data stage.
  public mutating func controlPacketReceived(_ bytes: Span<UInt8>) -> ControlAction {
    pipe.packetReceived(bytes) && takeLineCoding(bytes) ? .acknowledge : .stall
  }

  /// Writes the packet that ``ControlAction/send(_:)`` speaks of to the beginning of `room`.
  public func copyControlPacket(into room: inout MutableSpan<UInt8>) {
    switch pipe.source {
    case .descriptors: Self.copy(descriptors.bytes, pipe.packet, into: &room)
    case .reply:
      for i in pipe.packet { room[i] = reply[i] }
    }
  }

  private static func copy(
    _ bytes: borrowing BoundedBytes, _ part: Range<Int>, into room: inout MutableSpan<UInt8>
  ) {
    let source = bytes.span
    guard part.upperBound <= source.count, part.count <= room.count else { return }
    for i in 0..<part.count { room[i] = source[part.lowerBound + i] }
  }

  /// What the endpoints' hardware has to do now; asked once after each event.
  public mutating func takeChanges() -> EndpointChanges {
    defer { changes = [] }
    return changes
  }

  /// Whether the host halted the endpoint: it answers STALL.
  public func isHalted(_ endpoint: Endpoint) -> Bool { halted.concerns(endpoint) }

  // MARK: Configuration

  var isConfigured: Bool {
    if case .configured = state { true } else { false }
  }

  /// The function begins afresh.
  mutating func openEndpoints() {
    forgetFunction()
    changes = .opened
    notification = .due
  }

  mutating func closeEndpoints() {
    forgetFunction()
    changes = .closed
  }

  private mutating func forgetFunction() {
    halted = []
    lineCoding = LineCoding()
    isOpen = false
    input.removeAll()
    output.removeAll()
    isSending = false
    sending = 0
    owesEmptyPacket = false
    notification = .none
  }
}
