import Baselines
import Foundation
import Rounds
import Testing

@testable import GatewayService
@testable import GatewayStore
@testable import fedbridge

@Suite struct SummaryTests {
  private static func record(
    _ number: UInt32, result: UInt32?, correct: Int? = nil, boards: Int? = nil
  ) -> RoundRecord {
    var evaluations: [EvaluationSource: EvaluationReport] = [:]
    if let correct { evaluations[.gateway] = EvaluationReport(count: 200, correct: correct, lossSum: 50) }
    if let boards { evaluations[.boards] = EvaluationReport(count: 10, correct: boards, lossSum: 20) }
    return RoundRecord(
      number: RoundNumber(number), base: number - 1, result: result,
      startedAt: Date(timeIntervalSince1970: 0),
      finishedAt: result.map { _ in Date(timeIntervalSince1970: 1) },
      contributions: 3,
      cost: RoundCost(
        bytesDown: 1000, bytesUp: 2000, bytesAgain: 30, bytesResumed: 400, seconds: 1.25),
      evaluations: evaluations)
  }

  private func summary(_ records: [RoundRecord], _ comparison: Comparison? = nil) throws -> RunSummary {
    let experiment = try Experiment(dataset: "digits", boards: 3, division: .natural, seed: 9)
    return RunSummary(experiment: experiment, records: records, comparison: comparison)
  }

  @Test func `A summary has the rounds that are held and ends with the last one's accuracy`() throws {
    let summary = try summary([
      Self.record(1, result: 1, correct: 100, boards: 1), Self.record(2, result: 2, correct: 150),
      Self.record(3, result: nil),
    ])
    #expect(summary.dataset == "digits" && summary.boards == 3 && summary.seed == 9)
    #expect(
      summary.rounds == [
        RunSummary.Round(
          round: 1, accuracy: 0.5, loss: 0.25, contributions: 3, bytesDown: 1000, bytesUp: 2000,
          bytesAgain: 30, bytesResumed: 400, seconds: 1.25),
        RunSummary.Round(
          round: 2, accuracy: 0.75, loss: 0.25, contributions: 3, bytesDown: 1000, bytesUp: 2000,
          bytesAgain: 30, bytesResumed: 400, seconds: 1.25),
      ])
    #expect(summary.final.federated == 0.75)
    #expect(summary.final.centralised == nil && summary.final.aloneMean == nil)
  }

  @Test func `Where the gateway has no examples the boards' own judge`() throws {
    let summary = try summary([Self.record(1, result: 1, boards: 7)])
    #expect(summary.rounds.first?.accuracy == 0.7 && summary.rounds.first?.loss == 2)
  }

  @Test func `A run without rounds has a summary too`() throws {
    let summary = try summary([Self.record(1, result: nil)])
    #expect(summary.rounds.isEmpty && summary.final.federated == nil)
    #expect(SummaryText.lines(of: summary).count == 2)
  }

  @Test func `A summary is written whole, under the names that scripts know, and read again`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("s.json")
    let summary = try summary([Self.record(1, result: 1, correct: 190)])
    try Data("an older one, and a much longer one at that".utf8).write(to: file)
    try summary.write(to: file.path)
    let data = try Data(contentsOf: file)
    #expect(try JSONDecoder().decode(RunSummary.self, from: data) == summary)
    let text = String(decoding: data, as: UTF8.self)
    for name in [
      "\"bytes_down\"", "\"bytes_up\"", "\"bytes_again\"", "\"bytes_resumed\"", "\"final\"", "\"federated\"",
      "\"seed\"",
    ] {
      #expect(text.contains(name))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["s.json"])
    #expect(throws: (any Error).self) { try summary.write(to: folder.path + "/no/s.json") }
  }

  @Test func `People read a row a round and the comparison under it`() throws {
    var summary = try summary([])
    summary.rounds = [
      RunSummary.Round(
        round: 1, accuracy: 0.925, loss: 0.25, contributions: 2, bytesDown: 40_951, bytesUp: 41_002,
        bytesAgain: 0, bytesResumed: 0, seconds: 0.125),
      RunSummary.Round(
        round: 12, accuracy: nil, loss: nil, contributions: 10, bytesDown: 123_456_789, bytesUp: 0,
        bytesAgain: 0, bytesResumed: 0, seconds: 3600),
    ]
    summary.final = RunSummary.Final(federated: 0.925, centralised: 0.95, aloneMean: 0.5)
    let lines = SummaryText.lines(of: summary)
    #expect(lines.count == 6)
    #expect(lines[2] == "    1   92.50 %  0.2500      2    40951    41002     0.12")
    // What is unknown is a dash, and what is wide pushes nothing out.
    #expect(lines[3] == "   12         -       -     10 123456789        0  3600.00")
    #expect(
      lines[5]
        == "on held-out examples: federated 92.50 %, all data in one place 95.00 %, each board alone 50.00 % on average"
    )
  }
}
