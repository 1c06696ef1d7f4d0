import Rounds
import Testing

@Suite struct ValueTests {
  @Test func `A board identity is sixteen hexadecimal digits and reads back`() {
    #expect(BoardID(0x7f3a).description == "0000000000007f3a")
    #expect(BoardID("0000000000007F3A") == BoardID(0x7f3a))
    #expect(BoardID("ffffffffffffffff") == BoardID(.max))
    for text in ["", "7f3a", "00000000000007f3a", "+000000000007f3a", "000000000000zf3a"] {
      #expect(BoardID(text) == nil, "\(text)")
    }
  }

  @Test func `Evaluation reports add up and impossible ones do not exist`() {
    let sum = report(10, 5, 2) + report(30, 25, 4)
    #expect(sum.accuracy == 0.75)
    #expect(sum.loss == 0.15)
    #expect(EvaluationReport.empty.accuracy == nil)
    #expect(EvaluationReport(count: 1, correct: 2, lossSum: 0) == nil)
    #expect(EvaluationReport(count: -1, correct: 0, lossSum: 0) == nil)
    #expect(EvaluationReport(count: 1, correct: 0, lossSum: .infinity) == nil)
  }

  @Test func `Times neither overflow nor go back`() {
    let late = MonotonicTime(microseconds: .max - 5)
    #expect(late + .seconds(1) == MonotonicTime(microseconds: .max))
    #expect(seconds(1) + .seconds(-1) == seconds(1))
    #expect(seconds(1).since(seconds(2)) == .zero)
    #expect(seconds(2).since(seconds(1)) == .seconds(1))
  }

  @Test(arguments: [(0.5, 4, 2), (0.5, 5, 3), (0.7, 10, 7), (1.0, 3, 3), (0.01, 5, 1), (0.5, 0, 1)])
  func `A fractional quorum is rounded up and at least one`(part: Double, boards: Int, need: Int) throws {
    var coordinator = try coordinator(minimumBoards: max(1, boards), quorum: .fraction(part))
    for board in 0..<boards {
      _ = coordinator.boardReady(BoardID(UInt64(board)), holding: nil, now: seconds(0))
    }
    #expect(coordinator.status.needed == need)
  }

  @Test func `A policy that makes no sense is refused by name`() {
    #expect(throws: RoundPolicyError.minimumBoards(0)) { try RoundPolicy(minimumBoards: 0) }
    #expect(throws: RoundPolicyError.quorum(.boards(0))) { try RoundPolicy(quorum: .boards(0)) }
    #expect(throws: RoundPolicyError.quorum(.fraction(1.5))) { try RoundPolicy(quorum: .fraction(1.5)) }
    #expect(throws: RoundPolicyError.self) { try RoundPolicy(quorum: .fraction(.nan)) }
    #expect(throws: RoundPolicyError.roundDeadline(.zero)) { try RoundPolicy(roundDeadline: .zero) }
    #expect(throws: RoundPolicyError.boardDeadline(.zero)) { try RoundPolicy(boardDeadline: .zero) }
    #expect(throws: RoundPolicyError.retryDelay(.zero)) { try RoundPolicy(retryDelay: .zero) }
    #expect(throws: RoundPolicyError.maximumAttemptsPerBoard(0)) {
      try RoundPolicy(maximumAttemptsPerBoard: 0)
    }
    #expect(throws: RoundPolicyError.maximumRounds) { try RoundPolicy(maximumRounds: 0) }
  }
}
