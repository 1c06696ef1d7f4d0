import TrainingCore

// The results of these depend on every rounding in between: one contracted multiplication, one sum in
// another order, and the hash is another.

/// exp from -110 to 95 and log over all magnitudes, subnormal ones included.
func elementaryFunctionsHash() -> UInt32 {
  var hash = FNV1a()
  var x: Float = -110
  while x < 95 {
    hash.add(ElementaryFunctions.exp(x))
    x += 0.109_375
  }
  var bits: UInt32 = 1
  while bits < 0x7f80_0000 {
    hash.add(ElementaryFunctions.log(Float(bitPattern: bits)))
    bits += 1_048_573
  }
  return hash.value
}

/// Orders of a few sizes, seeds and epochs.
func epochOrderHash() -> UInt32 {
  var hash = FNV1a()
  for count in 1..<70 {
    let order = EpochOrder(count: count, seed: UInt32(count) &* 7, epoch: UInt32(count & 3))
    for position in 0..<count { hash.add(UInt32(order.example(at: position))) }
  }
  return hash.value
}

/// 100 steps of 256→10, each example its own batch.
func logisticRegressionHash() -> UInt32 {
  guard let model = try? ModelDescription(inputWidth: 256, classes: 10) else { return 0 }
  return parametersHash(
    model, Hyperparameters(learningRate: 0.05, seed: 1), examples: 100)
}

/// 104 steps of 30→16→7 with everything switched on; 100 examples make batches of 8 and a last one of 4.
func hiddenLayerHash() -> UInt32 {
  guard let model = try? ModelDescription(inputWidth: 30, hidden: 16, classes: 7) else { return 0 }
  return parametersHash(
    model,
    Hyperparameters(
      epochs: 8, batchSize: 8, learningRate: 0.1, momentum: 0.9, weightDecay: 0.001, proximal: 0.01, seed: 2),
    examples: 100)
}

/// 100 steps of 64→10 on 8-bit examples, with weight decay.
func quantisedInputHash() -> UInt32 {
  let input = InputFormat.int8(scale: 0.0227, zeroPoint: -5)
  guard let model = try? ModelDescription(inputWidth: 64, classes: 10, input: input) else { return 0 }
  return parametersHash(
    model, Hyperparameters(epochs: 2, learningRate: 0.1, weightDecay: 0.001, seed: 3), examples: 50)
}

/// A head 30→5 trained for 40 steps on the features of a quantised layer 70→30; rows of 70 begin at odd halves of
/// words.
func frozenLayerHash() -> UInt32 {
  let input = InputFormat.int8(scale: 0.0227, zeroPoint: -5)
  guard let extractor = try? ModelDescription(inputWidth: 70, classes: 30, input: input) else { return 0 }
  var parameters = [Float](repeating: 0, count: extractor.parameterCount)
  var room = parameters.mutableSpan
  initialiseWeights(of: extractor, seed: 4, into: &room)
  for o in 0..<30 { parameters[70 * 30 + o] = Float(o % 7) - 3 }

  var weights = [Int8](repeating: 0, count: 70 * 30)
  var biases = [Int32](repeating: 0, count: 30)
  var scales = [Float](repeating: 0, count: 30)
  var w = weights.mutableSpan
  var b = biases.mutableSpan
  var s = scales.mutableSpan
  do throws(ModelError) {
    try FrozenLayer.quantise(
      extractor.layer(0), parameters.span, scale: 0.0227, zeroPoint: -5, weights: &w, biases: &b, scales: &s)
    let layer = try FrozenLayer(
      inputs: 70, activation: .relu, weights: w.span, biases: b.span, scales: s.span)
    return headHash(on: layer)
  } catch {
    return 0
  }
}

private func headHash(on layer: FrozenLayer) -> UInt32 {
  let hyperparameters = Hyperparameters(epochs: 2, learningRate: 0.05, seed: 5)
  guard let head = try? ModelDescription(inputWidth: layer.outputs, classes: 5),
    let plan = try? MemoryPlan(training: head, with: hyperparameters, arena: 1 << 12),
    var run = try? TrainingRun(head, hyperparameters, plan: plan, examples: 20)
  else { return 0 }
  var memory = [Float](repeating: 0, count: plan.total)
  var arena = memory.mutableSpan
  run.begin(arena: &arena)
  var x = [Int8](repeating: 0, count: layer.inputs)
  var features = [Float](repeating: 0, count: layer.outputs)
  while let example = run.nextExample {
    var random = SplitMix64(seed: UInt64(example))
    for i in 0..<x.count { x[i] = Int8(truncatingIfNeeded: Int(truncatingIfNeeded: random.next())) }
    var room = features.mutableSpan
    do throws(ExampleFailure) { try layer.forward(x.span, into: &room) } catch { return 0 }
    if case .failed = run.train(features.span, label: example % 5, arena: &arena) { return 0 }
  }
  guard run.isFinished else { return 0 }
  var hash = FNV1a()
  for i in 0..<features.count { hash.add(features[i]) }
  for i in plan.weights { hash.add(arena[i]) }
  return hash.value
}

/// Trains from seeded weights on seeded examples; 0 if it could not be done.
private func parametersHash(
  _ model: ModelDescription, _ hyperparameters: Hyperparameters, examples: Int
) -> UInt32 {
  guard let plan = try? MemoryPlan(training: model, with: hyperparameters, arena: 1 << 16),
    var run = try? TrainingRun(model, hyperparameters, plan: plan, examples: examples)
  else { return 0 }
  var memory = [Float](repeating: 0, count: plan.total)
  var arena = memory.mutableSpan
  var parameters = arena._mutatingExtracting(plan.weights)
  initialiseWeights(of: model, seed: UInt64(hyperparameters.seed), into: &parameters)
  run.begin(arena: &arena)

  var floats = [Float](repeating: 0, count: model.inputWidth)
  var bytes = [Int8](repeating: 0, count: model.inputWidth)
  while let example = run.nextExample {
    let label = example % model.outputWidth
    var random = SplitMix64(seed: UInt64(example))
    for i in 0..<model.inputWidth {
      // A ramp that depends on the class, so that there is something to learn under the noise.
      let signal: Float = i % model.outputWidth == label ? 0.5 : 0
      floats[i] = signal + random.nextSigned()
      bytes[i] = Int8(Int(floats[i] * 64))
    }
    let outcome =
      model.input == .float32
      ? run.train(floats.span, label: label, arena: &arena)
      : run.train(bytes.span, label: label, arena: &arena)
    if case .failed = outcome { return 0 }
  }
  guard run.isFinished else { return 0 }
  var hash = FNV1a()
  for i in plan.weights { hash.add(arena[i]) }
  return hash.value
}
