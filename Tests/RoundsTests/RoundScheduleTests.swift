import Rounds
import Testing

@Suite struct RoundScheduleTests {
  /// Seeds of schedules, in eight groups that run side by side.
  static let seedsPerGroup: UInt64 = 250

  @Test(arguments: 0..<UInt64(8))
  func `Whatever happens, all rounds are held and every contribution is counted once`(group: UInt64) throws {
    var steps = 0
    var restarts = 0
    for seed in group * Self.seedsPerGroup..<(group + 1) * Self.seedsPerGroup {
      var run = try SimulatedRun(seed: seed)
      run.run()
      steps += run.steps
      restarts += run.restarts
    }
    print("seeds from \(group * Self.seedsPerGroup): \(steps) steps, \(restarts) restarts of the gateway")
    // The schedules must really be eventful, or they prove nothing.
    #expect(restarts > Int(Self.seedsPerGroup) / 2)
    #expect(steps > Int(Self.seedsPerGroup) * 50)
  }
}
