import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// What a board works with: its hardware, the objects in flash, and the arena in which it trains. It also is
/// what the session reads updates from and writes models to.
struct Workbench<Hardware: BoardHardware & ~Copyable>: ~Copyable {
  var hardware: Hardware
  var store: ObjectStore
  /// Memory for training and evaluation, allocated once.
  var arena: [Float]
  var features: ExampleFeatures
  /// The update that was not confirmed.
  var update: PendingUpdate?
  /// What the update could not be read for: it is of no use any more.
  var updateIsDamaged = false
  /// The transfer that brings in an object now.
  var arriving: TransferNumber?
  /// The model that training began with, for as long as it is needed.
  var base: StoredObject?
  /// The update that is being made.
  var coding: CodingJob?
  /// The delta that is being added to its base.
  var application: DeltaApplication?
  /// What codes and decodes; one each. More than a kilobyte would be copied to the stack with the workbench again and
  /// again, so they are in arrays that are made once.
  var encoder = [DifferenceEncoder?](repeating: nil, count: 1)
  var decoder = [DifferenceDecoder?](repeating: nil, count: 1)
  /// Room for what is written or read: nothing is allocated once the board runs.
  var header = BoundedBytes(capacity: 64)
  var code = BoundedBytes(capacity: DifferenceEncoder.outputRoom)

  init(hardware: consuming Hardware, arena: Int) {
    self.arena = [Float](repeating: 0, count: arena)
    features = ExampleFeatures(width: hardware.examples.featureWidth, input: hardware.examples.input)
    store = ObjectStore(mounting: &hardware.flash)
    update = PendingUpdate(in: store)
    self.hardware = hardware
  }

  // MARK: Models

  /// The newest model in flash.
  var newestModel: Digest32? {
    @inline(never) get {
      guard let model = store.object(.newestModel) else { return nil }
      return store.digest(of: model)
    }
  }

  /// Reads the header of a stored model.
  @inline(never)
  mutating func snapshot(_ model: StoredObject) throws(BoardProblem) -> ModelSnapshot {
    var bytes: InlineArray<64, UInt8> = .init(repeating: 0)
    let count = min(ModelSnapshot.maximumHeaderLength, model.length)
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    do throws(StorageError) {
      try store.read(model, at: 0, into: &part, &hardware.flash)
    } catch {
      throw problem(error, with: model)
    }
    do throws(SnapshotError) {
      return try ModelSnapshot(parsing: bytes.span.extracting(0..<count), length: model.length)
    } catch {
      throw BoardProblem(.modelInvalid)
    }
  }

  /// What to do with values of flash.
  enum Combination {
    case replace
    case add
    case subtract
  }

  /// Reads the float32 that begin at byte `offset` of an object, and writes them to `arena[range]`, or adds them to or
  /// subtracts them from what is there.
  @inline(never)
  mutating func load(
    _ object: StoredObject, at offset: Int, to range: Range<Int>, _ how: Combination
  ) throws(StorageError) {
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var parameters: InlineArray<64, Float> = .init(repeating: 0)
    var done = 0
    while done < range.count {
      let count = min(64, range.count - done)
      var span = bytes.mutableSpan
      var part = span._mutatingExtracting(0..<4 * count)
      try store.read(object, at: offset + 4 * done, into: &part, &hardware.flash)
      var block = parameters.mutableSpan
      ModelSnapshot.readParameters(bytes.span.extracting(0..<4 * count), into: &block)
      for i in 0..<count {
        let at = range.lowerBound + done + i
        switch how {
        case .replace: arena[at] = parameters[i]
        case .add: arena[at] += parameters[i]
        case .subtract: arena[at] -= parameters[i]
        }
      }
      done += count
    }
  }

  /// Whether the model can work on this board's examples.
  func check(_ model: ModelDescription) throws(BoardProblem) {
    guard model.inputWidth == hardware.examples.featureWidth, model.input == hardware.examples.input,
      model.outputWidth == hardware.examples.classCount
    else { throw BoardProblem(.modelMismatch) }
  }

  /// What an error of the store means for work with `object`. One that is damaged is forgotten, so that it can come
  /// again.
  @inline(never)
  mutating func problem(_ error: StorageError, with object: StoredObject) -> BoardProblem {
    switch error {
    case .damaged:
      try? store.remove(object, &hardware.flash)
      return BoardProblem(.modelInvalid)
    case .notHeld, .incomplete, .outOfRange:
      return BoardProblem(.modelNotHeld)
    case .flash, .full, .conflict:
      return BoardProblem(.flashFailed)
    }
  }

  // MARK: Room

  /// Whether so many pages are free, after what nobody needs has gone: first an object of which the rest does not come,
  /// then the model besides the newest, then, if a whole model comes, that.
  @inline(never)
  mutating func makeRoom(pages: Int, forModel: Bool = false) -> Bool {
    if store.freePages < pages, arriving == nil, application == nil, store.object(.arrival) != nil {
      try? store.dropArrival(&hardware.flash)
    }
    if store.freePages < pages { release(store.object(.otherModel)) }
    if store.freePages < pages, forModel { release(store.object(.newestModel)) }
    return store.freePages >= pages
  }

  @inline(never)
  private mutating func release(_ model: StoredObject?) {
    guard let model, model.id != base?.id, model.id != application?.base.id else { return }
    try? store.remove(model, &hardware.flash)
  }
}

/// Something that the board cannot do, as it will be told to the gateway.
struct BoardProblem: Error, Equatable {
  var code: ProblemCode
  var needed: UInt32?
  var available: UInt32?

  init(_ code: ProblemCode, needed: Int? = nil, available: Int? = nil) {
    self.code = code
    self.needed = needed.map { UInt32(clamping: $0) }
    self.available = available.map { UInt32(clamping: $0) }
  }
}

extension Workbench: ObjectAccess where Hardware: ~Copyable {
  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let update, update.name == object else { return false }
    do throws(StorageError) {
      try store.read(update.object, at: offset, into: &destination, &hardware.flash)
      return true
    } catch {
      updateIsDamaged = true
      return false
    }
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard let arrival = store.object(.arrival), store.digest(of: arrival) == object.digest,
      arrival.length == Int(object.length)
    else { return false }
    do throws(StorageError) {
      try store.write(bytes, at: offset, &hardware.flash)
      return true
    } catch {
      return false
    }
  }
}
