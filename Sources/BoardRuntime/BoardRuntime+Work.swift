import BoardStorage
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
    guard !taskSlice() else {
      lastBusy = now
      return true
    }
    guard case .idle = activity else { return false }
    return prepareFlash()
  }

  private mutating func taskSlice() -> Bool {
    // What arrived goes first: the gateway waits for its confirmation.
    if arrivalSlice() { return true }
    switch activity {
    case .idle: return beginNext()
    case .training(let job): return trainSlice(job)
    case .coding: return codeSlice()
    case .evaluating(let job): return evaluateSlice(job)
    }
  }

  @inline(never)
  private mutating func beginNext() -> Bool {
    if let model = nextEvaluation {
      nextEvaluation = nil
      do throws(BoardProblem) {
        activity = .evaluating(try bench.beginEvaluation(model))
      } catch {
        report(error, about: 0)
      }
      return true
    }
    if let task = nextTraining, bench.update == nil {
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

  @inline(never)
  private mutating func report(_ problem: BoardProblem, about round: UInt32) {
    // A model that proved to be damaged is there no more.
    noteModel()
    problemToSend = Problem(
      code: problem.code, about: round, needed: problem.needed, available: problem.available)
  }

  /// Makes later writes fast while there is nothing else to do. What is coming in, or what is about to be asked, waits
  /// while a page is erased, so that then no more is done than it needs.
  @inline(never)
  private mutating func prepareFlash() -> Bool {
    do throws(StorageError) {
      return try bench.store.prepareOne(
        sparingly: bench.arriving != nil || !isQuiet, &bench.hardware.flash)
    } catch {
      return false
    }
  }

  @inline(never)
  private mutating func trainSlice(_ current: TrainingJob) -> Bool {
    var job = current
    do throws(BoardProblem) {
      let more = try bench.trainOne(&job.run)
      if !more || now - job.reported >= Self.reportInterval { reportProgress(&job) }
      if more {
        activity = .training(job)
      } else {
        bench.beginCoding(job)
        activity = .coding
      }
    } catch {
      stopActivity()
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

  @inline(never)
  private mutating func codeSlice() -> Bool {
    let round = bench.coding?.task.round ?? 0
    do throws(BoardProblem) {
      if try !bench.codeOne() { activity = .idle }
    } catch {
      stopActivity()
      report(error, about: round)
    }
    return true
  }

  /// Leaves whatever it is busy with.
  @inline(never)
  mutating func stopActivity() {
    bench.stopCoding()
    bench.base = nil
    activity = .idle
  }

  @inline(never)
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
