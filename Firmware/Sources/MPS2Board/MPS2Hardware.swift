public import BoardRuntime
public import BoardSupport
import CBoard
public import LinkProtocol

/// The MPS2-AN386's storage, examples, random numbers and LEDs.
public struct MPS2Hardware: BoardHardware {
  /// Its storage.
  public var flash: EmulatedFlash
  /// Its examples.
  public var examples: ExampleShard
  private let randomSource: HostFile

  /// Two LEDs of the FPGA's I/O block.
  private static var lights: UInt32 { 0x4002_8000 }

  init(flash: EmulatedFlash, examples: ExampleShard, randomSource: HostFile) {
    self.flash = flash
    self.examples = examples
    self.randomSource = randomSource
  }

  /// A word from the host's random number generator, which stands for the one that a chip has.
  public func randomWord() -> UInt32 {
    var word: UInt32 = 0
    let count = withUnsafeMutableBytes(of: &word) { bytes in
      bytes.baseAddress.map { randomSource.read(into: $0, count: 4) }
    }
    precondition(count == 4, "the host has no random numbers")
    return word
  }

  /// Shows the phase on the LEDs: one lit while it works, the other while it has something for the gateway.
  public func indicate(_ phase: BoardPhase) {
    switch phase {
    case .idle: register_write(Self.lights, 0)
    case .receiving, .training, .evaluating: register_write(Self.lights, 1)
    case .holdingUpdate: register_write(Self.lights, 2)
    }
  }
}
