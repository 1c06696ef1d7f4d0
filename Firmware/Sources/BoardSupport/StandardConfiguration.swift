public import BoardRuntime
import Bytes
import CBoard
import LinkProtocol

extension BoardConfiguration {
  /// What all boards with the nRF52840's memory have in common.
  ///
  /// - Parameters:
  ///   - board: its identity.
  ///   - hardware: what it is, in a few words for the gateway's log.
  public static func standard(board: UInt64, hardware: StaticString) -> BoardConfiguration {
    BoardConfiguration(
      board: board, firmware: firmwareVersion, hardware: ShortText(hardware),
      // Floats for models and training: what the RAM leaves.
      arena: 48_000, limits: LinkLimits(maximumFrame: 1040, window: 4096))
  }

  /// What the image's header says.
  private static var firmwareVersion: ShortText {
    let text = UnsafeBufferPointer(start: firmware_version(), count: Int(FIRMWARE_VERSION_LENGTH))
    return ShortText(text.span.extracting(0..<(text.firstIndex(of: 0) ?? text.count)))
  }
}
