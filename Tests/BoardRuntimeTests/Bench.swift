import BoardRuntime
import Bytes
import Datasets
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec
import VirtualHardware

/// A gateway's session and a board, joined without a link between them.
final class Bench {
  static let limits = LinkLimits(maximumFrame: 400, window: 4096)

  let flash: CuttableNORFlash
  let shard: Dataset
  private(set) var board: BoardRuntime<TestHardware>
  private(set) var session: LinkSession
  var objects = GatewayObjects()
  private(set) var events: [SessionEvent] = []
  private var resets = 0
  /// What happens when power comes back, the how-many-eth time.
  var onReset: (Int) -> Void = { _ in }
  /// What the gateway answers to an update.
  var refusal: TransferRefusal?
  /// Updates that it has counted: offered again, they are said to be held.
  private(set) var counted: [ObjectName] = []
  private(set) var now = Timestamp(microseconds: 1)
  private var frame = BoundedBytes(capacity: 1100)
  private let arena: Int
  private let pairsByCable: Bool
  /// Whether nothing that the board says arrives.
  var gatewayIsDeaf = false
  /// What the two are joined by.
  var carrier = BoardCarrier.cable
  private var sessions: UInt32 = 1

  init(
    arena: Int = 2000, flash: CuttableNORFlash = CuttableNORFlash(pageCount: 24, seed: 1),
    pairsByCable: Bool = false
  ) throws {
    self.arena = arena
    self.pairsByCable = pairsByCable
    self.flash = flash
    var values: [Int8] = []
    for i in 0..<40 * 4 { values.append(Int8(truncatingIfNeeded: (i &* 37) % 101 - 50)) }
    shard = try Dataset(
      name: "test", classNames: ["a", "b"], featureWidth: 4, labels: (0..<40).map { UInt8($0 % 2) },
      groups: [UInt16](repeating: 0, count: 40), splits: (0..<40).map { $0 < 30 ? .train : .test },
      features: .int8(values, scale: 0.02, zeroPoint: 0))
    board = Self.boot(shard, flash, arena, pairsByCable)
    session = Self.greeting(1, now)
  }

  private static func boot(
    _ shard: Dataset, _ flash: CuttableNORFlash, _ arena: Int, _ pairsByCable: Bool
  ) -> BoardRuntime<TestHardware> {
    var configuration = BoardConfiguration(
      board: 7, firmware: ShortText("t"), hardware: ShortText("test"), arena: arena, limits: limits)
    configuration.pairsByCable = pairsByCable
    return BoardRuntime(
      hardware: TestHardware(flash: flash, examples: DatasetExamples(shard)), configuration: configuration)
  }

  private static func greeting(_ number: UInt32, _ now: Timestamp) -> LinkSession {
    .gateway(
      Greeting(session: number, maximumFrame: 400, gateway: ShortText("t"), time: 0), limits: limits, now: now
    )
  }

  /// Power off and on, and a new session.
  func reset() {
    flash.powerUp()
    resets += 1
    onReset(resets)
    board = Self.boot(shard, flash, arena, pairsByCable)
    reconnect()
  }

  /// The gateway was restarted: the board goes on.
  func reconnect() {
    sessions += 1
    session = Self.greeting(sessions, now)
    events = []
  }

  // MARK: Keys

  var cableSecret: Octets16? { board.cableSecret }
  func takeSecretChanged() -> Bool { board.takeSecretChanged() }
  func keepBonds(_ bonds: [UInt8]) { board.keepBonds(bonds.span) }

  /// The bonds that are kept, if there are no more than so many bytes.
  func bonds(capacity: Int = 184) -> [UInt8]? {
    var bonds = BoundedBytes(capacity: capacity)
    return board.readBonds(into: &bonds) ? bonds.copied() : nil
  }

  func loseLink(over carrier: BoardCarrier) { board.linkLost(over: carrier, now: now) }
  var isConnected: Bool { board.isConnected }

  /// Bytes come in that are no frame of anybody's.
  func hearNoise(over carrier: BoardCarrier) {
    for length in 0..<40 {
      let noise = [UInt8](repeating: 0x5a, count: length)
      board.receive(frame: noise.span, over: carrier, now: now)
    }
  }

  /// What the board shows on its LED.
  var phases: [BoardPhase] { board.withHardware { $0.phases } }
  var phase: BoardPhase { board.phase }
  var model: Digest32? { board.model }

  func say(_ message: ControlMessage) { _ = session.send(message) }

  @discardableResult
  func offer(_ content: [UInt8], as kind: ObjectKind = .model) -> ObjectOffer {
    let name = objects.add(content)
    let offer = ObjectOffer(kind: kind, name: name, round: 0)
    _ = session.offer(offer, now: now)
    return offer
  }

  /// Offers an object whose name may be wrong.
  func offerNamed(_ offer: ObjectOffer) -> TransferNumber { session.offer(offer, now: now) ?? 0 }

  /// Runs until `done` or for a number of milliseconds; whether it was done.
  @discardableResult
  func run(milliseconds: Int = 5000, slices: Int = 20, until done: () -> Bool = { false }) -> Bool {
    for _ in 0..<milliseconds {
      exchange()
      if done() { return true }
      for _ in 0..<slices where flash.isOff || !board.work(now: now) { break }
      if done() { return true }
      now = now + 1000
      if let due = session.nextDeadline, due <= now { note(session.timeOut(now: now)) }
      if let due = board.nextDeadline, due <= now, !flash.isOff { board.timeOut(now: now) }
    }
    return done()
  }

  private func exchange() {
    var isQuiet = false
    while !isQuiet {
      isQuiet = true
      while session.nextFrame(now: now, objects: &objects, into: &frame) {
        isQuiet = false
        if !flash.isOff { board.receive(frame: frame.span, over: carrier, now: now) }
      }
      // A board without power says nothing.
      while !flash.isOff, board.nextFrame(over: carrier, now: now, into: &frame) {
        isQuiet = false
        guard !gatewayIsDeaf else { continue }
        note(session.receive(frame: frame.span, now: now, objects: &objects))
      }
    }
  }

  private func note(_ event: SessionEvent) {
    switch event {
    case .nothing, .arriving, .departing: return
    case .offered(let transfer, let offer) where counted.contains(offer.name):
      session.decline(transfer, because: .alreadyHeld)
    case .offered(let transfer, let offer):
      objects.expect(offer.name)
      _ = session.accept(transfer, offer, held: 0, now: now)
    case .received(let transfer, let offer):
      if let refusal {
        session.reject(transfer, because: refusal)
      } else {
        counted.append(offer.name)
        session.confirm(transfer)
      }
    default: break
    }
    events.append(event)
  }

  var logLines: [String] {
    events.compactMap {
      guard case .message(.logLine(let line)) = $0 else { return nil }
      return String(decoding: (0..<line.text.count).map { i in line.text.span[i] }, as: UTF8.self)
    }
  }

  var problems: [Problem] {
    events.compactMap { if case .message(.problem(let problem)) = $0 { problem } else { nil } }
  }

  /// What the board can do, by its welcome.
  var capabilities: Capabilities? {
    events.compactMap { if case .established(let welcome) = $0 { welcome.capabilities } else { nil } }.last
  }

  /// The model that the board spoke of when it accepted the session.
  var welcomedModel: Digest32? {
    events.compactMap { if case .established(let welcome) = $0 { welcome.model } else { nil } }.last
  }

  var updates: [ObjectOffer] {
    events.compactMap { if case .received(_, let offer) = $0 { offer } else { nil } }
  }
}

/// Models and tasks for the bench.
extension Bench {
  static func snapshot(_ seed: UInt32, hidden: Int = 3, inputs: Int = 4) throws -> [UInt8] {
    let model = try ModelDescription(
      inputWidth: inputs, hidden: hidden, classes: 2, input: .int8(scale: 0.02, zeroPoint: 0))
    let header = ModelSnapshot(version: seed, model: model)
    var buffer = BoundedBytes(capacity: header.length)
    header.encodeHeader(into: &buffer)
    for i in 0..<model.parameterCount {
      let value = Float((Int(seed) &* 31 &+ i &* 17) % 64 - 32) / 64
      buffer.append(littleEndian: UInt64(value.bitPattern), width: 4)
    }
    return buffer.copied()
  }

  static func task(
    _ model: Digest32, round: UInt32 = 1, epochs: UInt16 = 2, rate: Float = 0.05,
    coding: UpdateCoding = .float32, run: UInt32 = 0
  ) -> TrainTask {
    var task = TrainTask(
      round: round, model: model, epochs: epochs, batchSize: 4, learningRate: rate, momentum: 0,
      weightDecay: 0, proximal: 0, seed: round)
    task.coding = coding.code
    task.codingParameter = coding.parameter
    task.run = run
    return task
  }
}

/// Hardware for tests.
struct TestHardware: BoardHardware {
  var flash: CuttableNORFlash
  var examples: DatasetExamples
  var phases: [BoardPhase] = []

  mutating func randomWord() -> UInt32 { 4 }
  mutating func indicate(_ phase: BoardPhase) { phases.append(phase) }
}

/// Objects in memory.
struct GatewayObjects: ObjectAccess {
  private var outgoing: [ObjectName: [UInt8]] = [:]
  private(set) var incoming: [ObjectName: [UInt8]] = [:]

  mutating func add(_ content: [UInt8]) -> ObjectName {
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: UInt32(content.count))
    outgoing[name] = content
    return name
  }

  mutating func addUnder(_ name: ObjectName, _ content: [UInt8]) { outgoing[name] = content }

  mutating func expect(_ name: ObjectName) {
    incoming[name] = [UInt8](repeating: 0, count: Int(name.length))
  }

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let content = outgoing[object], offset + destination.count <= content.count else { return false }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard incoming[object] != nil else { return false }
    for i in 0..<bytes.count { incoming[object]?[offset + i] = bytes[i] }
    return true
  }
}
