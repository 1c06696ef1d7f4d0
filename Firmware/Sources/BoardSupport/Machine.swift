public import BoardRuntime
public import LinkProtocol

/// What ``BoardMain`` needs of a bare-metal machine besides its ``BoardHardware``. Everything that differs
/// between boards is behind these two protocols; another board is another folder that implements them.
public protocol Machine: ~Copyable {
  /// Flash, examples, random numbers, LED.
  associatedtype Hardware: BoardHardware

  /// The time since reset. Never runs backwards, never wraps.
  mutating func now() -> Timestamp

  /// Takes bytes that came in over the serial carrier.
  ///
  /// - Returns: how many were written to the beginning of `room`; 0 if there are none.
  mutating func receive(into room: inout MutableSpan<UInt8>) -> Int

  /// Queues bytes for the serial carrier and does not wait.
  ///
  /// - Returns: how many were taken from the beginning of `bytes`.
  mutating func transmit(_ bytes: Span<UInt8>) -> Int

  /// Bytes that came in and were lost, because the hardware or a ring was full; modulo 2³².
  var bytesLost: UInt32 { get }

  /// Whether somebody may be at the other end. False when a cable is pulled or a port closed, where the
  /// hardware can tell.
  var isAttached: Bool { get }

  /// Shows whether a gateway is there, on a LED or whatever there is besides what ``BoardHardware/indicate(_:)`` uses.
  mutating func show(_ link: LinkStatus)

  /// Shows the watchdog that the main loop goes round.
  mutating func feedWatchdog()

  /// Sleeps until an interrupt, or `deadline`; at most about a second. Returns at once if bytes wait to be
  /// received, or if what is `room` awaited for would take some. There is no moment between these checks
  /// and the sleep at which an interrupt could go unnoticed.
  mutating func sleep(until deadline: Timestamp?, awaiting room: AwaitedRoom)
}

/// Who is at the other end of the carriers.
public enum LinkStatus: Sendable, Equatable {
  /// Nobody, as far as the hardware can tell.
  case away
  /// Somebody, who has not greeted the board.
  case joining
  /// A gateway.
  case joined
}

/// What has bytes waiting to be sent that found no room.
public struct AwaitedRoom: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// A set of these bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// ``Machine/transmit(_:)``.
  public static var carrier: AwaitedRoom { AwaitedRoom(rawValue: 1) }
  /// The Bluetooth controller.
  public static var controller: AwaitedRoom { AwaitedRoom(rawValue: 2) }
}
