/// The arithmetic of gradient descent on a workspace; which part is due when is the run's business.
///
/// Everything here is scaled by the learning rate already: `update` holds learningRate · v.
struct BatchUpdate {
  private let model: ModelDescription
  private let momentum: Float

  /// learningRate / batch size, for each example's gradient.
  private let gradientScale: Float
  private let decay: Float
  private let pull: Float

  init(_ model: ModelDescription, _ hyperparameters: Hyperparameters, batch: Int) {
    self.model = model
    momentum = hyperparameters.momentum
    gradientScale = hyperparameters.learningRate / Float(batch)
    decay = hyperparameters.learningRate * hyperparameters.weightDecay
    pull = hyperparameters.learningRate * hyperparameters.proximal
  }

  /// From the derivatives by the last layer's outputs, at the end of `deltas`, to those by all layers' sums.
  func backpropagate(
    _ weights: Span<Float>, _ activations: Span<Float>, _ deltas: inout MutableSpan<Float>
  ) {
    for l in stride(from: model.layerCount - 1, through: 0, by: -1) {
      let place = model.place(ofLayer: l)
      let parts = DividedSpan(
        deltas._mutatingExtracting(0..<place.outputs.upperBound), at: place.outputs.lowerBound)
      var below = parts.head
      var delta = parts.tail
      place.layer.passActivation(activations.extracting(place.outputs), &delta)
      if l > 0 {
        var inputDelta = below._mutatingExtracting(place.inputs)
        place.layer.backward(weights.extracting(place.parameters), delta.span, into: &inputDelta)
      }
    }
  }

  /// One example is the whole batch, without momentum and proximal term: descends at once.
  func descend(
    _ weights: inout MutableSpan<Float>, _ x: Span<Float>, _ activations: Span<Float>, _ deltas: Span<Float>
  ) {
    guard decay > 0 else { return add(-gradientScale, to: &weights, x, activations, deltas) }
    for l in 0..<model.layerCount {
      let place = model.place(ofLayer: l)
      var parameters = weights._mutatingExtracting(place.parameters)
      place.layer.descend(
        &parameters, rate: gradientScale, decay: decay, deltas.extracting(place.outputs),
        place.input(x, activations))
    }
  }

  /// Starts a batch: keeps the momentum's share of the last update.
  func open(_ update: inout MutableSpan<Float>) {
    if momentum > 0 {
      for i in 0..<update.count { update[i] *= momentum }
    } else {
      update.update(repeating: 0)
    }
  }

  /// Adds one example's share of the batch's mean gradient.
  func accumulate(
    _ update: inout MutableSpan<Float>, _ x: Span<Float>, _ activations: Span<Float>, _ deltas: Span<Float>
  ) {
    add(gradientScale, to: &update, x, activations, deltas)
  }

  /// Ends a batch: adds the terms that do not depend on examples, then descends.
  func close(
    _ weights: inout MutableSpan<Float>, base: Span<Float>, _ update: inout MutableSpan<Float>
  ) {
    if decay > 0 { addDecay(weights.span, &update) }
    let count = weights.count
    precondition(update.count == count)
    if pull > 0 {
      precondition(base.count == count)
      for i in 0..<count { update[i] += pull * (weights[i] - base[i]) }
    }
    for i in 0..<count { weights[i] -= update[i] }
  }

  private func add(
    _ scale: Float, to target: inout MutableSpan<Float>, _ x: Span<Float>, _ activations: Span<Float>,
    _ deltas: Span<Float>
  ) {
    for l in 0..<model.layerCount {
      let place = model.place(ofLayer: l)
      var own = target._mutatingExtracting(place.parameters)
      place.layer.addGradient(
        to: &own, scale: scale, deltas.extracting(place.outputs), place.input(x, activations))
    }
  }

  private func addDecay(_ parameters: Span<Float>, _ update: inout MutableSpan<Float>) {
    for l in 0..<model.layerCount {
      let place = model.place(ofLayer: l)
      let weights = parameters.extracting(place.parameters).extracting(first: place.layer.weightCount)
      var own = update._mutatingExtracting(place.parameters)
      precondition(own.count >= weights.count)
      for i in 0..<weights.count { own[i] += decay * weights[i] }
    }
  }
}
