import Testing
import TrainingCore

@Suite struct MemoryPlanTests {
  private let model = try! ModelDescription(30, [16, 7], input: .int8(scale: 1, zeroPoint: 0))
  private var parameters: Int { 30 * 16 + 16 + 16 * 7 + 7 }

  @Test func onlyWhatTheHyperparametersNeedTakesMemory() throws {
    func plan(_ batchSize: UInt16, _ momentum: Float, _ proximal: Float) throws -> MemoryPlan {
      let hyperparameters = Hyperparameters(
        batchSize: batchSize, learningRate: 0.1, momentum: momentum, proximal: proximal)
      return try MemoryPlan(training: model, with: hyperparameters, arena: 10_000)
    }
    let others = 2 * (16 + 7) + 30
    #expect(try plan(1, 0, 0).total == parameters + others)
    #expect(try plan(8, 0, 0).total == 2 * parameters + others)
    #expect(try plan(8, 0.9, 0).total == 2 * parameters + others)
    #expect(try plan(1, 0, 0.1).total == 3 * parameters + others)
    #expect(try plan(8, 0.9, 0.1).total == 3 * parameters + others)
    #expect(try MemoryPlan(evaluating: model, arena: 10_000).total == parameters + 16 + 7 + 30)

    let everything = try plan(8, 0.9, 0.1)
    let regions = [
      everything.weights, everything.base, everything.velocity, everything.gradient, everything.activations,
      everything.deltas, everything.input,
    ]
    for (region, next) in zip(regions, regions.dropFirst()) { #expect(region.upperBound == next.lowerBound) }
    #expect(everything.weights.lowerBound == 0 && everything.input.upperBound == everything.total)
  }

  @Test func anArenaOneFloatTooSmallIsRefusedWithBothFigures() throws {
    let hyperparameters = Hyperparameters(learningRate: 0.1)
    let needed = try MemoryPlan(training: model, with: hyperparameters, arena: .max).total
    #expect(try MemoryPlan(training: model, with: hyperparameters, arena: needed).total == needed)
    #expect(throws: ModelError.doesNotFit(needed: needed, available: needed - 1)) {
      try MemoryPlan(training: model, with: hyperparameters, arena: needed - 1)
    }
  }
}
