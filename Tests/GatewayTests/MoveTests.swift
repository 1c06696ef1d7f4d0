import FederationSimulation
import Testing
import UpdateCodec

/// Boards that have a cable and a radio, and go on over the one that is there.
@Suite struct MoveTests {
  @Test func whereverCablesArePluggedInAndPulledTheFederationLearnsTheSame() throws {
    var suffered = Sufferings()
    var again = 0
    for seed in 1...8 as ClosedRange<UInt64> {
      let (what, resent, violations) = try Moves(seed: seed).run()
      #expect(violations.isEmpty, "seed \(seed)")
      suffered += what
      again += resent
    }
    print("suffered: \(suffered); \(again) bytes of objects were sent again")
    #expect(suffered.moves > 30)
  }

  @Test(arguments: [UpdateCoding.float32, .step(sixteenths: 32)], [true, false])
  func aMoveCostsAtMostAWindowWhereverItHappens(in coding: UpdateCoding, toCable: Bool) throws {
    let round = try MoveExhaustion(coding)
    var most = 0
    var happened = 0
    for byte in stride(from: 1500, to: round.wireBytes - 300, by: 211) {
      let (again, violations) = try round.move(afterByte: byte, toCable: toCable)
      #expect(violations.isEmpty)
      most = max(most, again)
      happened += 1
    }
    print(
      "\(happened) moves \(toCable ? "to" : "from") the cable in \(coding): at most \(most) bytes sent again")
    #expect(happened > 25 && most > 0)
  }
}
