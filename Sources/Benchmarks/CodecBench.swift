import TrainingCore
import UpdateCodec

/// What codecs cost and spare: real differences of federations in memory, 40 rounds, both directions.
///
/// Accuracy is that of a few hundred test examples, so that a single federation tells nothing about tenths of a
/// point: every codec runs with the same twenty seeds, and the standard error is stated.
enum CodecBench {
  private static let seeds: ClosedRange<UInt64> = 1...20

  private static let codecs: [(name: String, coding: UpdateCoding)] = [
    ("float32", .float32), ("lossless", .lossless), ("step", .defaultStep), ("stc", .defaultSTC),
  ]

  static func run() throws {
    for federation in try CodecCase.all() {
      var reference = Figures()
      for (name, coding) in codecs {
        var figures = Figures()
        for seed in seeds { figures.add(try CodecFederation(federation, coding, seed: seed)) }
        if coding == .float32 { reference = figures }
        figures.report("codec/\(name)/\(federation.name)", coding, federation.model, comparedWith: reference)
      }
    }
  }

  /// Sums over the seeds.
  private struct Figures {
    var accuracies: [Double] = []
    var up = 0.0
    var down = 0.0
    var rice = 0.0
    var encoding = 0.0
    var decoding = 0.0

    mutating func add(_ run: CodecFederation) {
      accuracies.append(run.accuracy)
      up += Double(run.upBytes) / Double(run.updates)
      rice += Double(run.riceBytes) / Double(run.updates)
      down += Double(run.downBytes) / Double(CodecFederation.rounds)
      encoding += run.encoding / Double(run.values) * 1e9
      decoding += run.decoding / Double(run.values) * 1e9
    }

    func report(
      _ path: String, _ coding: UpdateCoding, _ model: ModelDescription, comparedWith float32: Figures
    ) {
      func line(_ name: String, _ value: Double, _ unit: String) {
        Measurement(bench: "\(path)/\(name)", value: value, unit: unit).report()
      }
      let runs = Double(accuracies.count)
      let losses = zip(float32.accuracies, accuracies).map { 100 * ($0 - $1) }
      let loss = losses.reduce(0, +) / runs
      let variance = losses.reduce(0) { $0 + ($1 - loss) * ($1 - loss) } / (runs - 1)
      line("ratio", (float32.up + float32.down) / (up + down), "float32's bytes / its bytes")
      line("up_ratio", float32.up / up, "float32's bytes / its bytes")
      line("down_ratio", float32.down / down, "float32's bytes / its bytes")
      line("accuracy_loss_points", loss, "points")
      line("accuracy_loss_standard_error", (variance / runs).squareRoot(), "points")
      line("up_bytes", up / runs, "bytes")
      line("down_bytes", down / runs, "bytes")
      line("ram_bytes", Double(Self.memory(coding, model)), "bytes")
      line("encode_ns", encoding / runs, "ns/parameter")
      line("decode_ns", decoding / runs, "ns/parameter")
      if coding == .defaultStep || coding == .defaultSTC {
        line("rice_up_bytes", rice / runs, "bytes")
      }
    }

    /// What a board holds for both directions: encoder, decoder, their buffers, and a residual if there is any.
    private static func memory(_ coding: UpdateCoding, _ model: ModelDescription) -> Int {
      let residual = coding == .float32 || coding == .lossless ? 0 : 4 * model.parameterCount
      return DifferenceEncoder.stateBytes + DifferenceEncoder.outputRoom + DifferenceDecoder.stateBytes
        + DifferenceDecoder.inputRoom + residual
    }
  }
}
