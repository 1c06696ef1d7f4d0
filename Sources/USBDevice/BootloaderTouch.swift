public import LinkProtocol

/// Arduino's way into the bootloader over USB, the *1200-baud touch*: the host opens the port at 1200 baud and closes
/// it. The board goes 200 ms later, which leaves time to answer the host.
///
/// As on Arduino's older boards, and unlike the Nano's own core, another rate or the port being opened again within that
/// time takes it back: a program that looks at every port cannot send a board away by accident.
public struct BootloaderTouch: Sendable {
  private static var pause: UInt64 { .milliseconds(200) }

  private var since: Timestamp?

  /// Nobody asked yet.
  public init() {}

  /// When ``isDue(isAsked:now:)`` will say so, if nothing changes.
  public var deadline: Timestamp? { since.map { $0 + Self.pause } }

  /// Whether it is time to go.
  ///
  /// - Parameter isAsked: the port is closed and its rate is 1200 baud: ``SerialDevice/asksForBootloader``.
  public mutating func isDue(isAsked: Bool, now: Timestamp) -> Bool {
    guard isAsked else {
      since = nil
      return false
    }
    guard let since else {
      since = now
      return false
    }
    return now - since >= Self.pause
  }
}
