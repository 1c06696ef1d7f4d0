import LinkProtocol

/// What a board and a gateway can talk over.
public enum BoardCarrier: UInt8, Sendable, Equatable {
  /// Serial, over a cable: whoever is at its other end can touch the board.
  case cable
  /// Bluetooth.
  case air
}

/// Over which of its carriers a board talks.
///
/// It talks to one gateway at a time, over the carrier that its session was opened on. A gateway that greets over the
/// cable takes the session over; one that greets over the air while the cable is in use is not heard.
struct CarrierChoice {
  /// Where the session is, or was last; nil if that carrier is gone.
  private(set) var active: BoardCarrier?

  /// What to do with a frame.
  enum Verdict {
    /// It is of the session there is, or of none.
    case heard
    /// It is heard, and the session on the other carrier is over.
    case takesOver
    /// It is dropped.
    case unheard
  }

  /// A frame came in; afterwards ``active`` is where the answer goes.
  ///
  /// - Parameter isInUse: whether there is a session.
  mutating func heard(_ frame: Span<UInt8>, over carrier: BoardCarrier, isInUse: Bool) -> Verdict {
    if active == carrier { return .heard }
    let wasActive = active != nil
    if wasActive, isInUse, carrier != .cable || !Self.isGreeting(frame) { return .unheard }
    active = carrier
    return wasActive ? .takesOver : .heard
  }

  /// A carrier is gone; whether it is the one that the session is on.
  mutating func lost(_ carrier: BoardCarrier) -> Bool {
    guard active == carrier else { return false }
    active = nil
    return true
  }

  private static func isGreeting(_ frame: Span<UInt8>) -> Bool {
    do throws(FrameError) {
      return try Frame.parse(frame).kind == .greeting
    } catch {
      return false
    }
  }
}
