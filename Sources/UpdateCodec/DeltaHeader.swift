public import Bytes

/// The beginning of the object that brings a model from one version to another: what has to be held, what it
/// becomes. The coded difference follows. `Protocols/update-format.md` draws it.
public struct DeltaHeader: Sendable, Equatable {
  private static let kind = UInt8(ascii: "D")

  /// The most bytes that ``encode(into:)`` appends, and that have to be there to read one.
  public static let maximumLength = HeaderStart.maximumLength + 2 * Varint.maximumLength + 2 * DigestTag.count

  /// How the difference is coded.
  public var coding: UpdateCoding
  /// Number of the model version that results.
  public var version: UInt32
  /// Number of parameters.
  public var parameterCount: UInt32
  /// The snapshot that the difference is added to.
  public var base: DigestTag
  /// The snapshot that results.
  public var result: DigestTag

  /// A header with these fields; `parameterCount` is at most 16,777,216.
  public init(
    coding: UpdateCoding, version: UInt32, parameterCount: UInt32, base: DigestTag, result: DigestTag
  ) {
    self.coding = coding
    self.version = version
    self.parameterCount = parameterCount
    self.base = base
    self.result = result
  }

  /// Bytes of the header: where the coded difference begins.
  public var length: Int {
    HeaderStart.length(coding) + Varint.length(version) + Varint.length(parameterCount) + 2 * DigestTag.count
  }

  /// Appends the header.
  public func encode(into buffer: inout BoundedBytes) {
    HeaderStart.append(Self.kind, coding, to: &buffer)
    Varint.append(version, to: &buffer)
    Varint.append(parameterCount, to: &buffer)
    buffer.append(littleEndian: base.rawValue, width: DigestTag.count)
    buffer.append(littleEndian: result.rawValue, width: DigestTag.count)
  }

  /// Reads the header at the beginning of `bytes`, which go on or not; ``length`` says where it ends.
  public init(parsing bytes: Span<UInt8>) throws(UpdateError) {
    var reader = ByteReader(bytes)
    let coding = try HeaderStart.read(Self.kind, &reader)
    guard let version = Varint.read(&reader),
      let parameterCount = HeaderStart.readParameterCount(&reader),
      let base = HeaderStart.readTag(&reader), let result = HeaderStart.readTag(&reader)
    else { throw .malformed }
    self.init(
      coding: coding, version: version, parameterCount: parameterCount, base: base, result: result)
  }
}
