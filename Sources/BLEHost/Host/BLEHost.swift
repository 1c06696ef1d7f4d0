public import BLESecurity
public import Bytes
public import Cryptography
public import LinkProtocol

/// A Bluetooth Low Energy host of a peripheral: sets a controller up over HCI, lets the board be found, and carries
/// frames of the link protocol to and from one gateway, over an LE credit-based channel or over GATT.
///
/// No I/O of its own, no clock, and no allocation after `init`. The owner hands in what the controller sends
/// (``received(hciPacket:now:)``), asks what to send to it (``nextHCIPacket(into:now:)``) until there is nothing,
/// takes events and frames after each, and hands in frames while ``canSendFrame``. One H4 packet is one call; any
/// octets may come.
///
/// One connection at a time, and one carrier at a time: the L2CAP channel wins when both are there.
public struct BLEHost: ~Copyable {
  /// The shortest packet that ``nextHCIPacket(into:now:)`` must be able to write.
  public static let shortestPacketCapacity = 64
  /// What lets the longest packets of the link layer go in one piece.
  public static let recommendedPacketCapacity = 5 + 251
  /// How long a frame waits for credits before the channel is closed.
  public static var stallTimeout: UInt64 { .seconds(30) }
  /// Pause before a controller that failed is reset.
  static var restartPause: UInt64 { .seconds(1) }
  /// How long a peer may take to answer that a channel is closed.
  static var closingTimeout: UInt64 { .seconds(10) }

  enum Phase: Equatable {
    case stopped
    case settingUp
    case ready
    case failed(until: Timestamp)
  }

  /// The one connection.
  struct Link {
    var handle: UInt16
    var peer: DeviceAddress
    var interval: UInt16
    var latency: UInt16
    var security = LinkSecurity()
    /// Where the bond with this peer is, if there is one.
    var bond: Int?
    /// When the peer was last heard.
    var heard: Timestamp
  }

  let configuration: BLEHostConfiguration
  var phase = Phase.stopped
  var setup = ControllerSetup()
  var commands = CommandFlow()
  var advertising = Advertising()
  var link: Link?
  /// Commands about the connection that wait to be sent.
  var pending = PendingCommands()
  /// What the peer last asked for.
  var requestedParameters = ConnectionParameters.quick

  var security: SecurityManager
  var bonds = BondTable()
  /// What the link layer asked for and waits for; nil if there is no such key.
  var requestedKey: Block128?

  var reassembly: ACLReassembly
  var server: AttributeServer
  var signals = SignalQueue()
  var channel: CreditChannel
  var inbox: FrameQueue
  var fragmentReceiver = FragmentReceiver()
  var fragmentSender = FragmentSender()

  var transit: OutgoingPDU?
  /// ACL packets that the controller has and has not sent.
  var inFlight = 0
  var attributeResponse: BoundedBytes
  var control = BoundedBytes(capacity: 80)
  var outgoingFrame: BoundedBytes
  /// How much of the outgoing frame went into PDUs.
  var frameOffset = 0
  /// When the outgoing frame began to wait for credits.
  var stalledSince: Timestamp?
  var closingSince: Timestamp?

  var openCarrier: BLECarrier?
  var nextIdentifier: UInt8 = 1
  var events = EventQueue()
  /// What went wrong on the air and with the peer, since the start.
  public internal(set) var statistics = BLEStatistics()

  /// A host that does nothing until ``start(now:)``.
  ///
  /// - Parameter seed: 256 bits of noise, of which keys are made.
  public init(configuration: BLEHostConfiguration, seed: Words256) {
    self.configuration = configuration
    security = SecurityManager(seed: seed)
    let mtu = max(AttributeServer.defaultMTU, min(configuration.maximumMTU, 517))
    let mps = max(Int(CreditChannel.minimumMPS), min(configuration.mps, configuration.maximumFrame + 2))
    reassembly = ACLReassembly(maximumPayload: max(mtu, mps, 65))
    let identity = BoardIdentity(
      board: configuration.board,
      flags: configuration.dataRequirement == .authenticated ? .authenticationRequired : [],
      psm: BLEHostConfiguration.psm,
      maximumFrame: UInt16(clamping: configuration.maximumFrame))
    server = AttributeServer(
      texts: configuration.texts, identity: identity, dataRequirement: configuration.dataRequirement,
      maximumMTU: mtu, preferredParameters: configuration.parameters)
    channel = CreditChannel(mtu: configuration.maximumFrame, mps: mps)
    // Room for one frame at least, and for the length before it.
    inbox = FrameQueue(capacity: max(configuration.inboxCapacity, configuration.maximumFrame + 2 + mps))
    attributeResponse = BoundedBytes(capacity: mtu)
    outgoingFrame = BoundedBytes(capacity: configuration.maximumFrame)
  }

  // MARK: What the owner wants

  /// Sets the controller up, from its reset on. The connection, if there is one, is gone.
  public mutating func start(now: Timestamp) {
    dropLink(reason: 0x16, now: now)
    phase = .settingUp
    setup = ControllerSetup()
    commands = CommandFlow()
    advertising.restart()
    pending = PendingCommands()
  }

  /// Whether the board is to be found while nobody is connected; so it is at first.
  public mutating func setAdvertising(_ isWanted: Bool) { advertising.isWanted = isWanted }

  /// Ends the connection, if there is one.
  public mutating func disconnect() {
    if link != nil { pending.insert(.disconnect) }
  }

  /// What happened; nil if nothing did since it was last asked.
  public mutating func takeEvent() -> HostEvent? { events.take() }

  /// What the controller said of itself.
  public var controller: ControllerFacts { setup.facts }

  /// Who is connected.
  public var peer: DeviceAddress? { link?.peer }

  // MARK: Frames

  /// What frames travel over now; nil if they cannot.
  public var carrier: BLECarrier? { openCarrier }

  /// Takes out the oldest frame that came in; false if there is none. The peer is held back while frames wait.
  public mutating func takeFrame(into frame: inout BoundedBytes) -> Bool { inbox.takeFrame(into: &frame) }

  /// Whether a frame may be handed in: a carrier is open, and the one before is on its way.
  ///
  /// Mutating, as are others that change nothing: what only borrows so large a value copies it to the stack first.
  public var canSendFrame: Bool {
    mutating get { openCarrier != nil && outgoingFrame.isEmpty && transit?.source != .frame }
  }

  /// Hands in a frame to be sent. One that comes before ``canSendFrame``, or that is longer than the peer takes, is
  /// dropped and counted.
  public mutating func send(frame: Span<UInt8>) {
    let limit = openCarrier == .l2cap ? min(channel.peerMTU, outgoingFrame.capacity) : outgoingFrame.capacity
    guard canSendFrame, frame.count > 0, frame.count <= limit else {
      statistics.framesDropped &+= 1
      return
    }
    outgoingFrame.append(contentsOf: frame)
    frameOffset = 0
  }

  // MARK: Time

  /// When ``timeOut(now:)`` has to be called at the latest.
  public var nextDeadline: Timestamp? {
    @inline(never) mutating get {
      var deadline = Timestamp.earliest(commands.deadline, security.nextDeadline)
      if case .failed(let until) = phase { deadline = .earliest(deadline, until) }
      if let stalledSince { deadline = .earliest(deadline, stalledSince + Self.stallTimeout) }
      if let closingSince { deadline = .earliest(deadline, closingSince + Self.closingTimeout) }
      if let link, openCarrier == nil {
        deadline = .earliest(deadline, link.heard + configuration.idleTimeout)
      }
      return deadline
    }
  }

  /// Time passed.
  public mutating func timeOut(now: Timestamp) {
    if let deadline = commands.deadline, deadline <= now {
      fail(.noAnswer(opcode: commands.outstanding.value), now: now)
    }
    if case .failed(let until) = phase, until <= now { start(now: now) }
    if let stalledSince, stalledSince + Self.stallTimeout <= now { closeChannel(.stalled, now: now) }
    if let closingSince, closingSince + Self.closingTimeout <= now { channelClosed() }
    if let link, openCarrier == nil, link.heard + configuration.idleTimeout <= now {
      pending.insert(.disconnect)
      self.link?.heard = now
    }
    security.timeOut(now: now)
    settleSecurity(now: now)
  }

  /// Does a slice of what pairing has to compute; true while there is more. Frames and packets may come and go between.
  public mutating func work(now: Timestamp) -> Bool {
    let hasMore = security.work(now: now)
    settleSecurity(now: now)
    return hasMore
  }
}

/// What went wrong on the air and with the peer, and what was lost by it.
public struct BLEStatistics: Sendable, Equatable {
  /// Connections that a peer made.
  public var connections: UInt32 = 0
  /// Frames that could not be sent: none was to be sent, or it was too long for the peer.
  public var framesDropped: UInt32 = 0
  /// Channels closed because the peer broke their rules.
  public var violations: UInt32 = 0
  /// Requests for a channel that were refused.
  public var channelsRefused: UInt32 = 0

  /// Nothing yet.
  public init() {}
}

/// Commands about the connection that wait for their turn.
struct PendingCommands: OptionSet {
  let rawValue: UInt8
  static let disconnect = PendingCommands(rawValue: 1)
  static let keyReply = PendingCommands(rawValue: 2)
  static let parametersReply = PendingCommands(rawValue: 4)
  static let connectionUpdate = PendingCommands(rawValue: 8)
  /// Not a command: the wish goes over L2CAP.
  static let parametersSignal = PendingCommands(rawValue: 16)
}
