import Digests
import LinkProtocol
import Rounds
import UpdateCodec

/// What brings a board to a model, or nearer to it.
struct Delivery: Equatable {
  /// A whole model, or a delta.
  let kind: ObjectKind
  /// The object's name.
  let name: ObjectName
  /// The object.
  let content: [UInt8]
  /// The model that the board holds afterwards.
  let result: Digest32

  /// The whole model.
  init(snapshotOf model: CurrentModel) {
    kind = .model
    name = ObjectName(digest: model.version.hash, length: UInt32(clamping: model.snapshot.count))
    content = model.snapshot
    result = model.version.hash
  }

  /// One step on the way to a model.
  init(_ delta: ModelDelta) {
    kind = .delta
    name = delta.name
    content = delta.bytes
    result = delta.result.hash
  }

  static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.kind == b.kind }
}

/// A delivery that was begun.
struct UnderWay {
  let delivery: Delivery
  /// Bytes that the board said it has.
  var arrived: UInt32 = 0
}
