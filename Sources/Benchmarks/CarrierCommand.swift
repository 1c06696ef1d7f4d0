import ArgumentParser
import Glibc
import SerialDevices

/// The gateway's end of carriers, each with a `serve` of its own behind it.
struct CarrierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "carrier", abstract: "Measures a carrier whose other end is 'fedbridge-bench serve'.")

  @Option(help: "What the carrier is called in the figures.")
  var name: String

  @Option(help: "Port with a board behind it.")
  var board: String?

  @Option(help: "Ports with sessions behind them.")
  var session: [String] = []

  @Option(help: "Port behind which bytes are only read.")
  var bare: String

  @Option(help: "Bytes of an object, as 'serve --every' says.")
  var size: Int = 65_412

  private static let repetitions = 25

  func run() throws {
    if let board {
      let client = try PortClient(port: board)
      try client.greet()
      try ExchangeBench.measure(client, on: name)
    }
    for (index, port) in session.enumerated() {
      try measureTransfer(port, as: index == 0 ? name : "\(name)-\(index + 1)")
    }
  }

  /// Objects and as many bare bytes in turn, both until the other side has said that it has them.
  private func measureTransfer(_ port: String, as name: String) throws {
    let client = try PortClient(port: port)
    try client.greet()
    let writer = try BareWriter(port: bare)
    let before = client.bytesWritten
    var seed = UInt8(0)
    let (ours, theirs) = try Measurement.medians(of: Self.repetitions) {
      seed &+= 1
      _ = try client.deliver((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) ^ seed })
    } _: {
      writer.write([UInt8](repeating: seed, count: size), pieces: size)
      try writer.awaitWord()
    }
    let path = "transfer/\(size)/\(name)"
    let kilobytes = Double(size) / 1000
    let overhead = Double(client.bytesWritten - before) / Double(Self.repetitions * size) - 1
    Measurement(bench: "\(path)/goodput_kb_per_s", value: kilobytes / ours, unit: "kB/s").report()
    Measurement(bench: "\(path)/bare_kb_per_s", value: kilobytes / theirs, unit: "kB/s").report()
    Measurement(bench: "\(path)/goodput_ratio", value: theirs / ours, unit: "ratio").report()
    Measurement(bench: "\(path)/overhead_ratio", value: overhead, unit: "ratio").report()
  }
}
