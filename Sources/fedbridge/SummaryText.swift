import Foundation
import GatewayService

/// The summary of a run as a person reads it at its end.
enum SummaryText {
  static func lines(of summary: RunSummary) -> [String] {
    var lines = ["", "round  accuracy  loss    boards  down B   up B     seconds"]
    for round in summary.rounds {
      lines.append(
        [
          column(String(round.round), 5), column(percent(round.accuracy), 9),
          column(round.loss.map { String(format: "%.4f", $0) } ?? "-", 7),
          column(String(round.contributions), 6),
          column(String(round.bytesDown), 8), column(String(round.bytesUp), 8),
          column(String(format: "%.2f", round.seconds), 8),
        ].joined(separator: " "))
    }
    if let federated = summary.final.federated {
      lines.append("")
      lines.append("on held-out examples: federated \(percent(federated))")
      if let centralised = summary.final.centralised, let alone = summary.final.aloneMean {
        lines[lines.count - 1] +=
          ", all data in one place \(percent(centralised)), each board alone \(percent(alone)) on average"
      }
    }
    return lines
  }

  private static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func percent(_ fraction: Double?) -> String {
    fraction.map { String(format: "%.2f %%", $0 * 100) } ?? "-"
  }
}
