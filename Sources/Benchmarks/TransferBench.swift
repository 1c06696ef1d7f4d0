import LinkProtocol

/// Objects over a pseudo-terminal to another thread that takes and verifies them, beside as many bytes written to
/// another thread that only reads them, with the same sizes of write and read.
enum TransferBench {
  static let sizes = [2_048, 65_412, 1_048_576]
  private static let repetitions = 40

  static func run() throws {
    for window in [4_096, 32_768] {
      let peer = try SessionPeer(window: window)
      let bare = try BarePeer()
      peer.start()
      bare.start()
      let client = try PortClient(port: peer.port)
      let writer = try BareWriter(port: bare.port)
      try client.greet()
      let link = window == 4_096 ? "pty" : "pty-credit-\(window)"
      for size in sizes { try measure(size, link, client, peer, writer, bare) }
      peer.end()
      bare.end()
    }
    SimulatedTransferBench.run()
  }

  private static func measure(
    _ size: Int, _ link: String, _ client: PortClient, _ peer: SessionPeer, _ writer: BareWriter,
    _ bare: BarePeer
  ) throws {
    var seed = UInt8(0)
    func content() -> [UInt8] {
      seed &+= 1
      return (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) ^ seed }
    }
    // The fastest of each: whatever else the machine does only adds to it.
    var ours = UInt64.max
    var theirs = UInt64.max
    let before = client.bytesWritten
    for _ in 0..<repetitions {
      let object = content()
      // From the offer until the last byte is at the other side.
      _ = try client.deliver(object)
      ours = min(ours, peer.takeCompletion() - client.offeredAt.microseconds)
      let again = PortEnd.now()
      bare.expect(size)
      writer.write(object)
      theirs = min(theirs, bare.takeCompletion() - again.microseconds)
    }
    let overhead = Double(client.bytesWritten - before) / Double(repetitions * size) - 1
    let path = "transfer/\(size)/\(link)"
    let (mine, bareTime) = (Double(max(ours, 1)), Double(theirs))
    Measurement(
      bench: "\(path)/goodput_kb_per_s", value: Double(size) / mine * 1000, unit: "kB/s"
    ).report()
    Measurement(
      bench: "\(path)/bare_kb_per_s", value: Double(size) / bareTime * 1000, unit: "kB/s"
    ).report()
    Measurement(bench: "\(path)/goodput_ratio", value: bareTime / mine, unit: "ratio").report()
    Measurement(bench: "\(path)/overhead_ratio", value: overhead, unit: "ratio").report()
  }
}
