public import Bytes

/// Consistent Overhead Byte Stuffing (Cheshire & Baker, IEEE/ACM Transactions on Networking 7(2), 1999): a
/// block of bytes without a zero in it, so that a zero ends a frame on a byte stream.
public enum COBS {
  /// The most bytes that `length` bytes can become, the ending zero included.
  public static func maximumEncodedLength(of length: Int) -> Int {
    length + length / 254 + 2
  }

  /// Appends the stuffed form of `frame` and the ending zero to `output`.
  public static func encode(_ frame: Span<UInt8>, into output: inout BoundedBytes) {
    var blockStart = 0
    var at = 0
    // The last block ends with the frame and stands for a zero that is not there.
    while true {
      while at < frame.count && frame[at] != 0 && at - blockStart < 254 { at += 1 }
      let length = at - blockStart
      output.append(UInt8(length + 1))
      output.append(contentsOf: frame.extracting(blockStart..<at))
      if at == frame.count { break }
      if frame[at] == 0 && length < 254 {
        at += 1  // the zero that the block's code stands for
      }
      blockStart = at
    }
    output.append(0)
  }
}

/// Undoes ``COBS`` on a stream of bytes that may be cut, damaged or endless, in fixed memory.
///
/// After anything that is no frame it looks for the next zero and goes on from there.
public struct COBSDecoder: ~Copyable {
  /// What one byte led to.
  public enum Outcome: Sendable, Equatable {
    /// More bytes are needed.
    case incomplete
    /// ``frame`` holds a whole frame, until the next byte is pushed.
    case frame
    /// A zero came in the middle of a block: bytes were lost. What there was is dropped.
    case malformed
    /// The frame is longer than any the receiver announced to take; it is dropped up to the next zero.
    case oversized
  }

  private enum State {
    /// Before the first byte of a frame.
    case start
    /// Inside a block; `zeroFollows` if the block stands for a zero after its bytes.
    case block(left: UInt8, zeroFollows: Bool)
    /// Dropping everything up to the next zero.
    case skipping
  }

  private var state = State.start
  private var buffer: BoundedBytes
  private var delivered = false

  /// A decoder for frames of at most `maximumFrame` bytes.
  public init(maximumFrame: Int) {
    buffer = BoundedBytes(capacity: maximumFrame)
  }

  /// The frame that the last byte completed.
  public var frame: Span<UInt8> {
    @_lifetime(borrow self) get { buffer.span }
  }

  /// Takes bytes of `input` from `offset` on for as long as they are plain data of a block, which is what most of a
  /// stream is; the next byte, if there is one, is for ``push(_:)``. A convenience that only saves time.
  public mutating func takeData(_ input: Span<UInt8>, from offset: inout Int) {
    guard case .block(let left, let zeroFollows) = state, left > 0 else { return }
    let end = min(offset + min(Int(left), buffer.capacity - buffer.count), input.count)
    var at = offset
    while at < end, input[at] != 0 { at += 1 }
    guard at > offset else { return }
    buffer.append(contentsOf: input.extracting(offset..<at))
    state = .block(left: left - UInt8(at - offset), zeroFollows: zeroFollows)
    offset = at
  }

  /// Takes one byte of the stream.
  public mutating func push(_ byte: UInt8) -> Outcome {
    if delivered {
      buffer.removeAll()
      delivered = false
    }
    switch state {
    case .skipping:
      if byte == 0 { reset() }
      return .incomplete
    case .start:
      // Zeros between frames are harmless; a sender may start with one to end what a cut left behind.
      if byte != 0 { state = .block(left: byte - 1, zeroFollows: byte != 255) }
      return .incomplete
    case .block(let left, let zeroFollows):
      return left > 0 ? data(byte, left, zeroFollows) : boundary(byte, zeroFollows)
    }
  }

  private mutating func data(_ byte: UInt8, _ left: UInt8, _ zeroFollows: Bool) -> Outcome {
    if byte == 0 {
      reset()
      return .malformed
    }
    buffer.append(byte)
    state = .block(left: left - 1, zeroFollows: zeroFollows)
    return checked(.incomplete)
  }

  private mutating func boundary(_ byte: UInt8, _ zeroFollows: Bool) -> Outcome {
    if byte == 0 {
      state = .start
      delivered = true
      return .frame
    }
    if zeroFollows { buffer.append(0) }
    state = .block(left: byte - 1, zeroFollows: byte != 255)
    return checked(.incomplete)
  }

  private mutating func checked(_ outcome: Outcome) -> Outcome {
    guard buffer.overflowed else { return outcome }
    buffer.removeAll()
    state = .skipping
    return .oversized
  }

  private mutating func reset() {
    buffer.removeAll()
    state = .start
  }
}
