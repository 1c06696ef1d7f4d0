public import BoardRuntime
import Bytes
import LinkProtocol

extension BoardConfiguration {
  /// What all boards with the nRF52840's memory have in common.
  ///
  /// - Parameters:
  ///   - board: its identity.
  ///   - hardware: what it is, in a few words for the gateway's log.
  public static func standard(board: UInt64, hardware: StaticString) -> BoardConfiguration {
    BoardConfiguration(
      board: board, firmware: ShortText("0.1.0"), hardware: ShortText(hardware),
      // Floats for models and training: what the RAM leaves.
      arena: 48_000, limits: LinkLimits(maximumFrame: 1040, window: 4096))
  }
}
