public import BoardRuntime
public import BoardSupport
import CNano33BLE
public import LinkProtocol

/// The Nano 33 BLE's storage, examples, random numbers and LEDs.
///
/// Its examples are a data set file in a part of flash of their own, which an upload can fill: the sensors have no
/// drivers. What there is no file, or a damaged one, is a board without examples.
public struct Nano33BLEHardware: BoardHardware {
  /// Its storage.
  public var flash: ChipFlash
  /// Its examples.
  public var examples: ExampleShard

  init() {
    flash = ChipFlash()
    examples = Self.openExamples()
  }

  private static func openExamples() -> ExampleShard {
    let file = UnsafeRawBufferPointer(start: examples_start(), count: Int(examples_bytes()))
    do throws(ExampleShard.Failure) {
      return try ExampleShard(in: file, mayBeFollowed: true) { count in
        guard count <= MOST_EXAMPLES else { return nil }
        return UnsafeMutableBufferPointer(start: example_table(), count: count)
      }
    } catch {
      return ExampleShard()
    }
  }

  /// A word from the chip's generator.
  public func randomWord() -> UInt32 { RandomSource.word() }

  /// Shows on the LEDs what the board does.
  public func indicate(_ phase: BoardPhase) { lights.phase = phase }
}
