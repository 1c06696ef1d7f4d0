/// What a link layer is set up with, once.
public struct LinkLayerConfiguration: Sendable {
  /// What it tells its peer and its host that it can do. What is left out is not done.
  public var features: LinkFeatures = .all
  /// Worst case of the clock that the radio is scheduled by, in ppm.
  public var clockAccuracy: UInt32 = 40
  /// How long before a packet a command must be handed out, in µs: what the driver needs to arm it, and the radio to get
  /// ready.
  public var lead: UInt32 = 300
  /// Time before the window of an event in which the one before must be over, in µs: ``lead``, and what
  /// ``LinkLayer/work(now:)`` needs to plan.
  public var gap: UInt32 = 450
  /// The longest that getting one packet encrypted or decrypted takes, in µs: it is not begun so shortly before an event
  /// must be over, for the next event is planned then.
  public var packetTime: UInt32 = 1500
  /// Whether the radio can only send on the PHY that it listens on, as one that turns round by itself. No other two are
  /// agreed on then.
  public var symmetricPHYsOnly = false
  /// Company that it says to be made by, as the Assigned Numbers count them; 0xffff is none.
  public var company: UInt16 = 0xffff
  /// Its own version, as its company counts.
  public var subversion: UInt16 = 1
  /// Version of the link layer as the Assigned Numbers count them: 9 is 5.0.
  public var version: UInt8 { 9 }

  /// Defaults.
  public init() {}
}
