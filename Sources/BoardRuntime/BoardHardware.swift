public import BoardStorage
public import Bytes
public import LinkProtocol
public import TrainingCore

/// Which of a board's examples.
public enum ExampleSet: Sendable, Equatable {
  /// Those it trains on.
  case training
  /// Those it keeps to evaluate models.
  case heldOut
}

/// The examples of a board. They never leave it.
public protocol ExampleStore {
  /// Features of an example.
  var featureWidth: Int { get }
  /// Whether features are float32 or quantised, and how.
  var input: InputFormat { get }
  /// Number of classes; labels are below it.
  var classCount: Int { get }

  /// Number of examples.
  func count(of set: ExampleSet) -> Int

  /// Copies the features of an example of float32 input.
  ///
  /// - Returns: its label; nil if it cannot be read.
  mutating func load(
    _ index: Int, of set: ExampleSet, into features: inout MutableSpan<Float>
  ) -> Int?

  /// Copies the features of an example of int8 input.
  ///
  /// - Returns: its label; nil if it cannot be read.
  mutating func load(
    _ index: Int, of set: ExampleSet, into features: inout MutableSpan<Int8>
  ) -> Int?
}

/// What a board's software needs of its hardware. A physical board, an emulated one and a Linux process each
/// implement it; everything above is the same code.
public protocol BoardHardware: ~Copyable {
  associatedtype Flash: BoardFlash
  associatedtype Examples: ExampleStore

  /// Its storage.
  var flash: Flash { get set }
  /// Its examples.
  var examples: Examples { get set }

  /// A word from the random number generator.
  mutating func randomWord() -> UInt32

  /// Shows what the board is doing, on a LED or whatever there is.
  mutating func indicate(_ phase: BoardPhase)
}

/// Who a board is and how much memory it lends.
public struct BoardConfiguration: Sendable {
  /// The board's identity, burnt into its chip.
  public var board: UInt64
  /// Version of the firmware.
  public var firmware: ShortText
  /// Kind of board, e.g. `nano33ble`.
  public var hardware: ShortText
  /// Floats of memory for models, gradients and activations.
  public var arena: Int
  /// Longest frame taken, and bytes of a transfer that may be under way.
  public var limits: LinkLimits
  /// Whether it has Bluetooth: then it keeps the secret that a gateway leaves over a cable, to pair by.
  public var pairsByCable = false

  /// A configuration with these values.
  public init(
    board: UInt64, firmware: ShortText, hardware: ShortText, arena: Int, limits: LinkLimits
  ) {
    self.board = board
    self.firmware = firmware
    self.hardware = hardware
    self.arena = arena
    self.limits = limits
  }
}
