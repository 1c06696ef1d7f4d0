import Bytes
import Datasets
import Gateway
import LinkProtocol
import PropertyTesting
import Rounds
import TrainingCore
import VirtualHardware

/// What simulated links and machines suffer.
struct Hardships {
  /// Chance that a byte is lost, or damaged.
  var loss = 0.0
  var corruption = 0.0
  /// Delay of every frame, µs.
  var delay: UInt64 = 300
  /// Time a byte takes, µs.
  var byteTime: UInt64 = 2
  /// Chance in every millisecond that a cable is pulled for a while, that a board is reset, and that the gateway
  /// crashes and is started again.
  var unplugs = 0.0
  var resets = 0.0
  var crashes = 0.0
  /// Time the store takes, µs.
  var storeTime: UInt64 = 3000
}

/// The gateway's engine and boards' runtimes, joined in virtual time by links that suffer hardships.
final class SimulatedFederation {
  private struct Packet {
    var at: Timestamp
    var link: LinkID
    var toBoard: Bool
    var bytes: [UInt8]
  }

  let boards: [SimulatedBoard]
  let ledger: MemoryLedger
  let settings: GatewaySettings
  var hardships: Hardships
  var random: SeededGenerator
  private(set) var engine: GatewayEngine
  private(set) var now = Timestamp(microseconds: 1)
  private(set) var notices: [GatewayNotice] = []
  private(set) var isFinished = false
  private(set) var crashes = 0
  private(set) var resets = 0
  private(set) var unplugs = 0
  private var links: [LinkID: Int] = [:]
  private var framings: [LinkID: GatewayFraming] = [:]
  private var plugAt: [Int: Timestamp] = [:]
  private var nextLink: UInt64 = 1
  private var packets: [Packet] = []
  private var laneFree: [Lane: Timestamp] = [:]
  private var storeWork: [(at: Timestamp, work: () -> Void)] = []
  private var nextHardship = Timestamp(microseconds: 1000)
  private var frame = BoundedBytes(capacity: 1100)
  private var coded = BoundedBytes(capacity: 1200)

  private struct Lane: Hashable {
    var link: LinkID
    var toBoard: Bool
  }

  private final class GatewayFraming {
    var framing = StreamFraming(maximumFrame: 1040)
  }

  init(
    seed: UInt64, shards: [Dataset], first: AggregatedModel, settings: GatewaySettings,
    hardships: Hardships = Hardships()
  ) {
    self.settings = settings
    self.hardships = hardships
    random = SeededGenerator(seed: seed)
    ledger = MemoryLedger(first)
    boards = shards.enumerated().map { SimulatedBoard(id: UInt64($0.offset + 1), shard: $0.element) }
    var sessions = SeededGenerator(seed: seed ^ 0x5555)
    engine = GatewayEngine(
      settings: settings, recovering: ledger.recovered, model: ledger.model,
      partials: Array(ledger.partials.values), counted: ledger.lastCounted,
      makeSession: { UInt32(truncatingIfNeeded: sessions.next()) })
    for index in boards.indices { plugAt[index] = now + UInt64(index) * 700 }
    engine.start(now: now)
  }

  /// Runs until all rounds are held, or for `seconds` of virtual time; whether they are.
  func run(seconds: UInt64) -> Bool {
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
    if nextHardship <= now {
      nextHardship = now + 1000
      suffer()
    }
  }

  // MARK: Links

  private func plug() {
    for (index, moment) in plugAt where moment <= now {
      plugAt[index] = nil
      let link = LinkID(nextLink)
      nextLink += 1
      links[link] = index
      framings[link] = GatewayFraming()
      engine.linkOpened(link, carrier: .serial(port: "port-\(index)"), now: now)
    }
  }

  private func unplug(_ link: LinkID, for pause: UInt64) {
    guard let index = links.removeValue(forKey: link) else { return }
    framings[link] = nil
    packets.removeAll { $0.link == link }
    boards[index].linkLost(now: now)
    engine.linkClosed(link, reason: "unplugged", now: now)
    plugAt[index] = now + pause
  }

  private func deliver() {
    let due = packets.filter { $0.at <= now }
    packets.removeAll { $0.at <= now }
    for packet in due {
      guard let index = links[packet.link] else { continue }
      if packet.toBoard {
        boards[index].receive(packet.bytes, now: now)
      } else if let framing = framings[packet.link] {
        var offset = 0
        while framing.framing.advance(over: packet.bytes.span, from: &offset) {
          engine.received(frame: framing.framing.frame, on: packet.link, now: now)
        }
      }
    }
  }

  private func send(_ bytes: [UInt8], _ lane: Lane) {
    let free = max(laneFree[lane] ?? now, now) + UInt64(bytes.count) * hardships.byteTime
    laneFree[lane] = free
    packets.append(
      Packet(at: free + hardships.delay, link: lane.link, toBoard: lane.toBoard, bytes: damage(bytes)))
  }

  private func damage(_ bytes: [UInt8]) -> [UInt8] {
    guard hardships.loss > 0 || hardships.corruption > 0 else { return bytes }
    return bytes.compactMap { byte in
      if random.chance(hardships.loss) { return nil }
      return random.chance(hardships.corruption) ? byte ^ 1 << UInt8(random.next() & 7) : byte
    }
  }

  private func pump() {
    for (link, index) in links.sorted(by: { $0.key < $1.key }) {
      let down = Lane(link: link, toBoard: true)
      while (laneFree[down] ?? now) <= now, engine.nextFrame(on: link, now: now, into: &frame) {
        coded.removeAll()
        COBS.encode(frame.span, into: &coded)
        send(coded.copied(), down)
      }
      let up = Lane(link: link, toBoard: false)
      while (laneFree[up] ?? now) <= now, let bytes = boards[index].nextCoded(now: now) { send(bytes, up) }
    }
  }

  // MARK: Hardships

  private func suffer() {
    for link in Array(links.keys).sorted() where random.chance(hardships.unplugs) {
      unplugs += 1
      unplug(link, for: 1000 + random.next() % 300_000)
    }
    for board in boards where random.chance(hardships.resets) {
      board.reset()
      resets += 1
      // A USB board that is reset falls off the bus; a UART stays.
      if random.chance(0.5), let link = links.first(where: { boards[$0.value] === board })?.key {
        unplug(link, for: 1000 + random.next() % 50_000)
      }
    }
    if random.chance(hardships.crashes) { crash() }
  }

  /// kill -9 and a new start: what the store has not finished never happened.
  private func crash() {
    crashes += 1
    storeWork = []
    for (link, index) in links {
      boards[index].linkLost(now: now)
      plugAt[index] = now + 500 + random.next() % 2000
      framings[link] = nil
    }
    links = [:]
    packets = []
    var sessions = SeededGenerator(seed: random.next())
    engine = GatewayEngine(
      settings: settings, recovering: ledger.recovered, model: ledger.model,
      partials: Array(ledger.partials.values), counted: ledger.lastCounted,
      makeSession: { UInt32(truncatingIfNeeded: sessions.next()) })
    engine.start(now: now)
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

  private func later(_ work: @escaping () -> Void) {
    storeWork.append((now + hardships.storeTime, work))
  }

  private func perform(_ action: GatewayAction) {
    let engine = engine
    switch action {
    case .identify(let link, let board, _, _):
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
    case .close(let link, _):
      unplug(link, for: 1_000_000)
    case .finished:
      isFinished = true
    case .notice(let notice):
      notices.append(notice)
    case .recordDiscarded, .recordEvaluation:
      break
    }
  }
}
