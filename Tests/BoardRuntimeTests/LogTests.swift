import Bytes
import LinkProtocol
import Testing
import VirtualHardware

@testable import BoardRuntime

/// What a board has to say reaches a gateway's log, whatever becomes of the session in which it is said.
@Suite struct LogTests {
  private static let finding = "flash page 5: cannot be erased, left out"

  private func bench() throws -> Bench {
    let flash = CuttableNORFlash(pageCount: 24, seed: 1)
    flash.damage(page: 5)
    flash.wornOut = [5]
    return try Bench(flash: flash)
  }

  private func line(_ number: Int) -> LogLine {
    let text = Array("\(number)".utf8)
    return LogLine(level: .info, text: ShortText(text.span))
  }

  private func told(_ bench: Bench) -> Int { bench.logLines.count { $0 == Self.finding } }

  @Test func aLineOfASessionThatIsLostIsSaidInTheNextOneAndNoMoreAfterThat() throws {
    let bench = try bench()
    #expect(
      bench.run(slices: 0) { bench.isConnected && bench.capabilities != nil })
    bench.gatewayIsDeaf = true
    bench.run(milliseconds: 500)
    #expect(told(bench) == 0)
    bench.gatewayIsDeaf = false
    bench.reconnect()
    bench.run(milliseconds: 500)
    #expect(told(bench) == 1)
    bench.reconnect()
    bench.run(milliseconds: 500)
    #expect(told(bench) == 0)
  }

  @Test func whatIsFoundBeforeAnyGatewayIsThereIsToldToTheFirst() throws {
    let bench = try bench()
    bench.gatewayIsDeaf = true
    bench.carrier = .air
    bench.run(milliseconds: 500)
    bench.gatewayIsDeaf = false
    bench.carrier = .cable
    bench.reconnect()
    bench.run(milliseconds: 500)
    #expect(told(bench) == 1)
  }

  @Test func moreLinesThanThereIsRoomForAreRefusedAndTheOldestKept() {
    var outbox = LogOutbox()
    let lines = (0..<9).map(line)
    #expect(lines.map { outbox.add($0) } == (0..<9).map { $0 < 6 })
    var said: [LogLine] = []
    for handed in [2, 4] {
      for _ in 0..<handed {
        if let next = outbox.next { said.append(next) }
        outbox.handOver()
      }
      outbox.noteDelivery()
    }
    #expect(said == Array(lines[0..<6]) && outbox.next == nil)
    let more = outbox.add(lines[8])
    #expect(more && outbox.next == lines[8])
  }
}
