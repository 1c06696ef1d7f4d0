import Foundation
import Testing
import TrainingCore

/// One case of `Protocols/vectors/training.txt`.
private struct Case: CustomTestStringConvertible {
  var name = ""
  var inputWidth = 0
  var input = InputFormat.float32
  var layers: [(outputs: Int, activation: Activation)] = []
  var hyperparameters = Hyperparameters(learningRate: 1)
  var labels: [Int] = []
  var examples: [[Float]] = []
  var orders: [[Int]] = []
  var initial: [Float] = []
  var losses: [Float] = []
  var final: [Float] = []
  var correct = 0
  var meanLoss: Float = 0
  var confusion: [UInt32] = []

  var testDescription: String { name }

  func model() throws -> ModelDescription {
    var model = try ModelDescription(inputWidth: inputWidth, input: input)
    for layer in layers { try model.append(outputs: layer.outputs, activation: layer.activation) }
    return model
  }

  static func read(_ file: URL) throws -> [Case] {
    var cases: [Case] = []
    var current = Case()
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ")
      func integer(_ i: Int) throws -> Int { try #require(Int(words[i])) }
      func float(_ i: Int) throws -> Float { try #require(Float(words[i])) }
      func floats(from i: Int) throws -> [Float] { try words[i...].map { try #require(Float($0)) } }
      switch words[0] {
      case "#": continue
      case "case": current = Case(name: String(words[1]))
      case "float32": current.inputWidth = try integer(1)
      case "int8":
        current.inputWidth = try integer(1)
        current.input = .int8(scale: try float(2), zeroPoint: Int8(try integer(3)))
      case "layer": current.layers.append((try integer(1), words[2] == "relu" ? .relu : .none))
      case "hyperparameters":
        current.hyperparameters = Hyperparameters(
          epochs: UInt16(try integer(1)), batchSize: UInt16(try integer(2)), learningRate: try float(3),
          momentum: try float(4), weightDecay: try float(5), proximal: try float(6),
          seed: UInt32(try integer(7)))
      case "example":
        current.labels.append(try integer(1))
        current.examples.append(try floats(from: 2))
      case "order": current.orders.append(try words[1...].map { try #require(Int($0)) })
      case "initial": current.initial = try floats(from: 1)
      case "losses": current.losses = try floats(from: 1)
      case "final": current.final = try floats(from: 1)
      case "evaluation": (current.correct, current.meanLoss) = (try integer(1), try float(2))
      case "confusion": current.confusion = try words[1...].map { try #require(UInt32($0)) }
      case "end": cases.append(current)
      default: Issue.record("a line of no known kind: \(line.prefix(40))")
      }
    }
    return cases
  }
}

private let vectors = repository.appending(path: "Protocols/vectors/training.txt")
private let script = repository.appending(path: "Tests/Reference/training_reference.py")

/// Runs python3; its exit status, nil if it cannot be started.
private func python(_ arguments: String...) -> Int32? {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3"] + arguments
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  process.waitUntilExit()
  return process.terminationStatus
}

@Suite struct NumPyReferenceTests {
  /// NumPy sums in another order and in batches; everything else is the same single precision. The
  /// difference seen in parameters of about 1 is below 1e-6; another NumPy may sum otherwise.
  private let tolerance: Float = 5e-6

  @Test(arguments: try! Case.read(vectors))
  fileprivate func trainingAgreesWithNumPy(reference: Case) throws {
    let model = try reference.model()
    let start = initialParameters(of: model, seed: UInt64(reference.hyperparameters.seed))
    #expect(start.bits == reference.initial.bits)

    var trainer = try Trainer(
      model, reference.hyperparameters, examples: reference.labels.count, parameters: start)
    for (epoch, order) in reference.orders.enumerated() {
      for example in order {
        #expect(trainer.run.nextExample == example)
        let (x, label) = (reference.examples[example], reference.labels[example])
        let outcome =
          reference.input == .float32
          ? trainer.train(x, label) : trainer.train(x.map { Int8($0) }, label)
        #expect(outcome.loss != nil)
      }
      #expect(abs(trainer.run.progress.meanLoss - reference.losses[epoch]) < tolerance, "epoch \(epoch)")
    }
    #expect(trainer.run.isFinished)
    let worst = zip(trainer.parameters, reference.final).map { abs($0 - $1) }.max()
    #expect(try #require(worst) < tolerance)
    #expect(zip(start, reference.final).contains { abs($0 - $1) > 0.05 }, "the case trains nothing")

    // Evaluated in the memory and with the plan of the run.
    var evaluation = try Evaluation(model, plan: trainer.plan)
    var confusion = [UInt32](repeating: 0, count: reference.confusion.count)
    for (x, label) in zip(reference.examples, reference.labels) {
      let quantised = reference.input == .float32 ? [] : x.map { Int8($0) }
      var arena = trainer.memory.mutableSpan
      var counts = confusion.mutableSpan
      _ =
        reference.input == .float32
        ? evaluation.evaluate(x.span, label: label, arena: &arena, confusion: &counts)
        : evaluation.evaluate(quantised.span, label: label, arena: &arena, confusion: &counts)
    }
    #expect(evaluation.correct == reference.correct && confusion == reference.confusion)
    #expect(abs(evaluation.meanLoss - reference.meanLoss) < tolerance)
  }

  @Test(.enabled(if: python("-c", "import numpy") == 0, "needs python3 with NumPy"))
  func theVectorFileIsWhatTheScriptWrites() {
    #expect(python(script.path(), "--check", vectors.path()) == 0)
  }
}
