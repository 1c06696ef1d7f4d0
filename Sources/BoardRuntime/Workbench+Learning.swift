import BoardStorage
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

extension Workbench where Hardware: ~Copyable {
  // MARK: Training

  /// Sets up training: checks the task against model, examples and memory, and loads the weights.
  mutating func beginTraining(_ task: TrainTask, now: Timestamp) throws(BoardProblem) -> TrainingJob {
    guard let base = store.model(task.model) else { throw BoardProblem(.modelNotHeld) }
    guard let coding = UpdateCoding(code: task.coding, parameter: task.codingParameter) else {
      throw BoardProblem(.taskInvalid)
    }
    let snapshot = try snapshot(base)
    try check(snapshot.model)
    let examples = hardware.examples.count(of: .training)
    guard examples > 0 else { throw BoardProblem(.noExamples) }
    let hyperparameters = Hyperparameters(
      epochs: task.epochs, batchSize: task.batchSize, learningRate: task.learningRate,
      momentum: task.momentum, weightDecay: task.weightDecay, proximal: task.proximal, seed: task.seed)
    let plan: MemoryPlan
    do throws(ModelError) {
      plan = try MemoryPlan(training: snapshot.model, with: hyperparameters, arena: arena.count)
    } catch {
      throw Self.problem(error)
    }
    var run: TrainingRun
    do throws(TrainingError) {
      run = try TrainingRun(snapshot.model, hyperparameters, plan: plan, examples: examples)
    } catch {
      throw BoardProblem(.taskInvalid)
    }
    try loadParameters(of: base, snapshot, to: plan.weights)
    var memory = arena.mutableSpan
    run.begin(arena: &memory)
    self.base = base
    return TrainingJob(
      task: task, base: base, headerLength: snapshot.headerLength, coding: coding, run: run, reported: now)
  }

  private mutating func loadParameters(
    of model: StoredObject, _ snapshot: ModelSnapshot, to range: Range<Int>
  ) throws(BoardProblem) {
    do throws(StorageError) {
      try load(model, at: snapshot.headerLength, to: range, .replace)
    } catch {
      throw problem(error, with: model)
    }
  }

  static func problem(_ error: ModelError) -> BoardProblem {
    if case .doesNotFit(let needed, let available) = error {
      return BoardProblem(.modelTooLarge, needed: needed, available: available)
    }
    return BoardProblem(.modelInvalid)
  }

  /// Trains on one example.
  ///
  /// - Returns: false when the run is over, in success or not.
  mutating func trainOne(_ run: inout TrainingRun) throws(BoardProblem) -> Bool {
    guard let index = run.nextExample else { return false }
    guard
      let outcome = ExampleFeatures.train(
        &run, on: index, of: &hardware.examples, through: &features, arena: &arena)
    else { throw BoardProblem(.noExamples) }
    switch outcome {
    case .accumulated, .applied:
      return run.nextExample != nil
    case .failed(.lossNotFinite):
      throw BoardProblem(.diverged)
    case .failed:
      throw BoardProblem(.modelMismatch)
    }
  }

  // MARK: Evaluation

  /// Sets up an evaluation.
  mutating func beginEvaluation(_ model: Digest32) throws(BoardProblem) -> EvaluationJob {
    guard let held = store.model(model) else { throw BoardProblem(.modelNotHeld) }
    let snapshot = try snapshot(held)
    try check(snapshot.model)
    let count = hardware.examples.count(of: .heldOut)
    guard count > 0 else { throw BoardProblem(.noExamples) }
    let plan: MemoryPlan
    do throws(ModelError) {
      plan = try MemoryPlan(evaluating: snapshot.model, arena: arena.count)
    } catch {
      throw Self.problem(error)
    }
    let evaluation: Evaluation
    do throws(TrainingError) {
      evaluation = try Evaluation(snapshot.model, plan: plan)
    } catch {
      throw BoardProblem(.modelInvalid)
    }
    try loadParameters(of: held, snapshot, to: plan.weights)
    return EvaluationJob(model: model, evaluation: evaluation, count: count)
  }

  /// Evaluates one example.
  ///
  /// - Returns: false when there are no more.
  mutating func evaluateOne(_ job: inout EvaluationJob) throws(BoardProblem) -> Bool {
    guard job.next < job.count else { return false }
    guard
      let outcome = ExampleFeatures.evaluate(
        &job.evaluation, on: job.next, of: &hardware.examples, through: &features, arena: &arena)
    else { throw BoardProblem(.noExamples) }
    if case .failed = outcome { throw BoardProblem(.modelMismatch) }
    job.next += 1
    return job.next < job.count
  }
}
