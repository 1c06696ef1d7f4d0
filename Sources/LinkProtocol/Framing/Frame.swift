public import Bytes
import Digests

/// What a frame carries.
public enum FrameKind: UInt8, Sendable, Equatable {
  /// Gateway to board: opens a session. ``Greeting``
  case greeting = 1
  /// Board to gateway: accepts it. ``Welcome``
  case welcome = 2
  /// Board to gateway: no common protocol version. ``Refusal``
  case refusal = 3
  /// A numbered control message, delivered once and in order.
  case control = 4
  /// The number of the next control message expected.
  case controlAcknowledgement = 5
  /// A piece of an object.
  case chunk = 6
  /// What arrived of an object, and how far the sender may go on.
  case chunkAcknowledgement = 7
  /// Board to gateway: a frame of a session that the board does not know (it was reset). No body.
  case unknownSession = 8
  /// Either side: this session is over, in good order. No body.
  case farewell = 9
}

/// The fixed part before a frame's body; `Protocols/link.md` draws it.
public struct FrameHeader: Sendable, Equatable {
  /// Bytes on the wire.
  public static let length = 6

  /// What the body is.
  public var kind: FrameKind
  /// 0 while the body is in clear. Other epochs are reserved for authenticated encryption: then a tag of 16
  /// bytes stands between body and checksum.
  public var keyEpoch: UInt8
  /// Tells this session's frames from what an earlier one left in some buffer. Chosen by the gateway.
  public var session: UInt16
  /// Counts this sender's frames modulo 2¹⁶, through all its sessions. A frame sent again has a new number.
  public var sequence: UInt16

  /// A header in clear.
  public init(kind: FrameKind, session: UInt16, sequence: UInt16) {
    self.kind = kind
    self.keyEpoch = 0
    self.session = session
    self.sequence = sequence
  }
}

/// Why bytes are not a frame.
public enum FrameError: Error, Sendable, Equatable {
  /// Fewer bytes than header and checksum take.
  case truncated
  /// The CRC-32C does not match: bytes were changed or lost on the way.
  case checksum
  /// A kind that this version does not know.
  case unknownKind(UInt8)
  /// The frame is encrypted under an epoch for which there is no key.
  case unknownKeyEpoch(UInt8)
}

/// A frame: header, body, CRC-32C of both (little-endian).
public enum Frame {
  /// Bytes that a frame adds to its body.
  public static let overhead = FrameHeader.length + 4

  /// Starts a frame: appends the header to the empty `buffer`; the caller appends the body and calls
  /// ``seal(_:)``.
  public static func begin(_ header: FrameHeader, into buffer: inout BoundedBytes) {
    buffer.removeAll()
    buffer.append(header.kind.rawValue)
    buffer.append(header.keyEpoch)
    buffer.append(littleEndian: UInt64(header.session), width: 2)
    buffer.append(littleEndian: UInt64(header.sequence), width: 2)
  }

  /// Ends a frame: appends the checksum of everything before it.
  public static func seal(_ buffer: inout BoundedBytes) {
    let checksum = CRC32C.of(buffer.span)
    buffer.append(littleEndian: UInt64(checksum), width: 4)
  }

  /// Checks the checksum and reads the header. The body is `bytes` without the first
  /// ``FrameHeader/length`` and the last 4.
  public static func parse(_ bytes: Span<UInt8>) throws(FrameError) -> FrameHeader {
    guard bytes.count >= overhead else { throw .truncated }
    var tail = ByteReader(bytes.extracting(bytes.count - 4..<bytes.count))
    let checksum = CRC32C.of(bytes.extracting(0..<bytes.count - 4))
    guard let stated = tail.readLittleEndian(width: 4), UInt32(stated) == checksum else { throw .checksum }
    guard let kind = FrameKind(rawValue: bytes[0]) else { throw .unknownKind(bytes[0]) }
    guard bytes[1] == 0 else { throw .unknownKeyEpoch(bytes[1]) }
    let session = UInt16(bytes[2]) | UInt16(bytes[3]) << 8
    let sequence = UInt16(bytes[4]) | UInt16(bytes[5]) << 8
    return FrameHeader(kind: kind, session: session, sequence: sequence)
  }

  /// The body of a frame that ``parse(_:)`` accepted.
  @_lifetime(copy bytes)
  public static func body(of bytes: Span<UInt8>) -> Span<UInt8> {
    bytes.extracting(FrameHeader.length..<bytes.count - 4)
  }
}
