import Gateway
import LinkProtocol
import PropertyTesting
import VirtualHardware

// What befalls boards, cables and the gateway.
extension SimulatedFederation {
  func suffer() {
    for (link, socket) in links.sorted(by: { $0.key < $1.key }) {
      switch socket.carrier {
      case .cable where random.chance(hardships.unplugs):
        suffered.unplugs += 1
        unplug(link, for: 1000 + random.next() % hardships.unpluggedFor)
      case .radio where random.chance(hardships.fades):
        suffered.fades += 1
        unplug(link, for: 1000 + random.next() % 300_000)
      case .cable, .radio: break
      }
    }
    for board in boards where random.chance(hardships.resets) {
      suffered.resets += 1
      say("board \(board.id) is reset")
      reset(board)
    }
    for board in boards where random.chance(hardships.powerCuts) && board.flash.cutAt == nil {
      board.flash.cutAt = board.flash.operations + 1 + Int(random.next() % 200)
    }
    if random.chance(hardships.crashes) { crash() }
  }

  /// Power failed while the board wrote or erased: what it did after that never happened.
  func fail(_ board: SimulatedBoard) {
    suffered.powerCuts += 1
    say("power of board \(board.id) failed")
    reset(board)
  }

  private func reset(_ board: SimulatedBoard) {
    if hardships.changesCarrier {
      let frame = Self.carriers[Int(random.next() % UInt64(Self.carriers.count))]
      board.limits = LinkLimits(maximumFrame: frame, window: Self.boardWindow)
    }
    board.reset()
    // A connection by radio is lost. A USB board that is reset falls off the bus; a UART stays. A carrier of another
    // kind is another link.
    for (link, socket) in links.sorted(by: { $0.key < $1.key }) where boards[socket.board] === board {
      if socket.carrier == .radio || random.chance(0.5) || hardships.changesCarrier {
        unplug(link, for: 1000 + random.next() % 50_000)
      }
    }
  }

  /// kill -9 and a new start: what the store has not finished never happened.
  private func crash() {
    suffered.crashes += 1
    say("the gateway crashed")
    storeWork = []
    for (link, socket) in links.sorted(by: { $0.key < $1.key }) {
      boards[socket.board].lost(socket.carrier, now: now)
      plugAt[socket] = now + 500 + random.next() % 2000
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
}
