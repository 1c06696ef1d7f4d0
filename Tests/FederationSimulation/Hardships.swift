import LinkProtocol
import PropertyTesting

/// What simulated links and machines suffer.
public struct Hardships: Sendable {
  /// Chance that a byte is lost.
  public var loss = 0.0
  /// Chance that a byte is damaged.
  public var corruption = 0.0
  /// Chance that a frame comes twice.
  public var duplication = 0.0
  /// Delay of every frame, µs.
  public var delay: UInt64 = 300
  /// The most that chance adds to it, µs. Carriers keep the order.
  public var jitter: UInt64 = 0
  /// Time a byte takes, µs.
  public var byteTime: UInt64 = 2
  /// Chance in every millisecond that a cable is pulled for a while.
  public var unplugs = 0.0
  /// Chance in every millisecond that a board is reset.
  public var resets = 0.0
  /// Chance in every millisecond that a board's power fails in the middle of one of its next operations on flash.
  public var powerCuts = 0.0
  /// Chance in every millisecond that the gateway crashes and is started again.
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
  /// Of the gateway.
  public var crashes = 0
  /// Of boards.
  public var resets = 0
  /// Of boards, while they wrote or erased.
  public var powerCuts = 0
  /// Of cables.
  public var unplugs = 0
  /// That lost bytes or had them changed.
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

  /// None.
  public init() {}
}
