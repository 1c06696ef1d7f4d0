public import Bytes
public import TrainingCore

/// Why bytes are no model snapshot.
public enum SnapshotError: Error, Equatable, Sendable {
  /// Not a snapshot at all, or cut short.
  case malformed
  /// Written by a later version of FedBridge; update this side.
  case unsupportedVersion(UInt8)
  /// The description in it is none.
  case description(ModelError)
  /// It does not have as many bytes as its description asks for.
  case wrongLength(expected: Int, actual: Int)
}

/// The object that carries a whole model: a header, the model's description, and every parameter as a
/// little-endian float32. `Protocols/objects.md` draws it.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 3 | `FBM` |
/// | 3 | 1 | format version, 1 |
/// | 4 | 4 | number of the model version, from 0 |
/// | 8 | 2 | bytes of the description |
/// | 10 | 2 | 0 |
/// | 12 | | description, filled up with zeros to a multiple of 4 bytes |
/// | then | 4 each | parameters |
public struct ModelSnapshot: Sendable, Equatable {
  /// The version of the format that this code writes.
  public static let formatVersion: UInt8 = 1
  /// The longest header, description included.
  public static let maximumHeaderLength = 12 + (ModelDescription.maximumEncodedLength + 3) / 4 * 4

  /// Number of the model version.
  public var version: UInt32
  /// The model.
  public var model: ModelDescription
  /// Where the parameters begin.
  public private(set) var headerLength: Int

  /// Length of the whole object in bytes.
  public var length: Int { headerLength + 4 * model.parameterCount }

  /// The header of a snapshot of `model`.
  public init(version: UInt32, model: ModelDescription) {
    self.version = version
    self.model = model
    var buffer = BoundedBytes(capacity: ModelDescription.maximumEncodedLength)
    model.encode(into: &buffer)
    headerLength = 12 + Self.padded(buffer.count)
  }

  private static func padded(_ count: Int) -> Int { (count + 3) & ~3 }

  /// Appends the header, after which the parameters follow.
  public func encodeHeader(into buffer: inout BoundedBytes) {
    var description = BoundedBytes(capacity: ModelDescription.maximumEncodedLength)
    model.encode(into: &description)
    buffer.append(UInt8(ascii: "F"))
    buffer.append(UInt8(ascii: "B"))
    buffer.append(UInt8(ascii: "M"))
    buffer.append(Self.formatVersion)
    buffer.append(littleEndian: UInt64(version), width: 4)
    buffer.append(littleEndian: UInt64(description.count), width: 2)
    buffer.append(littleEndian: 0, width: 2)
    buffer.append(contentsOf: description.span)
    buffer.appendZeros(Self.padded(description.count) - description.count)
  }

  /// Reads the header.
  ///
  /// - Parameters:
  ///   - bytes: the beginning of the object, at least its header.
  ///   - length: the length of the whole object.
  public init(parsing bytes: Span<UInt8>, length: Int) throws(SnapshotError) {
    var reader = ByteReader(bytes)
    guard let f = reader.readByte(), let b = reader.readByte(), let m = reader.readByte(),
      f == UInt8(ascii: "F"), b == UInt8(ascii: "B"), m == UInt8(ascii: "M"),
      let format = reader.readByte()
    else { throw .malformed }
    guard format == Self.formatVersion else { throw .unsupportedVersion(format) }
    guard let version = reader.readLittleEndian(width: 4),
      let descriptionLength = reader.readLittleEndian(width: 2),
      let reserved = reader.readLittleEndian(width: 2), reserved == 0,
      let description = reader.read(Int(descriptionLength)),
      let padding = reader.readLittleEndian(width: Self.padded(description.count) - description.count),
      padding == 0
    else { throw .malformed }
    do throws(ModelError) {
      model = try ModelDescription(parsing: description)
    } catch {
      throw .description(error)
    }
    self.version = UInt32(version)
    headerLength = 12 + Self.padded(Int(descriptionLength))
    guard length == self.length else { throw .wrongLength(expected: self.length, actual: length) }
  }

  /// The parameters in `bytes`, which are whole little-endian float32, are written to the beginning of
  /// `parameters`; those that do not fit are left out.
  public static func readParameters(_ bytes: Span<UInt8>, into parameters: inout MutableSpan<Float>) {
    for i in 0..<min(bytes.count / 4, parameters.count) {
      parameters[i] = Float(bitPattern: littleEndian(bytes, 4 * i))
    }
  }

  private static func littleEndian(_ bytes: Span<UInt8>, _ at: Int) -> UInt32 {
    UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
      | UInt32(bytes[at + 3]) << 24
  }

  /// Writes part of the byte image of `parameters`, beginning at byte `offset` of it.
  ///
  /// Parts may begin and end within a parameter: a chunk of a transfer has any length.
  public static func writeBytes(
    of parameters: Span<Float>, from offset: Int, into destination: inout MutableSpan<UInt8>
  ) {
    for i in 0..<destination.count {
      let at = offset + i
      destination[i] = UInt8(truncatingIfNeeded: parameters[at >> 2].bitPattern >> UInt32(8 * (at & 3)))
    }
  }
}
