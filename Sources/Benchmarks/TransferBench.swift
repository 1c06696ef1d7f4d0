import CLinux
import Gateway
import Glibc
import SerialDevices
import TrainingCore

/// A model of 65,412 bytes over a pseudo-terminal to a board that verifies and stores it, beside as many bytes
/// pumped through a bare pseudo-terminal by the same read and write calls.
enum TransferBench {
  private static let parameterBytes = 65_412

  static func run() throws {
    let board = try BoardProcess(width: 650, classes: 3)
    defer { board.end() }
    let client = try PortClient(port: board.port)
    try client.greet()
    let model = try ModelDescription(inputWidth: 650, hidden: 25, classes: 3)
    precondition(4 * model.parameterCount == parameterBytes)
    var version: UInt32 = 0
    var overhead = 0.0
    let times = try Measurement.medians(of: 15) {
      version += 1
      let parameters = (0..<model.parameterCount).map { Float($0 % 1009) * 0.001 + Float(version) }
      let snapshot = RoundAggregation.snapshot(of: model, version: version, parameters: parameters).snapshot
      let before = client.bytesWritten
      _ = try client.deliver(snapshot)
      overhead = Double(client.bytesWritten - before) / Double(snapshot.count) - 1
    } _: {
      try pump(parameterBytes)
    }
    Measurement(
      bench: "transfer/65412/pty/goodput_kb_per_s", value: Double(parameterBytes) / times.a / 1000,
      unit: "kB/s"
    ).report()
    Measurement(
      bench: "transfer/65412/pty/goodput_ratio", value: times.b / times.a, unit: "ratio"
    ).report()
    Measurement(bench: "transfer/65412/pty/overhead_ratio", value: overhead, unit: "ratio").report()
  }

  /// Bytes through a bare pseudo-terminal within this process.
  private static func pump(_ count: Int) throws {
    var name = [CChar](repeating: 0, count: 64)
    let leader = clinux_open_pseudo_terminal(&name, name.count)
    let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let follower = try TTY.open(path).release()
    defer {
      close(leader)
      close(follower)
    }
    let output = [UInt8](repeating: 0x55, count: 1040)
    var input = [UInt8](repeating: 0, count: 4096)
    var written = 0
    var received = 0
    while received < count {
      let part = min(output.count, count - written)
      if part > 0 {
        let sent = write(follower, output, part)
        if sent > 0 { written += sent }
      }
      let got = read(leader, &input, input.count)
      if got > 0 { received += got }
    }
  }
}
