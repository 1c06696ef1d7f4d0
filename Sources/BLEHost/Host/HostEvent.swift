public import BLESecurity

/// What frames travel over.
public enum BLECarrier: UInt8, Sendable {
  /// An LE credit-based channel: one frame an SDU.
  case l2cap
  /// Writes without response and notifications, with frames cut to the ATT MTU.
  case gatt
}

/// Why frames stopped to travel.
public enum CarrierEnd: UInt8, Sendable {
  /// The peer closed the channel, or does not want to be notified any longer.
  case closedByPeer
  /// The peer broke the rules of credit-based channels.
  case violation
  /// The peer gave no credits for as long as ``BLEHost/stallTimeout``.
  case stalled
  /// The connection is gone, or is not encrypted any longer.
  case linkLost
  /// The other carrier is there, and is better.
  case superseded
}

/// Why the controller had to be reset.
public enum ControllerFault: Sendable, Equatable {
  /// It did not answer a command.
  case noAnswer(opcode: UInt16)
  /// It refused a command that nothing works without, or said something impossible about itself.
  case unusable(opcode: UInt16)
  /// It said that it failed.
  case hardware(code: UInt8)
}

/// What a host tells its owner.
public enum HostEvent: Sendable, Equatable {
  /// The controller is ready; the board advertises if it is to.
  case started(ControllerFacts)
  /// The controller had to be reset. It is set up again by itself.
  case controllerFailed(ControllerFault)
  /// A peer is there.
  case connected(DeviceAddress)
  /// The peer is gone; the reason is one of HCI's error codes.
  case disconnected(reason: UInt8)
  /// The connection is encrypted.
  case encrypted(isAuthenticated: Bool)
  /// A person shall type this number (0…999,999, six digits) at the gateway.
  case displayPasskey(UInt32)
  /// The number is of no use any more.
  case hidePasskey
  /// A pairing is complete. If it left a bond, ``bondChanged(slot:)`` comes before.
  case paired(isAuthenticated: Bool)
  /// What ``BLEHost/bond(at:)`` says has changed and is to be kept.
  case bondChanged(slot: Int)
  /// A pairing that had begun failed.
  case pairingFailed(PairingFailure)
  /// A request to pair was refused at once.
  case pairingRefused(PairingFailedReason)
  /// Frames can travel: whoever is there has to greet.
  case carrierOpened(BLECarrier)
  /// Frames cannot travel like this any longer; those under way are lost.
  case carrierClosed(BLECarrier, CarrierEnd)
}

/// Events that wait to be taken. One too many is dropped; an owner takes them after every packet.
struct EventQueue {
  static let capacity = 8
  private var events: InlineArray<8, HostEvent?> = .init(repeating: nil)
  private var head = 0
  private var count = 0

  mutating func append(_ event: HostEvent) {
    guard count < Self.capacity else { return }
    events[(head + count) % Self.capacity] = event
    count += 1
  }

  mutating func take() -> HostEvent? {
    guard count > 0 else { return nil }
    let event = events[head]
    events[head] = nil
    head = (head + 1) % Self.capacity
    count -= 1
    return event
  }
}
