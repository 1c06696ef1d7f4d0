/// SERIAL_STATE (PSTN 1.2, 6.5.4), told once after the function began: carrier and data set ready, for good. A program
/// that is told that a carrier is lost hangs up.
enum Notification {
  case none, due, sending

  static let length = 10
  static let carrierAndDataSetReady: UInt8 = 3

  static func copy(into room: inout MutableSpan<UInt8>) {
    let bytes: InlineArray<10, UInt8> = [
      RequestType.classFromInterface, 0x20, 0, 0, Interface.control, 0, 2, 0, carrierAndDataSetReady, 0,
    ]
    for i in 0..<length { room[i] = bytes[i] }
  }
}

extension SerialDevice {
  // MARK: For the driver

  /// Whether there is room for any packet on ``Endpoint/bytesOut``. Until then the controller keeps what it has and
  /// answers NAK.
  public var canReceive: Bool { isConfigured && input.room >= Self.packetSize }

  /// A packet came in on ``Endpoint/bytesOut``, while ``canReceive``.
  public mutating func packetReceived(_ bytes: Span<UInt8>) {
    guard isConfigured else { return }
    _ = input.append(bytes)
  }

  /// Writes the next packet of this endpoint to the beginning of `room`, 64 bytes at least.
  ///
  /// - Returns: its length; 0 for an empty packet, nil if there is none to send now.
  public mutating func nextPacket(on endpoint: Endpoint, into room: inout MutableSpan<UInt8>) -> Int? {
    guard isConfigured, !isHalted(endpoint), room.count >= Self.packetSize else { return nil }
    switch endpoint {
    case .bytesOut: return nil
    case .notifications:
      guard notification == .due else { return nil }
      notification = .sending
      Notification.copy(into: &room)
      return Notification.length
    case .bytesIn:
      guard !isSending, isOpen, output.count > 0 || owesEmptyPacket else { return nil }
      isSending = true
      // It stays in the queue until the host has it.
      sending = output.copy(into: &room, atMost: Self.packetSize)
      return sending
    }
  }

  /// The host took the packet of this endpoint.
  public mutating func packetSent(on endpoint: Endpoint) {
    switch endpoint {
    case .bytesOut: break
    case .notifications: if notification == .sending { notification = .none }
    case .bytesIn:
      guard isSending else { return }
      isSending = false
      output.drop(sending)
      owesEmptyPacket = sending == Self.packetSize
      sending = 0
    }
  }

  /// The endpoint begins again; a packet that its hardware holds is sent once more.
  mutating func takeBack(_ endpoint: Endpoint) {
    switch endpoint {
    case .bytesOut: break
    case .notifications: if notification == .sending { notification = .due }
    case .bytesIn:
      isSending = false
      sending = 0
    }
  }

  // MARK: For the owner

  /// Whether somebody is there to hear what is sent.
  public var isAttached: Bool { isConfigured && isOpen }

  /// Whether bytes from the host wait.
  public var hasReceived: Bool { input.count > 0 }

  /// Whether ``send(_:)`` would take a byte.
  public var hasRoom: Bool { isAttached && output.room > 0 }

  /// Whether there is something to say to a host that sleeps and may be woken.
  public var wantsToWakeHost: Bool { isSuspended && mayWakeHost && isAttached && output.count > 0 }

  /// Whether the port is closed with its rate at 1200 baud: see ``BootloaderTouch``.
  public var asksForBootloader: Bool { isConfigured && !isOpen && lineCoding.rate == 1200 }

  /// Takes the oldest bytes from the host.
  ///
  /// - Returns: how many were written to the beginning of `room`.
  public mutating func receive(into room: inout MutableSpan<UInt8>) -> Int {
    let count = input.copy(into: &room, atMost: room.count)
    input.drop(count)
    return count
  }

  /// Queues bytes for the host.
  ///
  /// - Returns: how many were taken from the beginning of `bytes`: none while nobody has the port open.
  public mutating func send(_ bytes: Span<UInt8>) -> Int {
    guard isAttached else { return 0 }
    return output.append(bytes)
  }
}
