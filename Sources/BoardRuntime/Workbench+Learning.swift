import BoardStorage
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

extension Workbench where Hardware: ~Copyable {
  // MARK: Training

  /// Sets up training: checks the task against model, examples and memory, and loads the weights.
  mutating func beginTraining(_ task: TrainTask, now: Timestamp) throws(BoardProblem) -> TrainingJob {
    guard let base = shelf.held(task.model) else { throw BoardProblem(.modelNotHeld) }
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
    try load(base, snapshot, to: plan.weights, subtracting: false)
    var memory = arena.mutableSpan
    run.begin(arena: &memory)
    return TrainingJob(task: task, base: base, run: run, reported: now)
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

  /// Turns the trained weights into the difference to the base model, in place.
  mutating func makeUpdate(_ job: TrainingJob) throws(BoardProblem) {
    let snapshot = try snapshot(job.base)
    try load(job.base, snapshot, to: job.run.plan.weights, subtracting: true)
    let header = UpdateHeader(
      coding: .float32, round: job.task.round, examples: UInt32(clamping: job.run.examples),
      parameterCount: UInt32(clamping: snapshot.model.parameterCount), loss: job.run.progress.meanLoss,
      base: DigestTag(job.task.model))
    update = PendingUpdate(header: header, parameters: job.run.plan.weights, name: nil, transfer: nil)
  }

  // MARK: Evaluation

  /// Sets up an evaluation.
  mutating func beginEvaluation(_ model: Digest32) throws(BoardProblem) -> EvaluationJob {
    guard let held = shelf.held(model) else { throw BoardProblem(.modelNotHeld) }
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
    try load(held, snapshot, to: plan.weights, subtracting: false)
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

  // MARK: Digests

  /// Bytes of an object that are hashed in one slice.
  static var hashSlice: Int { 512 }

  /// Hashes the next slice of a model that arrived.
  ///
  /// - Returns: its digest, when it is complete.
  mutating func verifyOne(_ work: inout Verification) throws(FlashError) -> Digest32? {
    var bytes: InlineArray<512, UInt8> = .init(repeating: 0)
    let count = min(Self.hashSlice, Int(work.name.length) - work.offset)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    try shelf.read(place: work.place, at: work.offset, into: &part, &hardware.flash)
    work.digest.update(bytes.span.extracting(0..<count))
    work.offset += count
    return work.offset == Int(work.name.length) ? work.digest.finalize() : nil
  }

  /// Hashes the next slice of the pending update.
  ///
  /// - Returns: whether it is named now.
  mutating func nameOne(_ work: inout Naming) -> Bool {
    guard var pending = update else { return true }
    // The name is not known yet, and `read` goes by it.
    let provisional = ObjectName(digest: .zero, length: UInt32(clamping: pending.objectLength))
    update?.name = provisional
    var bytes: InlineArray<512, UInt8> = .init(repeating: 0)
    let count = min(Self.hashSlice, pending.objectLength - work.offset)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    _ = read(provisional, at: work.offset, into: &part)
    work.digest.update(bytes.span.extracting(0..<count))
    work.offset += count
    let whole = work.offset == pending.objectLength
    pending.name =
      whole ? ObjectName(digest: work.digest.finalize(), length: provisional.length) : nil
    update = pending
    return whole
  }
}
