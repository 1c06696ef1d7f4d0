/// How far an upload is.
public struct UploadProgress: Hashable, Sendable {
  /// What it does.
  public enum Phase: String, Hashable, Sendable {
    /// Asks who is there.
    case greeting
    /// Writes pages, each verified.
    case writing
    /// Verifies all of them once more.
    case verifying
    /// Waits for the board to reset.
    case restarting
  }

  /// What it does.
  public var phase: Phase
  /// Bytes of the image for which that is done; the first page counts as written when it is blanked.
  public var done: Int
  /// Bytes of the image.
  public var total: Int
  /// Exchanges with the bootloader that had to be repeated.
  public var repeated: Int

  /// A state of these.
  public init(phase: Phase, done: Int, total: Int, repeated: Int) {
    self.phase = phase
    self.done = done
    self.total = total
    self.repeated = repeated
  }
}
