/// How one lent block of floats is divided for training or evaluating a model.
///
/// The regions follow one another from index 0 in the order of their declarations here; one that is not
/// needed is empty. All sizes are in floats of 4 bytes.
public struct MemoryPlan: Sendable, Equatable {
  /// The parameters, trained in place.
  public let weights: Range<Int>

  /// The parameters that training began with; empty without a proximal term.
  public let base: Range<Int>

  /// The learning rate times the velocity; empty without momentum. The current batch's gradient is added into it.
  public let velocity: Range<Int>

  /// The learning rate times the current batch's mean gradient; empty with momentum (see ``velocity``), and
  /// when every example updates the parameters at once (batch size 1, neither momentum nor proximal term).
  public let gradient: Range<Int>

  /// Outputs of all layers for the current example.
  public let activations: Range<Int>

  /// Derivatives of the loss by the sums of all layers; empty for evaluation.
  public let deltas: Range<Int>

  /// An int8 example turned into floats; empty for models of float32 input.
  public let input: Range<Int>

  /// Floats that are used of the arena.
  public var total: Int { input.upperBound }

  /// Divides an arena of `arena` floats for training.
  ///
  /// - Throws: ``ModelError/doesNotFit(needed:available:)`` or ``ModelError/noLayers``.
  public init(
    training model: ModelDescription, with hyperparameters: Hyperparameters, arena: Int
  ) throws(ModelError) {
    let hasVelocity = hyperparameters.momentum > 0
    self.init(
      model, base: hyperparameters.proximal > 0, velocity: hasVelocity,
      gradient: !hasVelocity && !hyperparameters.updatesInPlace, deltas: true)
    try check(model, arena: arena)
  }

  /// Divides an arena of `arena` floats for evaluation.
  ///
  /// - Throws: ``ModelError/doesNotFit(needed:available:)`` or ``ModelError/noLayers``.
  public init(evaluating model: ModelDescription, arena: Int) throws(ModelError) {
    self.init(model, base: false, velocity: false, gradient: false, deltas: false)
    try check(model, arena: arena)
  }

  private init(_ model: ModelDescription, base: Bool, velocity: Bool, gradient: Bool, deltas: Bool) {
    let parameters = model.parameterCount
    let outputs = model.activationCount
    weights = 0..<parameters
    self.base = weights.followed(by: base ? parameters : 0)
    self.velocity = self.base.followed(by: velocity ? parameters : 0)
    self.gradient = self.velocity.followed(by: gradient ? parameters : 0)
    activations = self.gradient.followed(by: outputs)
    self.deltas = activations.followed(by: deltas ? outputs : 0)
    input = self.deltas.followed(by: model.input == .float32 ? 0 : model.inputWidth)
  }

  private func check(_ model: ModelDescription, arena: Int) throws(ModelError) {
    guard model.layerCount > 0 else { throw .noLayers }
    guard total <= arena else { throw .doesNotFit(needed: total, available: arena) }
  }
}

extension Range<Int> {
  /// The range of `count` that begins where this one ends.
  fileprivate func followed(by count: Int) -> Range<Int> { upperBound..<upperBound + count }
}
