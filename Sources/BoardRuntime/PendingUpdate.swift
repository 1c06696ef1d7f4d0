import BoardStorage
import Bytes
import LinkProtocol
import UpdateCodec

/// An update that lies in flash and that the gateway has not confirmed.
struct PendingUpdate {
  var object: StoredObject
  var name: ObjectName
  var about: UpdateMetadata
  /// The transfer that carries it now.
  var transfer: TransferNumber?
  /// Not offered again before: the gateway had no room for it.
  var notBefore = Timestamp(microseconds: 0)

  /// The update that the flash holds, if there is one.
  init?(in store: borrowing ObjectStore) {
    guard let object = store.object(.update), let about = UpdateMetadata(store.metadata(of: object)) else {
      return nil
    }
    self.object = object
    name = ObjectName(digest: store.digest(of: object), length: UInt32(clamping: object.length))
    self.about = about
  }

  /// Whether it is what a task asks for.
  func answers(_ task: TrainTask) -> Bool {
    about.round == task.round && about.run == task.run && about.base == DigestTag(task.model)
  }
}

/// What flash says about the pending update, so that a board that was reset knows what it is for.
struct UpdateMetadata {
  var round: UInt32
  var run: UInt32
  var base: DigestTag

  init(round: UInt32, run: UInt32, base: DigestTag) {
    self.round = round
    self.run = run
    self.base = base
  }

  init?(_ metadata: StoredMetadata) {
    var reader = ByteReader(metadata.span)
    guard let round = reader.readLittleEndian(width: 4), let run = reader.readLittleEndian(width: 4),
      let base = reader.readLittleEndian(width: 8), reader.remaining == 0
    else { return nil }
    self.init(round: UInt32(round), run: UInt32(run), base: DigestTag(rawValue: base))
  }

  func stored(through buffer: inout BoundedBytes) -> StoredMetadata {
    buffer.removeAll()
    buffer.append(littleEndian: UInt64(round), width: 4)
    buffer.append(littleEndian: UInt64(run), width: 4)
    buffer.append(littleEndian: base.rawValue, width: 8)
    return StoredMetadata(buffer.span)
  }
}

/// What flash says about a residual: the updates that it may be added to.
struct ResidualMetadata: Equatable {
  var parameterCount: UInt32
  var run: UInt32
  /// The round whose update left it out.
  var round: UInt32

  init(parameterCount: UInt32, run: UInt32, round: UInt32) {
    self.parameterCount = parameterCount
    self.run = run
    self.round = round
  }

  init?(_ metadata: StoredMetadata) {
    var reader = ByteReader(metadata.span)
    guard let count = reader.readLittleEndian(width: 4), let run = reader.readLittleEndian(width: 4),
      let round = reader.readLittleEndian(width: 4), reader.remaining == 0
    else { return nil }
    self.init(parameterCount: UInt32(count), run: UInt32(run), round: UInt32(round))
  }

  func stored(through buffer: inout BoundedBytes) -> StoredMetadata {
    buffer.removeAll()
    buffer.append(littleEndian: UInt64(parameterCount), width: 4)
    buffer.append(littleEndian: UInt64(run), width: 4)
    buffer.append(littleEndian: UInt64(round), width: 4)
    return StoredMetadata(buffer.span)
  }
}
