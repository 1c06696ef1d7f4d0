public import Bytes
public import Digests

/// How the parameters of an update are coded.
public enum UpdateCoding: UInt8, Sendable, Equatable {
  /// The difference to the base model, every parameter a little-endian float32.
  case float32 = 0
}

/// Why bytes are no update.
public enum UpdateError: Error, Equatable, Sendable {
  /// Not an update at all, or cut short.
  case malformed
  /// Written by a later version of FedBridge; update this side.
  case unsupportedVersion(UInt8)
  /// Coded in a way this side does not know; it was not negotiated.
  case unsupportedCoding(UInt8)
  /// It does not have as many bytes as its header asks for.
  case wrongLength(expected: Int, actual: Int)
}

/// The beginning of the object that carries what a board learnt in a round: everything needed to judge it
/// and to count it. The coded parameters follow.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 3 | `FBU` |
/// | 3 | 1 | format version, 1 |
/// | 4 | 1 | ``UpdateCoding`` |
/// | 5 | 3 | 0 |
/// | 8 | 4 | round |
/// | 12 | 4 | examples that were trained on |
/// | 16 | 4 | parameters |
/// | 20 | 4 | mean loss of the last epoch, float32 |
/// | 24 | 32 | SHA-256 of the snapshot that training began with |
/// | 56 | | coded parameters |
public struct UpdateHeader: Sendable, Equatable {
  /// The version of the format that this code writes.
  public static let formatVersion: UInt8 = 1
  /// Bytes before the coded parameters.
  public static let length = 56

  /// How the parameters are coded.
  public var coding: UpdateCoding
  /// The round it belongs to.
  public var round: UInt32
  /// Examples that the board trained on: its weight in the average.
  public var examples: UInt32
  /// Number of parameters.
  public var parameterCount: UInt32
  /// Mean loss of the last epoch.
  public var loss: Float
  /// The model that training began with.
  public var base: Digest32

  /// A header with these fields.
  public init(
    coding: UpdateCoding, round: UInt32, examples: UInt32, parameterCount: UInt32, loss: Float,
    base: Digest32
  ) {
    self.coding = coding
    self.round = round
    self.examples = examples
    self.parameterCount = parameterCount
    self.loss = loss
    self.base = base
  }

  /// Length of the whole object in bytes.
  public var objectLength: Int { Self.length + 4 * Int(parameterCount) }

  /// Appends the header.
  public func encode(into buffer: inout BoundedBytes) {
    buffer.append(UInt8(ascii: "F"))
    buffer.append(UInt8(ascii: "B"))
    buffer.append(UInt8(ascii: "U"))
    buffer.append(Self.formatVersion)
    buffer.append(coding.rawValue)
    buffer.append(littleEndian: 0, width: 3)
    buffer.append(littleEndian: UInt64(round), width: 4)
    buffer.append(littleEndian: UInt64(examples), width: 4)
    buffer.append(littleEndian: UInt64(parameterCount), width: 4)
    buffer.append(littleEndian: UInt64(loss.bitPattern), width: 4)
    buffer.append(contentsOf: base.span)
  }

  /// Reads the header of a whole object.
  public init(parsing bytes: Span<UInt8>) throws(UpdateError) {
    var reader = ByteReader(bytes)
    guard let f = reader.readByte(), let b = reader.readByte(), let u = reader.readByte(),
      f == UInt8(ascii: "F"), b == UInt8(ascii: "B"), u == UInt8(ascii: "U"),
      let format = reader.readByte()
    else { throw .malformed }
    guard format == Self.formatVersion else { throw .unsupportedVersion(format) }
    guard let rawCoding = reader.readByte(), let reserved = reader.readLittleEndian(width: 3),
      reserved == 0, let round = reader.readLittleEndian(width: 4),
      let examples = reader.readLittleEndian(width: 4),
      let count = reader.readLittleEndian(width: 4), count <= 0x0100_0000,
      let loss = reader.readLittleEndian(width: 4), let baseBytes = reader.read(Digest32.count),
      let base = Digest32(baseBytes)
    else { throw .malformed }
    guard let coding = UpdateCoding(rawValue: rawCoding) else { throw .unsupportedCoding(rawCoding) }
    self.init(
      coding: coding, round: UInt32(round), examples: UInt32(examples), parameterCount: UInt32(count),
      loss: Float(bitPattern: UInt32(loss)), base: base)
    guard bytes.count == objectLength else {
      throw .wrongLength(expected: objectLength, actual: bytes.count)
    }
  }
}
