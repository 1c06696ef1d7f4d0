import LinkProtocol
import LinkSimulation

/// Objects over simulated carriers, in virtual time: the same figures on every machine.
enum SimulatedTransferBench {
  static func run() {
    for carrier in SimulatedCarrier.presets {
      for credit in [4_096, 32_768] {
        for size in TransferBench.sizes { measure(size, carrier, credit: credit) }
      }
    }
  }

  private static func measure(_ size: Int, _ carrier: SimulatedCarrier, credit: Int) {
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) }
    let seeds = 1...5 as ClosedRange<UInt64>
    var ratios: [Double] = []
    var overhead = 0.0
    var resent = 0
    for seed in seeds {
      let link = established(carrier, credit, seed)
      let before = link.gateway.bytesSent
      let start = link.now
      let offer = offered(content, link)
      link.run(seconds: 600) { link.board.events.contains(.received(1, offer)) }
      ratios.append(Double(carrier.timeToMove(size, seed: seed)) / Double(link.now - start))
      overhead = max(overhead, Double(link.gateway.bytesSent - before) / Double(size) - 1)
      resent = max(resent, resentAfterCut(content, carrier, credit, seed: seed))
    }
    let link = credit == 4_096 ? carrier.name : "\(carrier.name)-credit-\(credit)"
    let path = "transfer/\(size)/\(link)"
    Measurement(bench: "\(path)/goodput_ratio", value: ratios.sorted()[2], unit: "ratio").report()
    Measurement(bench: "\(path)/overhead_ratio", value: overhead, unit: "ratio").report()
    Measurement(bench: "\(path)/resent_after_cut_bytes", value: Double(resent), unit: "bytes").report()
    // Long enough for somebody to wait.
    guard size > 10_000 else { return }
    let delays = seeds.map { delayOfMessage(content, carrier, credit, seed: $0) }
    Measurement(
      bench: "\(path)/message_delay_ms", value: Double(delays.max() ?? 0) / 1000, unit: "ms"
    ).report()
  }

  private static func established(_ carrier: SimulatedCarrier, _ credit: Int, _ seed: UInt64) -> SimulatedLink
  {
    let link = SimulatedLink(seed: seed, carrier: carrier, window: credit)
    link.run(seconds: 60) { link.gateway.session.isEstablished }
    return link
  }

  private static func offered(_ content: [UInt8], _ link: SimulatedLink) -> ObjectOffer {
    let offer = ObjectOffer(kind: .model, name: link.gateway.objects.add(content), round: 0)
    _ = link.gateway.session.offer(offer, now: link.now)
    return offer
  }

  /// Object bytes sent beyond the object's length when the carrier is cut once in the middle and another follows.
  private static func resentAfterCut(
    _ content: [UInt8], _ carrier: SimulatedCarrier, _ credit: Int, seed: UInt64
  ) -> Int {
    let first = established(carrier, credit, seed)
    _ = offered(content, first)
    let cut = content.count * Int(seed) / 6
    first.run(seconds: 600) { first.gateway.chunkBytesSent >= cut }
    let second = established(carrier, credit, seed + 100)
    (second.board.objects, second.board.held) = (first.board.objects, first.board.held)
    let offer = offered(content, second)
    second.run(seconds: 600) { second.board.events.contains(.received(1, offer)) }
    return first.gateway.chunkBytesSent + second.gateway.chunkBytesSent - content.count
  }

  /// µs that a message takes which is said in the middle of an object.
  private static func delayOfMessage(
    _ content: [UInt8], _ carrier: SimulatedCarrier, _ credit: Int, seed: UInt64
  ) -> UInt64 {
    let link = established(carrier, credit, seed)
    _ = offered(content, link)
    link.run(seconds: 600) { link.gateway.chunkBytesSent >= content.count * Int(seed) / 6 }
    let said = link.now
    let message = ControlMessage.stopTraining(StopTraining(round: 4))
    _ = link.gateway.session.send(message)
    link.run(seconds: 60) { link.board.events.contains(.message(message)) }
    return link.now - said
  }
}
