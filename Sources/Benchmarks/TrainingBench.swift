import CTrainBaseline
import TrainingCore

/// One training step of a 256→10 head, in Swift and in C, on this machine.
enum TrainingBench {
  private static let inputs = 256
  private static let classes = 10
  private static let steps = 2000

  static func run() throws {
    let model = try ModelDescription(inputWidth: inputs, classes: classes)
    let parameters = Hyperparameters(epochs: 1, learningRate: 0.01)
    let plan = try MemoryPlan(training: model, with: parameters, arena: 8192)
    var arena = [Float](repeating: 0, count: plan.total)
    let x = (0..<inputs).map { Float($0 % 17) / 17 }
    var weights = [Float](repeating: 0, count: inputs * classes)
    var biases = [Float](repeating: 0, count: classes)
    var scratch = biases

    let times = Measurement.medians(of: 15) {
      guard var run = try? TrainingRun(model, parameters, plan: plan, examples: steps) else { return }
      var memory = arena.mutableSpan
      run.begin(arena: &memory)
      while let index = run.nextExample { _ = run.train(x.span, label: index % classes, arena: &memory) }
    } _: {
      for step in 0..<steps {
        _ = baseline_train_step(
          &weights, &biases, x, &scratch, Int32(inputs), Int32(classes), Int32(step % classes), 0.01)
      }
    }
    Measurement(
      bench: "host/train_step_256x10/us", value: times.a / Double(steps) * 1e6, unit: "us"
    ).report()
    Measurement(
      bench: "host/train_step_256x10/ratio_to_c", value: times.a / times.b, unit: "ratio"
    ).report()
  }
}
