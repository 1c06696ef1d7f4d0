import BoardRuntime
import Bytes
import LinkProtocol
import Testing

/// Which of two carriers a board talks over; two gateways, one on each.
@Suite struct CarrierTests {
  /// A board with a gateway that can be heard over either carrier.
  private func greeted(over carrier: BoardCarrier) throws -> Bench {
    let bench = try Bench()
    bench.carrier = carrier
    bench.run(milliseconds: 5)
    #expect(bench.isConnected)
    return bench
  }

  private func greets(over carrier: BoardCarrier, _ bench: Bench) -> Bool {
    bench.carrier = carrier
    bench.reconnect()
    bench.run(milliseconds: 20)
    return bench.session.isEstablished
  }

  @Test(arguments: [BoardCarrier.cable, .air]) func aBoardAnswersOverTheCarrierThatItIsGreetedOn(
    _ carrier: BoardCarrier
  ) throws {
    let bench = try greeted(over: carrier)
    #expect(bench.isConnected)
    // And says nothing over the other one.
    bench.carrier = carrier == .cable ? .air : .cable
    bench.say(.statusRequest)
    bench.run(milliseconds: 5)
    #expect(!bench.events.contains { if case .message(.status) = $0 { true } else { false } })
  }

  @Test func aGreetingOverTheCableTakesTheSessionOver() throws {
    #expect(greets(over: .cable, try greeted(over: .air)))
  }

  @Test func aGreetingOverTheAirIsNotHeardWhileTheCableIsInUse() throws {
    let bench = try greeted(over: .cable)
    #expect(!greets(over: .air, bench))
    #expect(bench.isConnected)
    // Until the cable is pulled.
    bench.loseLink(over: .cable)
    #expect(greets(over: .air, bench))
  }

  @Test func theEndOfTheOtherCarrierDoesNoHarm() throws {
    let bench = try greeted(over: .cable)
    bench.loseLink(over: .air)
    #expect(bench.isConnected)
    bench.loseLink(over: .cable)
    #expect(!bench.isConnected)
  }

  @Test func noiseOverTheCableTakesNothingOver() throws {
    let bench = try greeted(over: .air)
    bench.hearNoise(over: .cable)
    bench.say(.statusRequest)
    bench.run(milliseconds: 5)
    #expect(bench.events.contains { if case .message(.status) = $0 { true } else { false } })
  }
}
