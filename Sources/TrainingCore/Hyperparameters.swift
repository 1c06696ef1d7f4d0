/// Why hyperparameters are refused; each names the one to correct.
public enum HyperparameterError: Error, Equatable, Sendable {
  /// `epochs` is 0.
  case epochs

  /// `batchSize` is 0.
  case batchSize

  /// `learningRate` is not above 0 and at most 100.
  case learningRate

  /// `momentum` is not in 0..<1.
  case momentum

  /// `weightDecay` is not in 0...1.
  case weightDecay

  /// `proximal` is not in 0...1000.
  case proximal
}

/// How a model is trained.
public struct Hyperparameters: Sendable, Equatable {
  /// Passes over all examples, at least 1.
  public var epochs: UInt16

  /// Examples whose mean gradient makes one update, at least 1; the last batch of an epoch may be smaller.
  public var batchSize: UInt16

  /// Step size, above 0 and at most 100.
  public var learningRate: Float

  /// Share of the last update's velocity that is kept, in 0..<1.
  public var momentum: Float

  /// L2 decay of the weights, not of the biases, in 0...1: adds weightDecay · w to the gradient.
  public var weightDecay: Float

  /// FedProx's µ in 0...1000: adds µ · (w - w₀) to the gradient of weights and biases, w₀ being the
  /// parameters that the run began with (Li et al., "Federated Optimization in Heterogeneous Networks", 2020).
  public var proximal: Float

  /// Chooses the order of the examples.
  public var seed: UInt32

  /// Plain stochastic gradient descent unless told otherwise.
  public init(
    epochs: UInt16 = 1, batchSize: UInt16 = 1, learningRate: Float, momentum: Float = 0,
    weightDecay: Float = 0, proximal: Float = 0, seed: UInt32 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.proximal = proximal
    self.seed = seed
  }

  /// Throws the first value that is out of its range; NaN is out of every range.
  public func validate() throws(HyperparameterError) {
    guard epochs > 0 else { throw .epochs }
    guard batchSize > 0 else { throw .batchSize }
    guard learningRate > 0, learningRate <= 100 else { throw .learningRate }
    guard momentum >= 0, momentum < 1 else { throw .momentum }
    guard weightDecay >= 0, weightDecay <= 1 else { throw .weightDecay }
    guard proximal >= 0, proximal <= 1000 else { throw .proximal }
  }

  /// Whether every example may update the parameters at once, without memory for a gradient.
  var updatesInPlace: Bool { batchSize == 1 && momentum == 0 && proximal == 0 }
}
