import BoardStorage
import Bytes
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// An update that the gateway has not confirmed. Its parameters are the differences that lie in the arena
/// where the weights were.
struct PendingUpdate {
  var header: UpdateHeader
  var parameters: Range<Int>
  /// Its name; nil until its digest is computed.
  var name: ObjectName?
  /// The transfer that carries it now.
  var transfer: TransferNumber?
  /// Not offered again before: the gateway had no room for it.
  var notBefore = Timestamp(microseconds: 0)

  /// Length of the whole object in bytes.
  var objectLength: Int { header.length + 4 * Int(header.parameterCount) }
}

/// What a board works with: its hardware, the models in flash, and the arena in which it trains. It also is
/// what the session reads updates from and writes models to.
struct Workbench<Hardware: BoardHardware & ~Copyable>: ~Copyable {
  var hardware: Hardware
  var shelf: ModelShelf
  /// Memory for training and evaluation, allocated once.
  var arena: [Float]
  var features: ExampleFeatures
  var update: PendingUpdate?
  /// Room for the header of whatever is written or read: nothing is allocated once the board runs.
  var header = BoundedBytes(capacity: 64)

  init(hardware: consuming Hardware, arena: Int) {
    self.arena = [Float](repeating: 0, count: arena)
    features = ExampleFeatures(width: hardware.examples.featureWidth, input: hardware.examples.input)
    shelf = ModelShelf(mounting: &hardware.flash)
    self.hardware = hardware
  }

  // MARK: Models

  /// Reads the header of a stored model.
  mutating func snapshot(_ held: ModelShelf.Held) throws(BoardProblem) -> ModelSnapshot {
    var bytes: InlineArray<64, UInt8> = .init(repeating: 0)
    let count = min(ModelSnapshot.maximumHeaderLength, Int(held.name.length))
    var span = bytes.mutableSpan
    var part = span._mutatingExtracting(0..<count)
    do throws(FlashError) {
      try shelf.read(place: held.place, at: 0, into: &part, &hardware.flash)
    } catch {
      throw BoardProblem(.flashFailed)
    }
    do throws(SnapshotError) {
      return try ModelSnapshot(parsing: bytes.span.extracting(0..<count), length: Int(held.name.length))
    } catch {
      throw BoardProblem(.modelInvalid)
    }
  }

  /// Copies the parameters of a stored model to `arena[range]`, or subtracts them from what is there.
  mutating func load(
    _ held: ModelShelf.Held, _ snapshot: ModelSnapshot, to range: Range<Int>, subtracting: Bool
  ) throws(BoardProblem) {
    var bytes: InlineArray<256, UInt8> = .init(repeating: 0)
    var parameters: InlineArray<64, Float> = .init(repeating: 0)
    var done = 0
    while done < range.count {
      let count = min(64, range.count - done)
      var span = bytes.mutableSpan
      var part = span._mutatingExtracting(0..<4 * count)
      do throws(FlashError) {
        try shelf.read(
          place: held.place, at: snapshot.headerLength + 4 * done, into: &part, &hardware.flash)
      } catch {
        throw BoardProblem(.flashFailed)
      }
      var block = parameters.mutableSpan
      ModelSnapshot.readParameters(bytes.span.extracting(0..<4 * count), into: &block)
      for i in 0..<count {
        let at = range.lowerBound + done + i
        arena[at] = subtracting ? arena[at] - parameters[i] : parameters[i]
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
    header.removeAll()
    update.header.encode(into: &header)
    let inHeader = max(0, min(update.header.length - offset, destination.count))
    for i in 0..<inHeader {
      let byte = header.span[offset + i]
      destination[i] = byte
    }
    var rest = destination._mutatingExtracting(inHeader..<destination.count)
    ModelSnapshot.writeBytes(
      of: arena.span.extracting(update.parameters), from: offset + inHeader - update.header.length,
      into: &rest)
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard shelf.arriving?.name == object else { return false }
    do throws(FlashError) {
      try shelf.write(bytes, at: offset, &hardware.flash)
      return true
    } catch {
      return false
    }
  }
}
