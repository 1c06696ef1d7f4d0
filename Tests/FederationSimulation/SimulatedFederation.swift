import Bytes
import Datasets
import Gateway
import LinkProtocol
import PropertyTesting
import Rounds
import VirtualHardware

/// The gateway's engine and boards' runtimes, joined in virtual time by links that suffer hardships.
public final class SimulatedFederation {
  /// Bytes of an object that a board takes before it has written any.
  static let boardWindow = 4096
  /// Frame lengths of the carriers that a board may be reached by.
  static let carriers = [320, 600, 1040]

  /// How much slower the air is than the cable.
  private static let radioSlowness: UInt64 = 4

  struct Packet {
    var at: Timestamp
    var link: LinkID
    var toBoard: Bool
    var bytes: [UInt8]
    var ofObject: Int
  }

  /// The boards, in the order of their identities.
  public let boards: [SimulatedBoard]
  /// What the gateway keeps.
  public let ledger: MemoryLedger
  let settings: GatewaySettings
  let hardships: Hardships
  var random: SeededGenerator
  var engine: GatewayEngine
  var now = Timestamp(microseconds: 1)
  /// Gets a line for whatever happens.
  var tell: ((String) -> Void)?
  private(set) var isFinished = false
  /// What happened to it so far.
  public internal(set) var suffered = Sufferings()
  /// Bytes that went over all wires.
  public private(set) var wireBytes = 0
  /// Bytes of objects among them.
  public private(set) var objectBytes = 0
  /// The most bytes of objects that were under way to one board at a time.
  private(set) var mostUnderWayToBoard = 0
  var links: [LinkID: Socket] = [:]
  var framings: [LinkID: SimulatedFraming] = [:]
  var plugAt: [Socket: Timestamp] = [:]
  /// Sessions that boards had, the first of each included.
  private(set) var sessions = 0
  /// Failures that the round held against boards.
  private(set) var failures = 0
  private var cablesAreIn = false
  private var nextLink: UInt64 = 1
  var packets: [Packet] = []
  private var laneFree: [Lane: Timestamp] = [:]
  private var lastArrival: [Lane: Timestamp] = [:]
  /// When a cable is pulled that was cut in the middle of a frame.
  private var cutAt: (link: LinkID, at: Timestamp)?
  var storeWork: [(at: Timestamp, work: () -> Void)] = []
  private var nextHardship = Timestamp(microseconds: 1000)
  private var frame = BoundedBytes(capacity: 1100)
  private var coded = BoundedBytes(capacity: 1200)

  /// Where a board is reached.
  struct Socket: Hashable, Comparable {
    var board: Int
    var carrier: SimulatedBoard.Carrier

    static func < (a: Self, b: Self) -> Bool {
      (a.board, a.carrier == .cable ? 0 : 1) < (b.board, b.carrier == .cable ? 0 : 1)
    }
  }

  private struct Lane: Hashable {
    var link: LinkID
    var toBoard: Bool
  }

  init(
    seed: UInt64, shards: [Dataset], first: AggregatedModel, settings: GatewaySettings,
    hardships: Hardships = Hardships()
  ) {
    self.settings = settings
    self.hardships = hardships
    random = SeededGenerator(seed: seed)
    ledger = MemoryLedger(first)
    boards = shards.enumerated().map {
      SimulatedBoard(
        id: UInt64($0.offset + 1), shard: $0.element,
        limits: LinkLimits(maximumFrame: Self.carriers[1], window: Self.boardWindow),
        sliceTime: hardships.sliceTime)
    }
    var sessions = SeededGenerator(seed: seed ^ 0x5555)
    engine = GatewayEngine(
      settings: settings, recovering: ledger.recovered, model: ledger.model,
      partials: Array(ledger.partials.values), counted: ledger.lastCounted,
      makeSession: { UInt32(truncatingIfNeeded: sessions.next()) })
    for index in boards.indices {
      let start = now + UInt64(index) * 700
      if hardships.plugsAfterBytes == nil { plugAt[Socket(board: index, carrier: .cable)] = start }
      if hardships.hasRadio { plugAt[Socket(board: index, carrier: .radio)] = start + 5000 }
    }
    engine.start(now: now)
  }

  /// Runs until all rounds are held, or for `seconds` of virtual time; whether they are.
  public func run(seconds: UInt64) -> Bool {
    let end = now + .seconds(seconds)
    while now < end && !isFinished {
      settle()
      now = nextMoment(before: end)
      step()
    }
    settle()
    return isFinished
  }

  private func nextMoment(before end: Timestamp) -> Timestamp {
    var next = min(end, nextHardship)
    if let due = engine.nextDeadline { next = min(next, due) }
    for board in boards {
      if let due = board.nextDeadline(now: now) { next = min(next, due) }
    }
    for packet in packets { next = min(next, packet.at) }
    if let cutAt { next = min(next, cutAt.at) }
    for work in storeWork { next = min(next, work.at) }
    for moment in plugAt.values { next = min(next, moment) }
    for free in laneFree.values where now < free { next = min(next, free) }
    return max(next, now + 1)
  }

  private func step() {
    plug()
    deliver()
    for index in storeWork.indices.reversed() where storeWork[index].at <= now {
      storeWork.remove(at: index).work()
    }
    if let due = engine.nextDeadline, due <= now { engine.timeOut(now: now) }
    for board in boards { board.run(now: now) }
    for board in boards where board.flash.isOff { fail(board) }
    if let cut = cutAt, cut.at <= now {
      cutAt = nil
      suffered.unplugs += 1
      unplug(cut.link, for: hardships.cutFor)
    }
    if nextHardship <= now {
      nextHardship = now + 1000
      suffer()
    }
  }

  // MARK: Links

  private func plug() {
    if let late = hardships.plugsAfterBytes, wireBytes >= late, !cablesAreIn {
      cablesAreIn = true
      for index in boards.indices { plugAt[Socket(board: index, carrier: .cable)] = now }
    }
    for (socket, moment) in plugAt.sorted(by: { $0.key < $1.key }) where moment <= now {
      plugAt[socket] = nil
      let link = LinkID(nextLink)
      nextLink += 1
      links[link] = socket
      framings[link] = SimulatedFraming(maximumFrame: settings.limits.maximumFrame)
      engine.linkOpened(link, carrier: carrier(socket), now: now)
    }
  }

  private func carrier(_ socket: Socket) -> Carrier {
    switch socket.carrier {
    case .cable: .serial(port: "port-\(socket.board)")
    case .radio:
      .bluetooth(
        BluetoothCarrier(
          adapter: "hci0", address: "C0:00:C0:FF:EE:0\(socket.board)", bearer: .l2cap,
          board: BoardID(boards[socket.board].id)))
    }
  }

  private func link(of board: Int, _ carrier: SimulatedBoard.Carrier) -> LinkID? {
    links.first { $0.value == Socket(board: board, carrier: carrier) }?.key
  }

  func unplug(_ link: LinkID, for pause: UInt64) {
    guard let socket = links.removeValue(forKey: link) else { return }
    framings[link] = nil
    packets.removeAll { $0.link == link }
    boards[socket.board].lost(socket.carrier, now: now)
    let unnoticed = hardships.noticeTime == 0 ? 0 : random.next() % hardships.noticeTime
    if unnoticed == 0 {
      engine.linkClosed(link, reason: "unplugged", now: now)
    } else {
      let engine = engine
      storeWork.append(
        (now + unnoticed, { [unowned self] in engine.linkClosed(link, reason: "unplugged", now: now) }))
    }
    plugAt[socket] = now + unnoticed + pause
    // Without its cable the board is looked for over the air.
    let radio = Socket(board: socket.board, carrier: .radio)
    if hardships.hasRadio, socket.carrier == .cable, self.link(of: socket.board, .radio) == nil {
      plugAt[radio] = now + unnoticed + 5000
    }
  }

  private func deliver() {
    let due = packets.filter { $0.at <= now }
    packets.removeAll { $0.at <= now }
    for packet in due {
      guard let socket = links[packet.link] else { continue }
      if packet.toBoard {
        boards[socket.board].receive(packet.bytes, over: socket.carrier, now: now)
      } else if let framing = framings[packet.link] {
        var offset = 0
        while framing.stream.advance(over: packet.bytes.span, from: &offset) {
          engine.received(frame: framing.stream.frame, on: packet.link, now: now)
        }
      }
    }
  }

  private func send(_ whole: [UInt8], ofObject: Int, _ lane: Lane) {
    var bytes = whole
    if let cut = hardships.cutAfterBytes, wireBytes < cut, wireBytes + whole.count >= cut {
      bytes = Array(whole[..<(cut - wireBytes)])
    }
    let isRadio = links[lane.link]?.carrier == .radio
    let byteTime = hardships.byteTime * (isRadio ? Self.radioSlowness : 1)
    let free = max(laneFree[lane] ?? now, now) + UInt64(bytes.count) * byteTime
    laneFree[lane] = free
    wireBytes += bytes.count
    objectBytes += ofObject
    // Carriers keep the order of frames.
    let chance = hardships.jitter == 0 ? 0 : random.next() % hardships.jitter
    let at = max(
      lastArrival[lane] ?? now, free + hardships.delay * (isRadio ? Self.radioSlowness : 1) + chance)
    lastArrival[lane] = at
    let copies = random.chance(hardships.duplication) ? 2 : 1
    for copy in 0..<copies {
      packets.append(
        Packet(
          at: at, link: lane.link, toBoard: lane.toBoard, bytes: damage(bytes),
          ofObject: copy == 0 ? ofObject : 0))
    }
    if bytes.count < whole.count || wireBytes == hardships.cutAfterBytes { cutAt = (lane.link, at) }
    if lane.toBoard {
      let underWay = packets.reduce(0) { $0 + ($1.link == lane.link && $1.toBoard ? $1.ofObject : 0) }
      mostUnderWayToBoard = max(mostUnderWayToBoard, underWay)
    }
  }

  private func damage(_ bytes: [UInt8]) -> [UInt8] {
    guard hardships.loss > 0 || hardships.corruption > 0 else { return bytes }
    let damaged = bytes.compactMap { byte in
      if random.chance(hardships.loss) { return UInt8?.none }
      return random.chance(hardships.corruption) ? byte ^ 1 << UInt8(random.next() & 7) : byte
    }
    if damaged != bytes { suffered.damagedFrames += 1 }
    return damaged
  }

  private func pump() {
    for (link, socket) in links.sorted(by: { $0.key < $1.key }) {
      let down = Lane(link: link, toBoard: true)
      while (laneFree[down] ?? now) <= now, engine.nextFrame(on: link, now: now, into: &frame) {
        coded.removeAll()
        COBS.encode(frame.span, into: &coded)
        var carried = 0
        if frame.span[0] == FrameKind.chunk.rawValue { carried = frame.count - LinkSession.chunkOverhead }
        send(coded.copied(), ofObject: carried, down)
      }
      let up = Lane(link: link, toBoard: false)
      while (laneFree[up] ?? now) <= now,
        let next = boards[socket.board].nextCoded(over: socket.carrier, now: now)
      {
        send(next.bytes, ofObject: next.ofObject, up)
      }
    }
  }

  /// Closes a link as the gateway wants it. Over the air a board that has a cable is looked for again only now and then.
  private func close(_ link: LinkID, _ refusal: LinkRefusal) {
    guard let socket = links[link] else { return }
    unplug(link, for: 1_000_000)
    guard socket.carrier == .radio, self.link(of: socket.board, .cable) != nil else { return }
    plugAt[socket] = random.chance(0.3) ? now + 1000 + random.next() % 300_000 : nil
  }

  // MARK: The gateway's surroundings

  private func settle() {
    while true {
      let actions = engine.takeActions()
      _ = engine.takeLinksToServe()
      if actions.isEmpty { break }
      for action in actions { perform(action) }
    }
    pump()
  }

  /// Cuts a board's power at this operation of its flash from now on.
  public func cutPower(ofBoard index: Int, atOperation number: Int) {
    boards[index].flash.cutAt = boards[index].flash.operations + number
  }

  func say(_ what: @autoclosure () -> String) {
    tell?("\(Double(now.microseconds) / 1000) ms: \(what())")
  }

  private func later(_ work: @escaping () -> Void) {
    storeWork.append((now + hardships.storeTime, work))
  }

  private func perform(_ action: GatewayAction) {
    let engine = engine
    switch action {
    case .identify(let link, let board, _, _, _):
      later { [unowned self] in engine.boardIdentified(link, board, name: "board-\(board)", now: now) }
    case .store(let contribution, let payload):
      // Durable at the end of the wait, and the answer gets lost if the gateway dies right then.
      later { [unowned self] in
        if ledger.store(contribution, payload) {
          engine.contributionStored(contribution, now: now)
        } else {
          engine.contributionNotStored(contribution, now: now)
        }
      }
    case .keepPiece(let board, let name, let start, let bytes):
      ledger.keep(bytes, of: name, from: board, at: start)
    case .aggregate(let round, let boards, let coding):
      later { [unowned self] in
        do {
          engine.aggregated(round, result: try ledger.close(round, boards, coding), now: now)
        } catch {
          engine.aggregationFailed(round, unusable: [], now: now)
        }
      }
    case .close(let link, let refusal):
      close(link, refusal)
    case .finished:
      isFinished = true
    case .notice(.transferring), .notice(.training):
      break
    case .notice(let notice):
      if case .boardJoined(_, _, let before, _) = notice {
        sessions += 1
        if before != nil { suffered.moves += 1 }
      }
      switch notice {
      case .round(.retryLater, _), .round(.exclude, _), .boardProblem, .updateRefused: failures += 1
      default: break
      }
      say("\(notice)")
    case .recordDiscarded, .recordEvaluation:
      break
    }
  }
}
