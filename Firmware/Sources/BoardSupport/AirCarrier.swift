public import BoardRuntime
public import LinkProtocol

/// A board's carrier besides the cable: Bluetooth, or ``NoAir``. ``BoardMain`` turns it as it does the cable.
public protocol AirCarrier: ~Copyable {
  /// Begins, with the keys that the board kept. The last moment to allocate memory.
  mutating func start<Hardware: BoardHardware & ~Copyable>(
    with runtime: inout BoardRuntime<Hardware>, now: Timestamp)

  /// Takes what came in and hands the runtime the frames in it, and what is to be kept.
  mutating func receive<Hardware: BoardHardware & ~Copyable>(
    for runtime: inout BoardRuntime<Hardware>, now: Timestamp)

  /// Sends what there is to send, as far as there is room, and does not wait.
  mutating func send<Hardware: BoardHardware & ~Copyable>(
    from runtime: inout BoardRuntime<Hardware>, now: Timestamp)

  /// Does a slice of what it has to compute; true while there is more.
  mutating func work(now: Timestamp) -> Bool

  /// Time passed.
  mutating func timeOut(now: Timestamp)

  /// When ``timeOut(now:)`` is due.
  var nextDeadline: Timestamp? { mutating get }

  /// Whether something waits for room to be sent.
  var isWaiting: Bool { get }
}

/// What a board has that speaks over its cable only.
public struct NoAir: AirCarrier, ~Copyable {
  /// Nothing.
  public init() {}

  /// Does nothing.
  public func start<Hardware: BoardHardware & ~Copyable>(
    with runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {}

  /// Does nothing.
  public func receive<Hardware: BoardHardware & ~Copyable>(
    for runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {}

  /// Does nothing.
  public func send<Hardware: BoardHardware & ~Copyable>(
    from runtime: inout BoardRuntime<Hardware>, now: Timestamp
  ) {}

  /// There is nothing to do.
  public func work(now: Timestamp) -> Bool { false }

  /// Does nothing.
  public func timeOut(now: Timestamp) {}

  /// Never.
  public var nextDeadline: Timestamp? { nil }

  /// Nothing.
  public var isWaiting: Bool { false }
}
