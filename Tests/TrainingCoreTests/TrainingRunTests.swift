import Testing
import TrainingCore

@Suite struct TrainingRunTests {
  @Test func exclusiveOrIsLearntWithOneHiddenLayer() throws {
    let model = try ModelDescription(inputWidth: 2, hidden: 8, classes: 2)
    let examples = Examples(inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
    let hyperparameters = Hyperparameters(
      epochs: 400, batchSize: 4, learningRate: 0.5, momentum: 0.5, seed: 5)
    var trainer = try Trainer(model, hyperparameters, examples: 4)
    trainer.finish(examples)
    let evaluation = try evaluate(model, trainer.parameters, examples)
    #expect(evaluation.correct == 4 && evaluation.meanLoss < 0.05)
  }

  private let model = try! ModelDescription(12, [9, 5])
  private let examples = Examples.random(23, width: 12, classes: 5, seed: 21)
  private let everything = Hyperparameters(
    epochs: 3, batchSize: 4, learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, proximal: 0.1, seed: 9)

  @Test func slicingIsInvisible() throws {
    var whole = try Trainer(model, everything, examples: 23)
    whole.finish(examples)

    // Another run of another model goes on in between, and the run itself is copied to and fro.
    var sliced = try Trainer(model, everything, examples: 23)
    var other = try Trainer(ModelDescription(12, [5]), Hyperparameters(learningRate: 0.2), examples: 23)
    while let outcome = sliced.step(examples) {
      #expect(outcome.loss != nil)
      _ = other.step(examples)
      let parked = (sliced.run, sliced.memory)
      sliced.memory = []
      (sliced.run, sliced.memory) = parked
    }
    #expect(sliced.parameters.bits == whole.parameters.bits)
  }

  @Test(arguments: [0, 0.01] as [Float])
  func descendingAtOnceGivesTheBitsOfCollectingABatchOfOne(weightDecay: Float) throws {
    let atOnce = Hyperparameters(epochs: 2, learningRate: 0.05, weightDecay: weightDecay, seed: 4)
    // So small that times the learning rate it is zero, but it takes the general path.
    var collecting = atOnce
    collecting.proximal = .leastNonzeroMagnitude
    var first = try Trainer(model, atOnce, examples: 23)
    var second = try Trainer(model, collecting, examples: 23)
    #expect(first.plan.gradient.isEmpty && !second.plan.gradient.isEmpty)
    #expect(first.finish(examples) == second.finish(examples))
    #expect(first.parameters.bits == second.parameters.bits)
  }

  @Test func eightBitExamplesTrainLikeTheFloatsTheyStandFor() throws {
    let (scale, zeroPoint) = (Float(0.0227), Int8(-128))
    var random = SplitMix64(seed: 31)
    let bytes = (0..<23).map { _ in (0..<12).map { _ in Int8(truncatingIfNeeded: random.next()) } }
    let floats = bytes.map { $0.map { Float(Int($0) - Int(zeroPoint)) * scale } }
    let quantised = try ModelDescription(12, [9, 5], input: .int8(scale: scale, zeroPoint: zeroPoint))
    var first = try Trainer(quantised, everything, examples: 23)
    var second = try Trainer(model, everything, examples: 23)
    while let next = first.run.nextExample {
      #expect(next == second.run.nextExample)
      let label = examples.labels[next]
      #expect(first.train(bytes[next], label) == second.train(floats[next], label))
    }
    #expect(first.parameters.bits == second.parameters.bits && first.run.isFinished)
  }

  @Test func everyEpochTakesEveryExampleOnceAndTheLastBatchMayBeSmaller() throws {
    var trainer = try Trainer(model, everything, examples: 23)
    for epoch in 0..<3 {
      var taken: [Int] = []
      var applied = 0
      for _ in 0..<23 {
        #expect(trainer.run.progress.epoch == epoch)
        taken.append(try #require(trainer.run.nextExample))
        if case .applied = trainer.step(examples) { applied += 1 }
      }
      #expect(taken.sorted() == Array(0..<23) && applied == 6)
    }
    #expect(trainer.run.isFinished && trainer.run.nextExample == nil && trainer.run.failure == nil)
  }

  @Test func progressCountsExamplesAndAveragesTheirLosses() throws {
    var trainer = try Trainer(model, everything, examples: 23)
    let before = trainer.run.progress
    #expect(before.step == 0 && before.steps == 69 && before.epochs == 3 && before.meanLoss == 0)
    let outcomes = trainer.finish(examples)
    let last = outcomes.suffix(23).compactMap(\.loss)
    let after = trainer.run.progress
    #expect(after.epoch == 3 && after.step == 69)
    #expect(abs(after.meanLoss - last.reduce(0, +) / 23) < 1e-5)
    #expect(last.reduce(0, +) < outcomes.prefix(23).compactMap(\.loss).reduce(0, +))
  }

  @Test func beginningAgainRepeatsTheRun() throws {
    var trainer = try Trainer(model, everything, examples: 23)
    let start = trainer.parameters
    let outcomes = trainer.finish(examples)
    let result = trainer.parameters
    trainer.memory.replaceSubrange(trainer.plan.weights, with: start)
    trainer.begin()
    #expect(trainer.finish(examples) == outcomes && trainer.parameters.bits == result.bits)
  }

  // What goes wrong is reported, ends the run, and leaves the parameters of the last batch.

  @Test func aLabelThatIsNoClassIsReported() throws {
    for label in [-1, 5, .max, .min] {
      var trainer = try Trainer(model, everything, examples: 23)
      let before = trainer.parameters
      let failure = ExampleFailure.labelOutOfRange(label: label, classes: 5)
      #expect(trainer.train(examples.inputs[0], label) == .failed(failure))
      #expect(trainer.run.failure == failure && trainer.run.nextExample == nil)
      #expect(trainer.train(examples.inputs[0], 0) == .failed(.notTraining))
      #expect(trainer.run.failure == failure && trainer.parameters.bits == before.bits)
    }
  }

  @Test func anExampleOfAnotherShapeIsReported() throws {
    for width in [0, 11, 13] {
      var trainer = try Trainer(model, everything, examples: 23)
      let x = [Float](repeating: 0, count: width)
      #expect(trainer.train(x, 0) == .failed(.inputWidth(got: width, expected: 12)))
    }
    var trainer = try Trainer(model, everything, examples: 23)
    #expect(trainer.train([Int8](repeating: 0, count: 12), 0) == .failed(.inputFormat))
    let quantised = try ModelDescription(12, [5], input: .int8(scale: 1, zeroPoint: 0))
    trainer = try Trainer(quantised, everything, examples: 23)
    #expect(trainer.train([Float](repeating: 0, count: 12), 0) == .failed(.inputFormat))
  }

  @Test(arguments: [.nan, .infinity, -.infinity, .greatestFiniteMagnitude] as [Float])
  func aLossThatIsNotFiniteEndsTheRun(value: Float) throws {
    var trainer = try Trainer(model, everything, examples: 23)
    for _ in 0..<4 { _ = trainer.step(examples) }
    let before = trainer.parameters
    #expect(trainer.train([Float](repeating: value, count: 12), 0) == .failed(.lossNotFinite))
    #expect(trainer.run.failure == .lossNotFinite && trainer.parameters.bits == before.bits)
  }

  @Test func divergenceIsNoticed() throws {
    let hyperparameters = Hyperparameters(epochs: 1000, learningRate: 100, momentum: 0.99)
    var trainer = try Trainer(model, hyperparameters, examples: 23)
    let outcomes = trainer.finish(examples)
    #expect(outcomes.last == .failed(.lossNotFinite))
  }

  @Test func anArenaTooSmallIsReportedAndNotTouched() throws {
    var trainer = try Trainer(model, everything, examples: 23)
    let needed = trainer.plan.total
    trainer.memory.removeLast()
    let failure = ExampleFailure.arenaTooSmall(needed: needed, available: needed - 1)
    #expect(trainer.step(examples) == .failed(failure))
    trainer.begin()
    #expect(trainer.run.failure == failure && trainer.run.nextExample == nil)
  }

  @Test func aRunThatWasNotBegunTrainsNothing() throws {
    let plan = try MemoryPlan(training: model, with: everything, arena: .max)
    var run = try TrainingRun(model, everything, plan: plan, examples: 23)
    var memory = [Float](repeating: 0, count: plan.total)
    var arena = memory.mutableSpan
    let x = examples.inputs[0]
    let outcome = run.train(x.span, label: 0, arena: &arena)
    #expect(run.nextExample == nil && outcome == .failed(.notTraining))
  }

  @Test func whatCannotBeSetUpIsRefused() throws {
    let plan = try MemoryPlan(training: model, with: everything, arena: .max)
    #expect(throws: TrainingError.noExamples) {
      try TrainingRun(model, everything, plan: plan, examples: 0)
    }
    #expect(throws: TrainingError.tooManyExamples) {
      try TrainingRun(model, everything, plan: plan, examples: EpochOrder.maximumCount + 1)
    }
    let evaluating = try MemoryPlan(evaluating: model, arena: .max)
    #expect(throws: TrainingError.planMismatch) {
      try TrainingRun(model, everything, plan: evaluating, examples: 1)
    }
    #expect(throws: TrainingError.planMismatch) {
      try TrainingRun(ModelDescription(12, [9, 6]), everything, plan: plan, examples: 1)
    }
    var wrong = everything
    wrong.momentum = 1
    #expect(throws: TrainingError.hyperparameters(.momentum)) {
      try TrainingRun(model, wrong, plan: plan, examples: 1)
    }
  }

  @Test func hyperparametersOutOfRangeAreNamed() throws {
    try everything.validate()
    func refused(_ error: HyperparameterError, _ change: (inout Hyperparameters) -> Void) {
      var changed = everything
      change(&changed)
      #expect(throws: error) { try changed.validate() }
    }
    refused(.epochs) { $0.epochs = 0 }
    refused(.batchSize) { $0.batchSize = 0 }
    for bad in [Float.nan, .infinity, -.infinity, -0.1] {
      refused(.learningRate) { $0.learningRate = bad }
      refused(.momentum) { $0.momentum = bad }
      refused(.weightDecay) { $0.weightDecay = bad }
      refused(.proximal) { $0.proximal = bad }
    }
    refused(.learningRate) { $0.learningRate = 0 }
    refused(.momentum) { $0.momentum = 1 }
    refused(.weightDecay) { $0.weightDecay = 1.01 }
  }
}
