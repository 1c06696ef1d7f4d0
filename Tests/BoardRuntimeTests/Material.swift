import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec
import VirtualHardware

/// What a gateway computes.
enum Material {
  static func model(_ snapshot: [UInt8]) throws -> ModelSnapshot {
    try ModelSnapshot(parsing: snapshot.span, length: snapshot.count)
  }

  static func parameters(_ snapshot: [UInt8]) throws -> [Float] {
    let header = try model(snapshot)
    var values = [Float](repeating: 0, count: header.model.parameterCount)
    var span = values.mutableSpan
    ModelSnapshot.readParameters(snapshot.span.extracting(header.headerLength..<snapshot.count), into: &span)
    return values
  }

  static func digest(_ content: [UInt8]) -> Digest32 { SHA256.hash(of: content.span) }

  /// The next version of a model: its parameters and a difference, added.
  static func snapshot(_ base: [UInt8], version: UInt32, adding difference: [Float]) throws -> [UInt8] {
    let model = try model(base).model
    var buffer = BoundedBytes(capacity: base.count)
    ModelSnapshot(version: version, model: model).encodeHeader(into: &buffer)
    for (value, change) in zip(try parameters(base), difference) {
      buffer.append(littleEndian: UInt64((value + change).bitPattern), width: 4)
    }
    return buffer.copied()
  }

  /// A delta that brings `base` to the model that it returns beside it, in this coding.
  static func delta(
    _ base: [UInt8], version: UInt32, difference: [Float], _ coding: UpdateCoding
  ) throws -> (delta: [UInt8], result: [UInt8]) {
    let model = try model(base).model
    var values = difference
    let code = codeDifference(&values, coding, for: model)
    let decoded = try decodeDifference(code, from: 0, coding: coding, for: model)
    let result = try snapshot(base, version: version, adding: decoded)
    var header = BoundedBytes(capacity: DeltaHeader.maximumLength)
    DeltaHeader(
      coding: coding, version: version, parameterCount: UInt32(model.parameterCount),
      base: DigestTag(digest(base)), result: DigestTag(digest(result))
    ).encode(into: &header)
    return (header.copied() + code, result)
  }

  /// A difference that is no zero anywhere.
  static func difference(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 &* 7919 &+ seed &* 31) % 201 - 100) / 997 + 0.0001 }
  }

  static func decoded(_ update: [UInt8], for snapshot: [UInt8]) throws -> [Float] {
    let header = try UpdateHeader(parsing: update.span)
    return try decodeDifference(
      update, from: header.length, coding: header.coding, for: try model(snapshot).model)
  }
}

extension Bench {
  /// What lies in the board's flash.
  func stored(_ role: StoredRole) throws -> [UInt8]? {
    var copy = CuttableNORFlash(copying: flash, seed: 0)
    var store = ObjectStore(mounting: &copy)
    guard let object = store.object(role) else { return nil }
    var bytes = [UInt8](repeating: 0, count: object.length)
    var span = bytes.mutableSpan
    try store.read(object, at: 0, into: &span, &copy)
    return bytes
  }

  /// Brings a model or a delta to the board.
  func deliver(_ content: [UInt8], as kind: ObjectKind = .model) -> Bool {
    let offer = offer(content, as: kind)
    return run { events.contains { if case .delivered(_, offer) = $0 { true } else { false } } }
  }

  /// Lets the board train, and takes the update.
  func update(_ task: TrainTask) -> [UInt8]? {
    let before = updates.count
    say(.train(task))
    run { updates.count > before }
    run(milliseconds: 20)
    return updates.last.flatMap { objects.incoming[$0.name] }
  }

  /// Why the board did not take what was offered last.
  var refusals: [TransferRefusal] {
    events.compactMap { if case .declined(_, _, let reason) = $0 { reason } else { nil } }
  }

  /// Power off and on, and a session.
  func restart() {
    reset()
    run { session.isEstablished }
  }

  var reports: Int {
    events.count { if case .message(.trainingProgress) = $0 { true } else { false } }
  }
}
