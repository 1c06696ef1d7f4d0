import Digests
import Rounds
import Testing
import TrainingCore
import UpdateCodec

@testable import Gateway

@Suite struct DeltaChainTests {
  private func version(_ number: UInt32) -> ModelVersion {
    ModelVersion(number: number, hash: SHA256.hash(of: [UInt8(number)].span))
  }

  private func delta(_ number: UInt32, length: Int = 100, coding: UpdateCoding = .defaultStep) -> ModelDelta {
    ModelDelta(
      base: version(number - 1), result: version(number), coding: coding,
      bytes: [UInt8](repeating: UInt8(number), count: length))
  }

  private func steps(_ chain: DeltaChain, from number: UInt32, _ codings: CodingSet = .all) -> [UInt32]? {
    chain.path(from: version(number).hash, codings: codings)?.map(\.result.number)
  }

  @Test func aBoardGoesFromWhatItHoldsToTheLastModel() {
    let chain = DeltaChain((1...5).map { delta($0) })
    #expect(steps(chain, from: 0) == [1, 2, 3, 4, 5])
    #expect(steps(chain, from: 4) == [5])
    // There already, or from somewhere else.
    #expect(steps(chain, from: 5) == nil)
    #expect(steps(chain, from: 9) == nil)
  }

  @Test func whatDoesNotLeadOnIsForgotten() {
    var chain = DeltaChain([delta(1), delta(2), delta(4)])
    #expect(steps(chain, from: 0) == nil && steps(chain, from: 3) == [4])
    chain.append(delta(5))
    #expect(steps(chain, from: 3) == [4, 5])
  }

  @Test func aWayThatCostsMoreThanTheSnapshotIsNone() {
    var chain = DeltaChain((1...20).map { delta($0, length: 100) })
    chain.trim(toSnapshotOf: 1000)
    // Each step costs its 100 bytes and an object more; the snapshot is one object too.
    let kept = (0..<20).filter { steps(chain, from: $0) != nil }
    let cost = kept.count * (100 + DeltaChain.objectCost)
    #expect(cost < 1000 + DeltaChain.objectCost)
    #expect(cost + 100 + DeltaChain.objectCost >= 1000 + DeltaChain.objectCost)
    #expect(steps(chain, from: 19) == [20])
    // One longer than the snapshot is of no use at all.
    chain.append(delta(21, length: 5000))
    chain.trim(toSnapshotOf: 1000)
    #expect(steps(chain, from: 20) == nil)
  }

  @Test func aBoardThatDoesNotKnowACodingOnTheWayGetsTheSnapshot() {
    let chain = DeltaChain([delta(1, coding: .lossless), delta(2, coding: .defaultSTC), delta(3)])
    #expect(steps(chain, from: 0, [.float32, .step, .lossless]) == nil)
    #expect(steps(chain, from: 2, [.float32, .step]) == [3])
  }
}
