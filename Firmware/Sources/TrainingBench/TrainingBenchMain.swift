// Instructions of a training step, of an 8-bit dot product and of a frozen layer, in Swift and in C at -O3 on the same
// data in the same run.
//
// To be run with QEMU's `-icount shift=0`, which lets one instruction take one nanosecond of virtual time.
// Firmware/Comparison has the same for other compilers, and is to be changed along with this.
import BoardSupport
public import CBoard
import CFirmwareBaseline
import MPS2Board
import TrainingCore

@main struct TrainingBenchMain {
  static func main() {
    measureStep("train_step_256x10", inputs: 256, classes: 10)
    measureStep("train_step_256x2", inputs: 256, classes: 2)
    measureStep("train_step_64x10", inputs: 64, classes: 10)
    measureDotProduct()
    measureFrozenLayer()
    Emulator.exit(0)
  }

  private static let steps: UInt32 = 200

  private static func measureStep(_ name: StaticString, inputs: Int, classes: Int) {
    guard let model = try? ModelDescription(inputWidth: inputs, classes: classes) else { return }
    let hyperparameters = Hyperparameters(epochs: 2, learningRate: 0.01)
    guard let plan = try? MemoryPlan(training: model, with: hyperparameters, arena: 1 << 15),
      var run = try? TrainingRun(model, hyperparameters, plan: plan, examples: Int(steps) / 2)
    else { return }
    var random = SplitMix64(seed: 1)
    var x = [Float](repeating: 0, count: inputs)
    for i in 0..<inputs { x[i] = random.nextSigned() }

    var memory = [Float](repeating: 0, count: plan.total)
    var arena = memory.mutableSpan
    run.begin(arena: &arena)
    let swiftStart = InstructionCounter.now
    for step in 0..<steps {
      if case .failed = run.train(x.span, label: Int(step) % classes, arena: &arena) { return }
    }
    InstructionCounter.report(name, "swift", since: swiftStart, units: steps)

    var weights = [Float](repeating: 0, count: inputs * classes)
    var biases = [Float](repeating: 0, count: classes)
    var room = [Float](repeating: 0, count: classes)
    let cStart = InstructionCounter.now
    for step in 0..<steps {
      _ = baseline_train_step(
        &weights, &biases, x, &room, Int32(inputs), Int32(classes), Int32(Int(step) % classes), 0.01)
    }
    InstructionCounter.report(name, "c", since: cStart, units: steps)

    // Both learnt the same, or the comparison would mean nothing.
    var differing: UInt32 = 0
    for i in 0..<weights.count where abs(weights[i] - arena[i]) > 1e-5 { differing += 1 }
    InstructionCounter.check(name, "differing", differing)
    InstructionCounter.check(name, "hash", hash(weights.span))
  }

  private static func measureDotProduct() {
    var random = SplitMix64(seed: 2)
    var a = [Int8](repeating: 0, count: 256)
    var b = a
    for i in 0..<a.count {
      a[i] = Int8(truncatingIfNeeded: random.next())
      b[i] = Int8(truncatingIfNeeded: random.next())
    }
    var sum: Int32 = 0
    let swiftStart = InstructionCounter.now
    for _ in 0..<steps { sum &+= dotProduct(a.span, b.span) }
    InstructionCounter.report("dot_int8_256", "swift", since: swiftStart, units: steps)

    var sumOfC: Int32 = 0
    let cStart = InstructionCounter.now
    for _ in 0..<steps { sumOfC &+= baseline_dot_int8(a, b, 256) }
    InstructionCounter.report("dot_int8_256", "c", since: cStart, units: steps)
    InstructionCounter.check("dot_int8_256", "differing", UInt32(bitPattern: sum &- sumOfC))
    InstructionCounter.check("dot_int8_256", "hash", UInt32(bitPattern: sumOfC))
  }

  private static func measureFrozenLayer() {
    let weights = [Int8](repeating: 3, count: 256 * 32)
    let biases = [Int32](repeating: 5, count: 32)
    let scales = [Float](repeating: 0.5, count: 32)
    let x = [Int8](repeating: -1, count: 256)
    var features = [Float](repeating: 0, count: 32)
    guard
      let layer = try? FrozenLayer(
        inputs: 256, activation: .none, weights: weights.span, biases: biases.span, scales: scales.span)
    else { return }
    var room = features.mutableSpan
    let start = InstructionCounter.now
    for _ in 0..<steps {
      guard (try? layer.forward(x.span, into: &room)) != nil else { return }
    }
    InstructionCounter.report("frozen_layer_256x32", "swift", since: start, units: steps)
    var differing: UInt32 = 0
    for feature in features where feature != -381.5 { differing += 1 }
    InstructionCounter.check("frozen_layer_256x32", "differing", differing)
  }

  /// FNV-1a over words.
  private static func hash(_ values: Span<Float>) -> UInt32 {
    var hash: UInt32 = 2_166_136_261
    for i in 0..<values.count { hash = (hash ^ values[i].bitPattern) &* 16_777_619 }
    return hash
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Emulator.end(after: record.pointee)
}
