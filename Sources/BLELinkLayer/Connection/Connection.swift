import BLESecurity
import Cryptography

/// The one connection: what its procedures have come to.
struct Connection {
  let peer: DeviceAddress
  let accessAddress: UInt32
  let crcInit: UInt32
  let clockAccuracy: UInt32
  var timing: ConnectionTiming
  var encryption = LinkEncryption()

  /// The procedure that this side began and the peer has not answered.
  var procedure: LocalProcedure?
  /// Procedures that are to begin, in this order.
  var wanted = WantedProcedures()
  /// When the peer must have gone on with a procedure; it has 40 s (§5.2).
  var procedureDeadline: RadioTime?

  /// When the central must have gone on with a procedure that it began: encryption, or a change of PHYs.
  var centralDeadline: RadioTime?
  /// What the host said to the request for a key, until it can be acted upon.
  var keyAnswer: KeyAnswer?

  var peerFeatures: LinkFeatures?
  var peerVersion: PeerVersion?
  var sentVersion = false
  /// Whether the host waits for what the peer can do or is.
  var hostAwaitsFeatures = false
  var hostAwaitsVersion = false
  var hostAwaitsPHY = false

  /// What was asked for last, and what holds.
  var ownLengths: DataLengths
  var lengths = DataLengths.least
  var triedLengths = false
  /// PHYs that the host wants to send and to receive on.
  var preferredPHYs: (transmit: UInt8, receive: UInt8)

  /// Why the host or this layer ends the connection, until LL_TERMINATE_IND is acknowledged.
  var terminating: (reason: UInt8, reported: UInt8)?
  var sentTerminate = false
  /// Whether the peer has acknowledged that.
  var isTerminated = false
  /// Whether an event was planned.
  var hasBegun = false
  /// The last event that was listened to heard nothing, or was not listened to.
  var missedLast = true

  /// How long the peer may take to go on with a procedure, in µs.
  static let responseTimeout: UInt32 = 40_000_000

  init(
    _ request: ConnectRequest, end: RadioTime, ownAccuracy: UInt32, hasChannelSelection2: Bool,
    lengths: DataLengths, phys: (transmit: UInt8, receive: UInt8)
  ) {
    peer = request.initiator
    accessAddress = request.accessAddress
    crcInit = request.crcInit
    clockAccuracy = request.clockAccuracy
    timing = ConnectionTiming(
      request, end: end, ownAccuracy: ownAccuracy, hasChannelSelection2: hasChannelSelection2)
    ownLengths = lengths
    preferredPHYs = phys
  }

  /// Most octets of a packet that may be sent now, as octets and as time.
  var transmitLimit: UInt16 {
    min(lengths.transmit, timing.transmitPHY.octets(in: lengths.transmitTime))
  }

  /// Whether LL_REJECT_EXT_IND may be sent.
  var hasExtendedReject: Bool { peerFeatures?.contains(.extendedReject) ?? false }
}

/// What a host says when it is asked for a key.
enum KeyAnswer {
  case key(Block128)
  case none
}

/// A procedure that this side begins and the peer answers.
enum LocalProcedure: Equatable {
  case features, version, lengths, phys

  /// The opcode that a peer names when it does not know or rejects it.
  var opcode: UInt8 {
    switch self {
    case .features: ControlOpcode.peripheralFeatureRequest
    case .version: ControlOpcode.version
    case .lengths: ControlOpcode.lengthRequest
    case .phys: ControlOpcode.phyRequest
    }
  }
}

/// Procedures that are to begin when nothing else is under way.
struct WantedProcedures: OptionSet {
  let rawValue: UInt8
  static let features = WantedProcedures(rawValue: 1)
  static let version = WantedProcedures(rawValue: 2)
  static let lengths = WantedProcedures(rawValue: 4)
  static let phys = WantedProcedures(rawValue: 8)
}
