import Bytes

/// What a receiver says about a transfer: what it has, and how far the sender may go.
struct ChunkAcknowledgement: Equatable {
  /// Chunks after the first missing one that one acknowledgement can speak of.
  static let selectiveChunks = 32
  /// Bytes of a body that names no chunk selectively.
  static let minimumLength = 12

  /// The transfer.
  var transfer: TransferNumber
  /// The highest frame sequence number a chunk of this transfer came in: what was sent before it and is
  /// not acknowledged is lost, as carriers keep the order.
  var latestSequence: UInt16
  /// The first byte that is missing.
  var contiguous: UInt32
  /// The sender may send bytes before this one.
  var creditLimit: UInt32
  /// Bit i: chunk i + 1 after the first missing one is here.
  var selective: UInt32

  /// Appends the body of a ``FrameKind/chunkAcknowledgement`` frame.
  func encode(into buffer: inout BoundedBytes) {
    buffer.append(littleEndian: UInt64(transfer), width: 2)
    buffer.append(littleEndian: UInt64(latestSequence), width: 2)
    buffer.append(littleEndian: UInt64(contiguous), width: 4)
    buffer.append(littleEndian: UInt64(creditLimit), width: 4)
    if selective != 0 { buffer.append(littleEndian: UInt64(selective), width: 4) }
  }

  /// Reads such a body; nil if it has another length.
  init?(parsing body: Span<UInt8>) {
    guard body.count == Self.minimumLength || body.count == Self.minimumLength + 4 else { return nil }
    var reader = ByteReader(body)
    guard let transfer = reader.readLittleEndian(width: 2),
      let sequence = reader.readLittleEndian(width: 2),
      let contiguous = reader.readLittleEndian(width: 4),
      let limit = reader.readLittleEndian(width: 4)
    else { return nil }
    self.transfer = UInt16(transfer)
    latestSequence = UInt16(sequence)
    self.contiguous = UInt32(contiguous)
    creditLimit = UInt32(limit)
    selective = UInt32(reader.readLittleEndian(width: 4) ?? 0)
  }

  init(
    transfer: TransferNumber, latestSequence: UInt16, contiguous: UInt32, creditLimit: UInt32,
    selective: UInt32
  ) {
    self.transfer = transfer
    self.latestSequence = latestSequence
    self.contiguous = contiguous
    self.creditLimit = creditLimit
    self.selective = selective
  }
}
