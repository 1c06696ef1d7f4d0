import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// From trained weights to an update in flash: the difference d = (weights − base) + residual is coded, what the code
/// leaves out becomes the next residual, and both begin to count at once.
extension Workbench where Hardware: ~Copyable {
  /// Values that one slice subtracts, adds, looks at or writes.
  static var valueSlice: Int { 256 }

  /// Begins to make an update of what training gave.
  @inline(never)
  mutating func beginCoding(_ job: TrainingJob) {
    let count = job.run.model.parameterCount
    let header = UpdateHeader(
      coding: job.coding, round: job.task.round, examples: UInt32(clamping: job.run.examples),
      parameterCount: UInt32(clamping: count), loss: job.run.progress.meanLoss,
      base: DigestTag(job.task.model))
    coding = CodingJob(
      task: job.task, base: job.base, baseParameters: job.headerLength, header: header,
      values: job.run.plan.weights)
    makeEncoder(job.coding, for: job.run.model)
  }

  // A coder takes more than a kilobyte, and is on the stack for as long as it takes to make it.
  @inline(never)
  private mutating func makeEncoder(_ coding: UpdateCoding, for model: ModelDescription) {
    encoder[0] = DifferenceEncoder(coding, for: model)
  }

  /// Gives up the update that is being made.
  @inline(never)
  mutating func stopCoding() {
    guard coding != nil else { return }
    coding = nil
    base = nil
    store.discard(.update)
    store.discard(.nextResidual)
  }

  /// Does the next slice.
  ///
  /// - Returns: false when the update is there, pending.
  @inline(never)
  mutating func codeOne() throws(BoardProblem) -> Bool {
    guard var job = coding else { return false }
    do throws(StorageError) {
      switch job.stage {
      case .subtracting: try subtractBase(&job)
      case .adding: addResidual(&job)
      case .encoding: try encode(&job)
      case .inspecting: inspect(&job)
      case .keeping: try keepRest(&job)
      case .publishing:
        try publish(job)
        return false
      }
      coding = job
      return true
    } catch {
      throw problem(error, with: job.base)
    }
  }

  /// The next values of a stage; nil when all are done with.
  private func nextValues(_ job: inout CodingJob) -> Range<Int>? {
    let start = job.done
    guard start < job.values.count else { return nil }
    job.done = min(start + Self.valueSlice, job.values.count)
    return start..<job.done
  }

  private func enter(_ stage: CodingJob.Stage, _ job: inout CodingJob) {
    job.stage = stage
    job.done = 0
  }

  @inline(never)
  private mutating func subtractBase(_ job: inout CodingJob) throws(StorageError) {
    guard let next = nextValues(&job) else { return enter(.adding, &job) }
    let place = job.values.lowerBound + next.lowerBound..<job.values.lowerBound + next.upperBound
    try load(job.base, at: job.baseParameters + 4 * next.lowerBound, to: place, .subtract)
  }

  @inline(never)
  private mutating func addResidual(_ job: inout CodingJob) {
    guard let residual = store.object(.residual), let about = ResidualMetadata(store.metadata(of: residual)),
      about.run == job.task.run, about.parameterCount == job.header.parameterCount,
      residual.length == 4 * job.values.count, let next = nextValues(&job)
    else { return beginEncoding(&job) }
    let place = job.values.lowerBound + next.lowerBound..<job.values.lowerBound + next.upperBound
    do throws(StorageError) {
      try load(residual, at: 4 * next.lowerBound, to: place, .add)
    } catch {
      // Less is made up for than could be; that is all.
      try? store.remove(residual, &hardware.flash)
      beginEncoding(&job)
    }
  }

  @inline(never)
  private mutating func beginEncoding(_ job: inout CodingJob) {
    // As much as an entropy coder can at worst make of float32, and the rest if there can be any.
    var pages = store.pages(for: UpdateHeader.maximumLength + 5 * job.values.count)
    switch job.header.coding {
    case .float32, .lossless: break
    case .step, .stc: pages += store.pages(for: 4 * job.values.count)
    }
    _ = makeRoom(pages: pages)
    enter(.encoding, &job)
    store.begin(.update)
    code.removeAll()
    job.header.encode(into: &code)
  }

  @inline(never)
  private mutating func encode(_ job: inout CodingJob) throws(StorageError) {
    // What the last slice gave, or the header.
    job.digest.update(code.span)
    try Self.append(code, to: .update, &store, &hardware.flash)
    code.removeAll()
    guard job.done == 0 else { return enter(.inspecting, &job) }
    let hasMore = Self.work(&encoder, on: &arena, job.values, into: &code)
    if !hasMore { job.done = 1 }
  }

  // Spans of a struct's members take hold of all of it; of arguments they do not.

  private static func append(
    _ bytes: borrowing BoundedBytes, to draft: Draft, _ store: inout ObjectStore,
    _ flash: inout Hardware.Flash
  ) throws(StorageError) {
    try store.append(bytes.span, to: draft, &flash)
  }

  private static func work(
    _ encoder: inout [DifferenceEncoder?], on arena: inout [Float], _ range: Range<Int>,
    into code: inout BoundedBytes
  ) -> Bool {
    var memory = arena.mutableSpan
    var values = memory._mutatingExtracting(range)
    return encoder[0]?.work(on: &values, into: &code) ?? false
  }

  @inline(never)
  private mutating func inspect(_ job: inout CodingJob) {
    guard let next = nextValues(&job) else { return enter(.publishing, &job) }
    for i in next where arena[job.values.lowerBound + i] != 0 {
      job.hasRest = true
      store.begin(.nextResidual)
      return enter(.keeping, &job)
    }
  }

  @inline(never)
  private mutating func keepRest(_ job: inout CodingJob) throws(StorageError) {
    guard let next = nextValues(&job) else { return enter(.publishing, &job) }
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var at = next.lowerBound
    while at < next.upperBound {
      let count = min(64, next.upperBound - at)
      let from = job.values.lowerBound + at
      var span = bytes.mutableSpan
      var part = span._mutatingExtracting(0..<4 * count)
      ModelSnapshot.writeBytes(of: arena.span.extracting(from..<from + count), from: 0, into: &part)
      try store.append(bytes.span.extracting(0..<4 * count), to: .nextResidual, &hardware.flash)
      at += count
    }
  }

  @inline(never)
  private mutating func publish(_ current: CodingJob) throws(StorageError) {
    var job = current
    let about = UpdateMetadata(round: job.task.round, run: job.task.run, base: job.header.base)
    let metadata = about.stored(through: &header)
    var rest: StoredMetadata?
    if job.hasRest {
      let about = ResidualMetadata(
        parameterCount: job.header.parameterCount, run: job.task.run, round: job.task.round)
      rest = about.stored(through: &header)
    }
    try store.publishUpdate(
      kind: ObjectKind.update.rawValue, digest: job.digest.finalize(), metadata: metadata, residual: rest,
      &hardware.flash)
    update = PendingUpdate(in: store)
    updateIsDamaged = false
    coding = nil
    base = nil
  }
}
