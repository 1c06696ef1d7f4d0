import GatewayService
import GatewayStore
import Glibc
import LinkProtocol
import Rounds
import Synchronization
import Testing
import UpdateCodec

extension EndToEnd {
  /// A large update on its way while the gateway is killed.
  @Suite struct Resuming {
    /// What the test sees of a board that learns nothing, but sends what it has.
    private final class Sender: Sendable {
      struct State {
        var update: (bytes: [UInt8], round: UInt32)?
        /// It falls silent when so many bytes are acknowledged.
        var stopsAfter: UInt32?
        var acknowledged: UInt32 = 0
        var resumedFrom: UInt32?
        var isDelivered = false
      }
      let state = Mutex(State())

      func script(_ stage: inout ScriptedPeer.Stage, _ event: SessionEvent, _ now: Timestamp) {
        stage.takeModel(event, now)
        switch event {
        case .message(.train(let task)):
          let count = stage.parameterCount(of: task.model)
          let isNew = state.withLock { $0.update == nil }
          guard isNew else { return }
          let delta = (0..<count).map { Float($0 % 97) * 0.0001 }
          let update = updateBytes(task, delta: delta)
          state.withLock { $0.update = (update, task.round) }
          stage.offer(update: update, round: task.round, now)
        case .opened:
          if let update = state.withLock({ $0.update }) {
            stage.offer(update: update.bytes, round: update.round, now)
          }
        case .departing(let transfer):
          guard let progress = stage.session.progress(ofOutgoing: transfer) else { return }
          stage.isDead = state.withLock {
            if $0.acknowledged == 0, progress.resumedFrom > 0 { $0.resumedFrom = progress.resumedFrom }
            $0.acknowledged = progress.delivered
            return $0.stopsAfter.map { progress.delivered >= $0 } ?? false
          }
        case .delivered:
          state.withLock { $0.isDelivered = true }
        default:
          break
        }
      }
    }

    @Test func anUpdateGoesOnAfterKillMinus9AndOverAnotherPort() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let data = try bench.write(wideDataset(boards: 1), as: "wide")
      let options = [
        "--dataset", data, "--codec", "float32", "--rounds", "1", "--summary", bench.summaryPath,
      ]
      let sender = Sender()
      sender.state.withLock { $0.stopsAfter = 40_000 }
      let first = try ScriptedPeer(id: 0xbee) { sender.script(&$0, $1, $2) }
      let gateway = try bench.gateway(options + ["--serial", first.path])
      try eventually("most of the update is acknowledged") {
        sender.state.withLock { $0.acknowledged >= 40_000 }
      }
      // What is acknowledged is on its way to the disk; what is there is seen once the gateway is gone.
      usleep(300_000)
      gateway.send(SIGKILL)
      _ = try gateway.end(within: 5)
      first.end()
      let acknowledged = sender.state.withLock { state in
        defer { (state.acknowledged, state.stopsAfter) = (0, nil) }
        return state.acknowledged
      }
      let kept = try #require(try bench.store().partialUpdates().first)
      #expect(kept.bytes.count + 4096 > Int(acknowledged))

      // The same board, by another cable.
      let second = try ScriptedPeer(id: 0xbee) { sender.script(&$0, $1, $2) }
      defer { second.end() }
      let next = try bench.gateway(options + ["--serial", second.path])
      try next.log.line(with: "contribution to round 1 stored", within: 30)
      let resumedFrom = try #require(sender.state.withLock { $0.resumedFrom })
      #expect(Int(resumedFrom) == kept.bytes.count)
      try next.log.line(with: "update", "resumed from")
      try eventually("the board knows") { sender.state.withLock { $0.isDelivered } }
      #expect(try next.end(within: 60) == .exit(0))
      #expect(try bench.summary().rounds[0].bytesResumed == kept.bytes.count)
      let store = try bench.store()
      #expect(try store.partialUpdates().isEmpty)
      let ledger = try store.contributions(to: .first, of: firstRun)
      #expect(ledger.count == 1 && ledger[0].status == .counted && ledger[0].times == 1)
    }

    @Test func updatesArriveInFewBytesAndNothingIsCountedTwiceOverKills() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let rounds = 5
      let command = ["--virtual-boards", "3", "--rounds", "\(rounds)", "--codec", "step"]
      for moment in Moment.spread(4) {
        let gateway = try bench.gateway(command)
        let (begins, _) = try gateway.log.first(within: 60, "that opens a round or ends") {
          $0.message.contains(" begins from model ") || $0.message.contains("all rounds are held")
        }
        let rest = begins.time + .milliseconds(100) * moment.fraction - .now
        if rest > .zero { usleep(useconds_t(rest / .microseconds(1))) }
        gateway.send(SIGKILL)
        _ = try gateway.end(within: 5)
      }
      let gateway = try bench.gateway(command + ["--summary", bench.summaryPath])
      #expect(try gateway.end(within: 120) == .exit(0))
      let expected = try Experiment(dataset: "digits", boards: 3, division: .natural, seed: 1)
        .parametersInMemory(after: rounds, coding: .defaultStep)
      // What a codec left out on either side came back exactly once, whatever was killed in between.
      #expect(try bench.store().newestParameters(of: firstRun) == expected.map(\.bitPattern))
      let last = try #require(try bench.summary().rounds.last)
      #expect(last.bytesDown < 3 * 9640 / 8 && last.bytesUp < 3 * 9640 / 8)
    }
  }
}
