public import Digests
public import LinkProtocol
public import Rounds
public import UpdateCodec

/// An object that turns a model into the next version.
public struct ModelDelta: Sendable, Hashable {
  /// The model it starts from.
  public let base: ModelVersion
  /// The model it leads to.
  public let result: ModelVersion
  /// How it is coded.
  public let coding: UpdateCoding
  /// The object.
  public let bytes: [UInt8]
  /// Its name on a link.
  public let name: ObjectName

  /// A delta of two versions.
  public init(base: ModelVersion, result: ModelVersion, coding: UpdateCoding, bytes: [UInt8]) {
    self.base = base
    self.result = result
    self.coding = coding
    self.bytes = bytes
    name = ObjectName(digest: SHA256.hash(of: bytes.span), length: UInt32(clamping: bytes.count))
  }

  /// A delta as it was stored.
  ///
  /// - Throws: when the object's header cannot be read.
  public init(base: ModelVersion, result: ModelVersion, stored bytes: [UInt8]) throws(UpdateError) {
    let header = try DeltaHeader(parsing: bytes.span)
    self.init(base: base, result: result, coding: header.coding, bytes: bytes)
  }
}

/// The deltas that lead to a model, each starting where the one before it ends.
public struct DeltaChain: Sendable {
  /// What an object costs on a link besides its bytes: offer, answer, confirmation and the frames around them,
  /// about as many bytes.
  static let objectCost = 200

  private var deltas: [ModelDelta] = []

  /// A chain of no deltas.
  public init() {}

  /// The chain of these deltas, oldest first. What does not lead on to the last one is left out.
  public init(_ deltas: [ModelDelta]) {
    for delta in deltas { append(delta) }
  }

  /// Goes on to the next model.
  public mutating func append(_ delta: ModelDelta) {
    if deltas.last?.result != delta.base { deltas = [] }
    deltas.append(delta)
  }

  /// Forgets the deltas from which on the way to the last model costs as much as its snapshot.
  public mutating func trim(toSnapshotOf length: Int) {
    var cost = 0
    let kept = deltas.reversed().prefix { delta in
      cost += delta.bytes.count + Self.objectCost
      return cost < length + Self.objectCost
    }
    deltas = kept.reversed()
  }

  /// The deltas that lead from a model to the last one, if a board that knows these codings can take them.
  ///
  /// - Returns: nil if the chain does not come by that model, or only in codings that the board does not know.
  public func path(from held: Digest32, codings: CodingSet) -> ArraySlice<ModelDelta>? {
    guard let first = deltas.firstIndex(where: { $0.base.hash == held }) else { return nil }
    let path = deltas[first...]
    return path.allSatisfy { codings.contains($0.coding) } ? path : nil
  }
}
