import Bytes

/// What a byte stream did to frames since the session began.
public struct StreamDamage: Sendable, Equatable {
  /// Frames cut short or run together by lost bytes.
  public var malformed: UInt32 = 0
  /// Frames longer than the receiver takes.
  public var oversized: UInt32 = 0

  /// No damage.
  public init() {}
}

/// Frames on a byte stream (USB CDC, UART, pseudo-terminal): ``COBS``, ended by a zero.
public struct StreamFraming: ~Copyable {
  private var decoder: COBSDecoder

  /// Frames that could not be taken from the stream.
  public private(set) var damage = StreamDamage()

  /// - Parameter maximumFrame: the longest frame taken, in bytes before stuffing.
  public init(maximumFrame: Int) {
    decoder = COBSDecoder(maximumFrame: maximumFrame)
  }

  /// Takes bytes from `input`, beginning at `offset`, up to the end of the next frame.
  ///
  /// - Returns: true if ``frame`` now holds a frame; false when all bytes were taken.
  public mutating func advance(over input: Span<UInt8>, from offset: inout Int) -> Bool {
    while offset < input.count {
      decoder.takeData(input, from: &offset)
      guard offset < input.count else { break }
      let byte = input[offset]
      offset += 1
      switch decoder.push(byte) {
      case .incomplete: break
      case .frame: return true
      case .malformed: damage.malformed &+= 1
      case .oversized: damage.oversized &+= 1
      }
    }
    return false
  }

  /// The frame that ``advance(over:from:)`` found, until its next call.
  public var frame: Span<UInt8> {
    @_lifetime(borrow self) get { decoder.frame }
  }
}
