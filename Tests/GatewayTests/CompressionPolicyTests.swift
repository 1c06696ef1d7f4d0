import Rounds
import Testing
import UpdateCodec

@testable import Gateway

@Suite struct CompressionPolicyTests {
  private let rose = BoardID(1)
  private let fern = BoardID(2)

  /// What a board is asked for whose link makes so many bytes a second, after training for so long.
  private func choice(bytesPerSecond: Double, training: Double = 0, parameters: Int = 2570) -> UpdateCoding {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 10_000 / bytesPerSecond)
    policy.trained(rose, seconds: training)
    return policy.uplink(of: rose, parameters: parameters, codings: .all).coding
  }

  @Test func theSlowerTheLinkTheFewerTheBits() {
    #expect(choice(bytesPerSecond: 300_000) == .lossless)
    #expect(choice(bytesPerSecond: 20_000) == .step(sixteenths: 16))
    #expect(choice(bytesPerSecond: 5_000) == .defaultStep)
    #expect(choice(bytesPerSecond: 1_000) == .defaultSTC)
    // Nothing is left to save.
    #expect(choice(bytesPerSecond: 1) == .defaultSTC)
  }

  @Test func aTransferThatIsShortBesideTheTrainingNeedsNoCompression() {
    #expect(choice(bytesPerSecond: 20_000, training: 10) == .lossless)
    #expect(choice(bytesPerSecond: 1_000, training: 10) == .step(sixteenths: 16))
  }

  @Test func theSlowestLinkDecidesTheWayDownAndEachItsOwnWayUp() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 0.01)
    policy.transferred(fern, bytes: 10_000, seconds: 10)
    #expect(policy.downlink(to: [rose, fern], parameters: 2570, codings: .all).coding == .defaultSTC)
    #expect(policy.downlink(to: [rose], parameters: 2570, codings: .all).coding == .lossless)
    #expect(policy.uplink(of: rose, parameters: 2570, codings: .all).coding == .lossless)
    #expect(policy.uplink(of: fern, parameters: 2570, codings: .all).coding == .defaultSTC)
  }

  @Test func aBoardIsAskedForWhatItKnows() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 10)
    #expect(policy.uplink(of: rose, parameters: 2570, codings: .float32).coding == .float32)
    #expect(
      policy.uplink(of: rose, parameters: 2570, codings: [.float32, .step]).coding == .defaultStep)
    // Before anything moved, too.
    #expect(policy.uplink(of: fern, parameters: 2570, codings: .float32).coding == .float32)
    #expect(policy.uplink(of: fern, parameters: 2570, codings: .all).coding == .lossless)
    var fixed = CompressionPolicy(.fixed(.defaultSTC))
    #expect(fixed.uplink(of: rose, parameters: 2570, codings: .all).coding == .defaultSTC)
    #expect(fixed.uplink(of: rose, parameters: 2570, codings: [.float32, .step]).coding == .float32)
  }

  @Test func shortTransfersTellTheRoundTripAndSoNoLowerRate() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 0.02)
    for _ in 0..<20 { policy.transferred(rose, bytes: 150, seconds: 0.05) }
    #expect(policy.uplink(of: rose, parameters: 2570, codings: .all).coding == .lossless)
    // Long ones do.
    for _ in 0..<20 { policy.transferred(rose, bytes: 10_000, seconds: 2) }
    #expect(policy.uplink(of: rose, parameters: 2570, codings: .all).coding != .lossless)
  }

  @Test func aLossThatStaysWorseCutsTheLadderForAWhile() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 10)
    func ask() -> UpdateCoding { policy.uplink(of: rose, parameters: 2570, codings: .all).coding }
    #expect(ask() == .defaultSTC)
    #expect(policy.scored(loss: 1.0) == nil)
    var said = 0
    for _ in 0..<3 {
      _ = ask()
      if policy.scored(loss: 1.2) != nil { said += 1 }
    }
    #expect(said == 1)
    #expect(ask() == .defaultStep)
    // Better again: after ten rounds the next rung is tried.
    for _ in 0..<10 {
      #expect(policy.scored(loss: 0.9) == nil)
    }
    #expect(ask() == .defaultSTC)
  }

  @Test func aLossThatIsWorseWithoutCompressionIsNotItsFault() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 0.01)
    _ = policy.scored(loss: 1)
    for _ in 0..<20 {
      #expect(policy.uplink(of: rose, parameters: 2570, codings: .all).coding == .lossless)
      #expect(policy.scored(loss: 3) == nil)
    }
  }

  @Test func nonsenseChangesNothing() {
    var policy = CompressionPolicy(.automatic)
    policy.transferred(rose, bytes: 10_000, seconds: 0.01)
    policy.transferred(rose, bytes: 0, seconds: 1)
    policy.transferred(rose, bytes: 100, seconds: 0)
    policy.transferred(rose, bytes: .nan, seconds: 1)
    policy.trained(rose, seconds: -1)
    policy.coded(.lossless, parameters: 0, bytes: 0)
    _ = policy.scored(loss: .nan)
    #expect(policy.uplink(of: rose, parameters: 2570, codings: .all).coding == .lossless)
  }

  @Test func peopleAskInWords() {
    #expect(CompressionChoice("auto") == .automatic)
    #expect(CompressionChoice("float32") == .fixed(.float32))
    #expect(CompressionChoice("lossless") == .fixed(.lossless))
    #expect(CompressionChoice("step") == .fixed(.defaultStep))
    #expect(CompressionChoice("step:1.5") == .fixed(.step(sixteenths: 24)))
    #expect(CompressionChoice("stc:16") == .fixed(.stc(oneIn: 16)))
    for wrong in [
      "", "step:", "step:0", "step:16", "step:x", "step:nan", "stc:1", "stc:", "stc:-3", "stc:70000",
      "auto:1",
      "lossless:2", "zip", "step:2:3",
    ] {
      #expect(CompressionChoice(wrong) == nil, "\(wrong)")
    }
  }
}
