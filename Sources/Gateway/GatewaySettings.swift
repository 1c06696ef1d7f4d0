public import Bytes
public import LinkProtocol
public import Rounds
public import TrainingCore

/// What a gateway is told when it starts.
public struct GatewaySettings: Sendable {
  /// The gateway's name, for boards to show.
  public var name: ShortText
  /// When rounds open and close.
  public var policy: RoundPolicy
  /// How boards train; the seed is that of round 0.
  public var training: Hyperparameters
  /// The largest Euclidean norm that an update may have.
  public var normBound: Float
  /// The longest update taken, in bytes.
  public var largestUpdate: UInt32
  /// Longest frame taken, and bytes that may be under way from a board. What is under way is what a cut costs; more than
  /// 4 KB make no serial or Bluetooth link faster.
  public var limits: LinkLimits
  /// How updates and models are coded on their way.
  public var compression: CompressionChoice
  /// The number that boards know the run by; 0 for none.
  public var run: UInt32

  /// Settings with the limits of a gateway.
  public init(
    name: ShortText, policy: RoundPolicy, training: Hyperparameters, normBound: Float = 1000,
    largestUpdate: UInt32 = 16 << 20, limits: LinkLimits = LinkLimits(maximumFrame: 1040, window: 4096),
    compression: CompressionChoice = .automatic, run: UInt32 = 0
  ) {
    self.name = name
    self.policy = policy
    self.training = training
    self.normBound = normBound
    self.largestUpdate = largestUpdate
    self.limits = limits
    self.compression = compression
    self.run = run
  }

  /// How boards train in a round: every round has an order of examples of its own.
  public func training(in round: RoundNumber) -> Hyperparameters {
    var parameters = training
    parameters.seed &+= round.rawValue &- 1
    return parameters
  }
}

/// The model that a round begins with, as it goes to boards.
public struct CurrentModel: Sendable {
  /// Its number and digest.
  public var version: ModelVersion
  /// What it is.
  public var description: ModelDescription
  /// The snapshot object.
  public var snapshot: [UInt8]
  /// How boards that hold an older version come to it.
  public var deltas: DeltaChain

  /// A model.
  public init(
    version: ModelVersion, description: ModelDescription, snapshot: [UInt8], deltas: DeltaChain = DeltaChain()
  ) {
    self.version = version
    self.description = description
    self.snapshot = snapshot
    self.deltas = deltas
  }

  /// The model after a round that began with this one.
  public func next(_ result: RoundResult, as version: ModelVersion) -> Self {
    var deltas = deltas
    if let delta = result.delta { deltas.append(delta) } else { deltas = DeltaChain() }
    deltas.trim(toSnapshotOf: result.model.snapshot.count)
    return Self(
      version: version, description: result.model.description, snapshot: result.model.snapshot, deltas: deltas
    )
  }
}
