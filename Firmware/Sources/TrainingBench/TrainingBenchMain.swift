import BoardSupport
// Instructions of a training step, in Swift and in C at -O3, on the same data in the same run.
//
// To be run with QEMU's `-icount shift=0`, which lets one instruction take one nanosecond of virtual time.
import Bytes
public import CBoard
import CFirmwareBaseline
import CoreChecks
import MPS2Board
import TrainingCore

@main struct TrainingBenchMain {
  static func main() {
    var console = Console()
    measure(&console, "256x10", inputs: 256, classes: 10)
    measure(&console, "256x2", inputs: 256, classes: 2)
    measure(&console, "64x10", inputs: 64, classes: 10)
    Emulator.exit(0)
  }

  private static let steps: UInt32 = 200

  private static func measure(_ console: inout Console, _ name: StaticString, inputs: Int, classes: Int) {
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
    let swift = InstructionCounter.now &- swiftStart

    var weights = [Float](repeating: 0, count: inputs * classes)
    var biases = [Float](repeating: 0, count: classes)
    var room = [Float](repeating: 0, count: classes)
    let cStart = InstructionCounter.now
    for step in 0..<steps {
      _ = baseline_train_step(
        &weights, &biases, x, &room, Int32(inputs), Int32(classes), Int32(Int(step) % classes), 0.01)
    }
    let c = InstructionCounter.now &- cStart

    // Both learnt the same, or the comparison would mean nothing.
    var differing: UInt32 = 0
    for i in 0..<weights.count where abs(weights[i] - arena[i]) > 1e-5 { differing += 1 }
    report(&console, name, "swift", swift)
    report(&console, name, "c", c)
    console.write("bench ")
    console.write(name)
    console.write(" differing ")
    console.write(decimal: differing)
    console.write("\n")
  }

  private static func report(
    _ console: inout Console, _ name: StaticString, _ language: StaticString, _ instructions: UInt32
  ) {
    console.write("bench ")
    console.write(name)
    console.write(" ")
    console.write(language)
    console.write(" ")
    console.write(decimal: instructions / steps)
    console.write("\n")
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Emulator.end(after: record.pointee)
}
