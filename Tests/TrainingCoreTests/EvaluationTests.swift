import Foundation
import Testing
import TrainingCore

@Suite struct EvaluationTests {
  // Logits are the inputs: weights are the identity, biases zero.
  private let model = try! ModelDescription(inputWidth: 3, classes: 3)
  private let identity: [Float] = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]

  @Test func countsLossAndConfusionAreThoseOfTheDefinition() throws {
    let examples = Examples(
      inputs: [[2, 1, 0], [0, 3, 1], [1, 1, 0], [-1, 0, 5], [0, 0, 0]], labels: [0, 2, 1, 2, 0])
    let plan = try MemoryPlan(evaluating: model, arena: .max)
    var memory = identity + [Float](repeating: .nan, count: plan.total - identity.count)
    var confusion = [UInt32](repeating: 0, count: 9)
    var evaluation = try Evaluation(model, plan: plan)
    var expectedLoss = 0.0
    for (x, label) in zip(examples.inputs, examples.labels) {
      var arena = memory.mutableSpan
      var counts = confusion.mutableSpan
      let outcome = evaluation.evaluate(x.span, label: label, arena: &arena, confusion: &counts)
      let sum = x.reduce(0.0) { $0 + exp(Double($1)) }
      let loss = log(sum) - Double(x[label])
      expectedLoss += loss / 5
      guard case .scored(let prediction, let given) = outcome else {
        Issue.record("not scored")
        continue
      }
      #expect(x[prediction] == x.max() && abs(Double(given) - loss) < 1e-6)
    }
    #expect(evaluation.count == 5 && evaluation.correct == 3 && evaluation.accuracy == 0.6)
    #expect(abs(Double(evaluation.meanLoss) - expectedLoss) < 1e-6)
    // [label][prediction]; of equal logits the first class is predicted.
    #expect(confusion == [2, 0, 0, 1, 0, 0, 0, 1, 1])
    #expect(Array(memory[plan.weights]).bits == identity.bits)
  }

  @Test func aModelThatHasDivergedIsNeverRightAndItsLossIsNotFinite() throws {
    let examples = Examples(inputs: [[1, 0, 0]], labels: [0])
    let evaluation = try evaluate(model, [Float](repeating: .nan, count: 12), examples)
    #expect(evaluation.count == 1 && evaluation.correct == 0 && !evaluation.meanLoss.isFinite)
  }

  @Test func whatCannotBeScoredIsReportedAndNotCounted() throws {
    let plan = try MemoryPlan(evaluating: model, arena: .max)
    var memory = identity + [Float](repeating: 0, count: plan.total - identity.count)
    var arena = memory.mutableSpan
    var evaluation = try Evaluation(model, plan: plan)
    let zeros: [Float] = [0, 0, 0]
    let quantised: [Int8] = [0, 0, 0]
    let wrongLabel = evaluation.evaluate(zeros.span, label: 3, arena: &arena)
    let wrongWidth = evaluation.evaluate(zeros.span.extracting(first: 2), label: 0, arena: &arena)
    let wrongFormat = evaluation.evaluate(quantised.span, label: 0, arena: &arena)
    var short = arena._mutatingExtracting(droppingLast: 1)
    let tooSmall = evaluation.evaluate(zeros.span, label: 0, arena: &short)
    #expect(wrongLabel == .failed(.labelOutOfRange(label: 3, classes: 3)))
    #expect(wrongWidth == .failed(.inputWidth(got: 2, expected: 3)))
    #expect(wrongFormat == .failed(.inputFormat))
    #expect(tooSmall == .failed(.arenaTooSmall(needed: plan.total, available: plan.total - 1)))
    #expect(evaluation.count == 0 && evaluation.accuracy == 0 && evaluation.meanLoss == 0)
  }

  @Test func aConfusionMatrixOfAnotherSizeIsLeftAlone() throws {
    let plan = try MemoryPlan(evaluating: model, arena: .max)
    var memory = identity + [Float](repeating: 0, count: plan.total - identity.count)
    var arena = memory.mutableSpan
    var evaluation = try Evaluation(model, plan: plan)
    let zeros: [Float] = [0, 0, 0]
    var confusion: [UInt32] = [7, 7]
    var counts = confusion.mutableSpan
    _ = evaluation.evaluate(zeros.span, label: 2, arena: &arena, confusion: &counts)
    let untouched = confusion == [7, 7]
    #expect(untouched && evaluation.count == 1)
  }

  @Test func aTrainingPlanDoesForEvaluationToo() throws {
    let hyperparameters = Hyperparameters(batchSize: 2, learningRate: 0.1, momentum: 0.5, proximal: 1)
    var trainer = try Trainer(model, hyperparameters, examples: 2, parameters: identity)
    var evaluation = try Evaluation(model, plan: trainer.plan)
    // Between two examples of a run, without disturbing it.
    let examples = Examples(inputs: [[1, 0, 0], [0, 0, 1]], labels: [0, 1])
    _ = trainer.step(examples)
    var undisturbed = trainer
    let x = examples.inputs[0]
    var arena = trainer.memory.mutableSpan
    _ = evaluation.evaluate(x.span, label: 0, arena: &arena)
    #expect(evaluation.correct == 1)
    trainer.finish(examples)
    undisturbed.finish(examples)
    #expect(trainer.parameters.bits == undisturbed.parameters.bits)
    #expect(throws: TrainingError.planMismatch) {
      try Evaluation(ModelDescription(inputWidth: 4, classes: 3), plan: trainer.plan)
    }
  }
}
