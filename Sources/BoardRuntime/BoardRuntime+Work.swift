import BoardStorage
import Digests
public import LinkProtocol
import TrainingCore

extension BoardRuntime where Hardware: ~Copyable {
  /// Does a slice of whatever there is to do.
  ///
  /// - Returns: whether there is more to do at once; otherwise sleep until a frame comes or
  ///   ``nextDeadline`` is due.
  public mutating func work(now: Timestamp) -> Bool {
    self.now = now
    let more = workSlice()
    settle()
    return more
  }

  private mutating func workSlice() -> Bool {
    // A model that arrived goes first: the gateway waits for its confirmation.
    if modelToVerify != nil { return verifySlice() }
    switch activity {
    case .idle: return beginNext()
    case .training(let job): return trainSlice(job)
    case .naming(let work): return nameSlice(work)
    case .evaluating(let job): return evaluateSlice(job)
    }
  }

  private mutating func beginNext() -> Bool {
    // An update that was not confirmed lies where weights would be loaded.
    guard bench.update == nil else { return false }
    if let model = nextEvaluation {
      nextEvaluation = nil
      do throws(BoardProblem) {
        activity = .evaluating(try bench.beginEvaluation(model))
      } catch {
        report(error, about: 0)
      }
      return true
    }
    if let task = nextTraining {
      nextTraining = nil
      do throws(BoardProblem) {
        activity = .training(try bench.beginTraining(task, now: now))
      } catch {
        report(error, about: task.round)
      }
      return true
    }
    return false
  }

  private mutating func report(_ problem: BoardProblem, about round: UInt32) {
    problemToSend = Problem(
      code: problem.code, about: round, needed: problem.needed, available: problem.available)
  }

  private mutating func verifySlice() -> Bool {
    guard var work = modelToVerify else { return false }
    do throws(FlashError) {
      guard let digest = try bench.verifyOne(&work) else {
        modelToVerify = work
        return true
      }
      modelToVerify = nil
      guard digest == work.name.digest else {
        bench.shelf.abandon()
        session.reject(work.transfer, because: .wrongDigest)
        return true
      }
      try bench.shelf.commit(&bench.hardware.flash, through: &bench.header)
      session.boardHolds(model: digest)
      session.confirm(work.transfer)
    } catch {
      modelToVerify = nil
      bench.shelf.abandon()
      session.reject(work.transfer, because: .storageFailed)
    }
    return true
  }

  private mutating func trainSlice(_ current: TrainingJob) -> Bool {
    var job = current
    do throws(BoardProblem) {
      let more = try bench.trainOne(&job.run)
      if !more || now - job.reported >= Self.reportInterval { reportProgress(&job) }
      if more {
        activity = .training(job)
      } else {
        try bench.makeUpdate(job)
        activity = .naming(Naming())
      }
    } catch {
      activity = .idle
      report(error, about: job.task.round)
    }
    return true
  }

  private mutating func reportProgress(_ job: inout TrainingJob) {
    let progress = job.run.progress
    let report = TrainingReport(
      round: job.task.round, epoch: UInt16(clamping: min(progress.epoch + 1, progress.epochs)),
      epochs: UInt16(clamping: progress.epochs), step: UInt32(clamping: progress.step),
      steps: UInt32(clamping: progress.steps), loss: progress.meanLoss)
    _ = session.send(.trainingProgress(report))
    job.reported = now
  }

  private mutating func nameSlice(_ current: Naming) -> Bool {
    var work = current
    activity = bench.nameOne(&work) ? .idle : .naming(work)
    return true
  }

  private mutating func evaluateSlice(_ current: EvaluationJob) -> Bool {
    var job = current
    do throws(BoardProblem) {
      if try bench.evaluateOne(&job) {
        activity = .evaluating(job)
        return true
      }
      reportToSend = EvaluationReport(
        model: job.model, count: UInt32(clamping: job.evaluation.count),
        correct: UInt32(clamping: job.evaluation.correct), loss: job.evaluation.meanLoss)
    } catch {
      report(error, about: 0)
    }
    activity = .idle
    return true
  }
}
