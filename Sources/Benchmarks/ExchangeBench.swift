import Datasets
import Gateway
import LinkProtocol
import TrainingCore
import UpdateCodec

/// TinyFedTL's exchange, for which its authors' script sleeps 62 seconds: 514 float32 parameters of a 256→2
/// head to the board, and as many back. Here the board also trains in between, on two examples.
enum ExchangeBench {
  static func run() throws {
    let board = try BoardProcess(width: 256, classes: 2)
    defer { board.end() }
    let client = try PortClient(port: board.port)
    try client.greet()
    try measure(client, on: "pty")
  }

  /// The same on another carrier, whose board has two examples of 256 features.
  static func measure(_ client: PortClient, on carrier: String) throws {
    let model = try ModelDescription(inputWidth: 256, classes: 2)
    var round: UInt32 = 0
    let seconds = try Measurement.median(of: 21) {
      round += 1
      // Another model every time, or the board would say that it holds it.
      let parameters = (0..<514).map { Float($0 % 7) * 0.01 + Float(round) }
      let snapshot = RoundAggregation.snapshot(of: model, version: round, parameters: parameters).snapshot
      let digest = try client.deliver(snapshot)
      let update = try client.train(
        TrainTask(
          round: round, model: digest, epochs: 1, batchSize: 1, learningRate: 0.001, momentum: 0,
          weightDecay: 0, proximal: 0, seed: round))
      let header = try UpdateHeader(parsing: update.span)
      precondition(update.count == header.length + 4 * 514)
    }
    Measurement(bench: "exchange/tinyfedtl/\(carrier)/ms", value: seconds * 1000, unit: "ms").report()
    Measurement(bench: "exchange/tinyfedtl/\(carrier)/speedup", value: 62 / seconds, unit: "ratio").report()
  }
}
