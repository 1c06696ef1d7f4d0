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
  /// How long at most, µs.
  public var unpluggedFor: UInt64 = 300_000
  /// Time until the gateway notices that at most, µs. The board does at once.
  public var noticeTime: UInt64 = 0
  /// Whether boards can also be reached by radio: wherever they have no cable, and now and then where they have.
  public var hasRadio = false
  /// Chance in every millisecond that a connection by radio is lost.
  public var fades = 0.0
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
  /// Time of a board's slice of work, µs.
  public var sliceTime: UInt64 = 200
  /// The wire is cut for a while after this many bytes, both directions counted together.
  public var cutAfterBytes: Int?
  /// For how long, µs.
  public var cutFor: UInt64 = 20_000
  /// Cables are plugged in at first after this many bytes went over the air.
  public var plugsAfterBytes: Int?

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
    hasRadio = random.chance(0.5)
    guard hasRadio else { return }
    unpluggedFor = [300_000, 3_000_000][Int(random.next() % 2)]
    noticeTime = [0, 100_000][Int(random.next() % 2)]
    fades = [0, 0.0005][Int(random.next() % 2)]
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
  /// Of connections by radio.
  public var fades = 0
  /// Boards that answered on another carrier than before.
  public var moves = 0
  /// That lost bytes or had them changed.
  public var damagedFrames = 0

  /// In words.
  public var description: String {
    "\(crashes) crashes of the gateway, \(resets) resets and \(powerCuts) power cuts of boards, \(unplugs) unplugs, "
      + "\(fades) fades, \(moves) moves to another carrier, \(damagedFrames) damaged frames"
  }

  /// Both together.
  public static func += (a: inout Self, b: Self) {
    a.crashes += b.crashes
    a.resets += b.resets
    a.powerCuts += b.powerCuts
    a.unplugs += b.unplugs
    a.fades += b.fades
    a.moves += b.moves
    a.damagedFrames += b.damagedFrames
  }

  /// None.
  public init() {}
}
