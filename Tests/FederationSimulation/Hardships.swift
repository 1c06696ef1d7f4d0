import LinkProtocol
import PropertyTesting

/// What simulated links and machines suffer.
public struct Hardships: Sendable {
  /// Chance that a byte is lost, or damaged.
  public var loss = 0.0
  public var corruption = 0.0
  /// Chance that a frame comes twice.
  public var duplication = 0.0
  /// Delay of every frame, and the most that chance adds to it, µs. Carriers keep the order.
  public var delay: UInt64 = 300
  public var jitter: UInt64 = 0
  /// Time a byte takes, µs.
  public var byteTime: UInt64 = 2
  /// Chance in every millisecond that a cable is pulled for a while, that a board is reset, that its power fails in
  /// the middle of one of its next operations on flash, and that the gateway crashes and is started again.
  public var unplugs = 0.0
  public var resets = 0.0
  public var powerCuts = 0.0
  public var crashes = 0.0
  /// Whether a board comes back by a carrier of another frame length after each reset.
  public var changesCarrier = false
  /// Time the store takes, µs.
  public var storeTime: UInt64 = 3000
  /// The wire is cut for a while after this many bytes, both directions counted together.
  public var cutAfterBytes: Int?

  /// None.
  public init() {}

  /// Hardships drawn by lot.
  init(by random: inout SeededGenerator) {
    loss = Double(random.next() % 4) / 10_000
    corruption = Double(random.next() % 4) / 10_000
    duplication = [0, 0.01, 0.1][Int(random.next() % 3)]
    delay = 100 + random.next() % 20_000
    jitter = [0, 1000, 30_000][Int(random.next() % 3)]
    byteTime = 1 + random.next() % 30
    unplugs = [0, 0.0005, 0.003][Int(random.next() % 3)]
    resets = [0, 0.0005, 0.002][Int(random.next() % 3)]
    powerCuts = [0, 0.0005, 0.002][Int(random.next() % 3)]
    crashes = [0, 0.0005, 0.002][Int(random.next() % 3)]
    changesCarrier = random.chance(0.5)
    storeTime = 100 + random.next() % 30_000
  }
}

/// How often each of them happened.
public struct Sufferings: Sendable, CustomStringConvertible {
  public var crashes = 0
  public var resets = 0
  public var powerCuts = 0
  public var unplugs = 0
  public var damagedFrames = 0

  /// In words.
  public var description: String {
    "\(crashes) crashes of the gateway, \(resets) resets and \(powerCuts) power cuts of boards, \(unplugs) unplugs, "
      + "\(damagedFrames) damaged frames"
  }

  /// Both together.
  public static func += (a: inout Self, b: Self) {
    a.crashes += b.crashes
    a.resets += b.resets
    a.powerCuts += b.powerCuts
    a.unplugs += b.unplugs
    a.damagedFrames += b.damagedFrames
  }

  public init() {}
}
