import Aggregation
import Bytes
import Rounds
public import TrainingCore
public import UpdateCodec

/// A round's result: the next model.
public struct AggregatedModel: Sendable {
  /// What the model is.
  public var description: ModelDescription
  /// The snapshot object.
  public var snapshot: [UInt8]
  /// The encoded description.
  public var encodedDescription: [UInt8]
  /// The parameters.
  public var parameters: [Float]
}

/// Turns snapshots into parameters and back, and updates into the next model.
public enum RoundAggregation {
  /// The snapshot object of a model.
  public static func snapshot(
    of model: ModelDescription, version: UInt32, parameters: [Float]
  ) -> AggregatedModel {
    let header = ModelSnapshot(version: version, model: model)
    var buffer = BoundedBytes(capacity: ModelSnapshot.maximumHeaderLength)
    header.encodeHeader(into: &buffer)
    var bytes = [UInt8](repeating: 0, count: header.length)
    for i in 0..<buffer.count { bytes[i] = buffer.span[i] }
    var rest = bytes.mutableSpan
    var body = rest._mutatingExtracting(header.headerLength..<header.length)
    ModelSnapshot.writeBytes(of: parameters.span, from: 0, into: &body)
    var description = BoundedBytes(capacity: ModelDescription.maximumEncodedLength)
    model.encode(into: &description)
    return AggregatedModel(
      description: model, snapshot: bytes, encodedDescription: description.copied(), parameters: parameters)
  }

  /// Model and parameters of a snapshot.
  public static func parameters(
    of snapshot: [UInt8]
  ) throws(SnapshotError) -> (ModelDescription, [Float]) {
    let header = try ModelSnapshot(parsing: snapshot.span, length: snapshot.count)
    var parameters = [Float](repeating: 0, count: header.model.parameterCount)
    var room = parameters.mutableSpan
    ModelSnapshot.readParameters(
      snapshot.span.extracting(header.headerLength..<snapshot.count), into: &room)
    return (header.model, parameters)
  }

  /// Federated Averaging: the base model plus the average of the updates, weighted by examples.
  ///
  /// - Parameters:
  ///   - updates: the update objects of the boards that count, each judged sound before.
  ///   - base: the snapshot that all of them began with.
  ///   - version: number of the result.
  public static func next(
    from updates: [(examples: UInt32, payload: [UInt8])], base: [UInt8], version: UInt32
  ) throws -> AggregatedModel {
    let (model, parameters) = try self.parameters(of: base)
    var average = FederatedAverage(parameterCount: model.parameterCount)
    for update in updates {
      try average.add(
        Aggregation.Contribution(examples: update.examples, delta: try UpdateCheck.delta(of: update.payload)))
    }
    return snapshot(
      of: model, version: version, parameters: try apply(base: parameters, average: average.average()))
  }
}
