import BoardRuntime
import LinkProtocol
import VirtualHardware

/// The hardware of a simulated board: flash whose power can be cut, examples of a data set.
struct SimulatedHardware: BoardHardware {
  var flash: CuttableNORFlash
  var examples: DatasetExamples
  private var noise: UInt32 = 1

  init(flash: CuttableNORFlash, examples: DatasetExamples) {
    self.flash = flash
    self.examples = examples
  }

  mutating func randomWord() -> UInt32 {
    noise = noise &* 1_664_525 &+ 1_013_904_223
    return noise
  }

  func indicate(_ phase: BoardPhase) {}
}
