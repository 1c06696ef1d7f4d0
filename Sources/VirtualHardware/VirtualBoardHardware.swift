public import BoardRuntime
public import LinkProtocol

/// The hardware of a board that is a Linux process: flash in a file, examples from a data set file.
public struct VirtualBoardHardware: BoardHardware {
  /// Its storage.
  public var flash: NORFlash
  /// Its examples.
  public var examples: DatasetExamples
  private var showPhase: (BoardPhase) -> Void

  /// - Parameter showPhase: stands for the LED.
  public init(
    flash: NORFlash, examples: DatasetExamples, showPhase: @escaping (BoardPhase) -> Void = { _ in }
  ) {
    self.flash = flash
    self.examples = examples
    self.showPhase = showPhase
  }

  /// A word from the system's random number generator.
  public func randomWord() -> UInt32 { UInt32.random(in: .min ... .max) }

  /// Tells the owner what the board is doing.
  public func indicate(_ phase: BoardPhase) { showPhase(phase) }
}
