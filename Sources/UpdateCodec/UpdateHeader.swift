public import Bytes

/// The beginning of the object that carries what a board learnt in a round: everything needed to judge it
/// and to count it. The coded difference follows. `Protocols/update-format.md` draws it.
///
/// Its integers take as few bytes as they can, so that it is no large part of a strongly compressed update:
/// 21 bytes where all but the coding's are usual.
public struct UpdateHeader: Sendable, Equatable {
  private static let kind = UInt8(ascii: "U")

  /// The most bytes that ``encode(into:)`` appends, and that have to be there to read one.
  public static let maximumLength = HeaderStart.maximumLength + 3 * Varint.maximumLength + 4 + DigestTag.count

  /// How the difference is coded.
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
  public var base: DigestTag

  /// A header with these fields; `parameterCount` is at most 16,777,216.
  public init(
    coding: UpdateCoding, round: UInt32, examples: UInt32, parameterCount: UInt32, loss: Float,
    base: DigestTag
  ) {
    self.coding = coding
    self.round = round
    self.examples = examples
    self.parameterCount = parameterCount
    self.loss = loss
    self.base = base
  }

  /// Bytes of the header: where the coded difference begins.
  public var length: Int {
    HeaderStart.length(coding) + Varint.length(round) + Varint.length(examples)
      + Varint.length(parameterCount) + 4 + DigestTag.count
  }

  /// Appends the header.
  public func encode(into buffer: inout BoundedBytes) {
    HeaderStart.append(Self.kind, coding, to: &buffer)
    Varint.append(round, to: &buffer)
    Varint.append(examples, to: &buffer)
    Varint.append(parameterCount, to: &buffer)
    buffer.append(littleEndian: UInt64(loss.bitPattern), width: 4)
    buffer.append(littleEndian: base.rawValue, width: DigestTag.count)
  }

  /// Reads the header at the beginning of `bytes`, which go on or not; ``length`` says where it ends.
  public init(parsing bytes: Span<UInt8>) throws(UpdateError) {
    var reader = ByteReader(bytes)
    let coding = try HeaderStart.read(Self.kind, &reader)
    guard let round = Varint.read(&reader), let examples = Varint.read(&reader),
      let parameterCount = HeaderStart.readParameterCount(&reader),
      let loss = reader.readLittleEndian(width: 4), let base = HeaderStart.readTag(&reader)
    else { throw .malformed }
    self.init(
      coding: coding, round: round, examples: examples, parameterCount: parameterCount,
      loss: Float(bitPattern: UInt32(truncatingIfNeeded: loss)), base: base)
  }

  /// Whether both are the same, bit for bit.
  public static func == (a: Self, b: Self) -> Bool {
    a.coding == b.coding && a.round == b.round && a.examples == b.examples
      && a.parameterCount == b.parameterCount && a.loss.bitPattern == b.loss.bitPattern && a.base == b.base
  }
}
