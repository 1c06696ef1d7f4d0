import Foundation
import Testing
import TrainingCore

@Suite struct ElementaryFunctionsTests {
  /// How many floats lie between two of the same sign.
  private func distance(_ a: Float, _ b: Float) -> Int {
    abs(Int(a.bitPattern) - Int(b.bitPattern))
  }

  @Test func expAgreesWithDoublePrecisionToTwoUnitsInTheLastPlace() {
    var worst = 0
    var x: Float = -104
    while x < 88.8 {
      worst = max(worst, distance(ElementaryFunctions.exp(x), Float(Foundation.exp(Double(x)))))
      x += 0.000_97
    }
    #expect(worst <= 2)
  }

  @Test func logAgreesWithDoublePrecisionToTwoUnitsInTheLastPlace() {
    var worst = 0
    // All magnitudes, then closely around 1, where the result passes 0.
    for bits in stride(from: UInt32(1), to: 0x7f80_0000, by: 10_007) {
      let x = Float(bitPattern: bits)
      let (own, exact) = (ElementaryFunctions.log(x), Float(Foundation.log(Double(x))))
      worst = max(worst, distance(own, exact))
    }
    for bits in stride(from: Float(0.98).bitPattern, to: Float(1.02).bitPattern, by: 3) {
      let x = Float(bitPattern: bits)
      let (own, exact) = (ElementaryFunctions.log(x), Float(Foundation.log(Double(x))))
      worst = max(worst, distance(own, exact))
    }
    #expect(worst <= 2)
  }

  @Test func everyArgumentHasAResult() {
    #expect(ElementaryFunctions.exp(0) == 1)
    #expect(ElementaryFunctions.exp(-0.0) == 1)
    #expect(ElementaryFunctions.exp(.infinity) == .infinity)
    #expect(ElementaryFunctions.exp(-.infinity) == 0)
    #expect(ElementaryFunctions.exp(.greatestFiniteMagnitude) == .infinity)
    #expect(ElementaryFunctions.exp(-.greatestFiniteMagnitude) == 0)
    #expect(ElementaryFunctions.exp(.leastNonzeroMagnitude) == 1)
    #expect(ElementaryFunctions.exp(.nan).isNaN)
    #expect(ElementaryFunctions.exp(88.722_83).isFinite)
    #expect(ElementaryFunctions.exp(88.722_85) == .infinity)

    #expect(ElementaryFunctions.log(1).bitPattern == 0)
    #expect(ElementaryFunctions.log(0) == -.infinity)
    #expect(ElementaryFunctions.log(-0.0) == -.infinity)
    #expect(ElementaryFunctions.log(.infinity) == .infinity)
    #expect(ElementaryFunctions.log(-1).isNaN)
    #expect(ElementaryFunctions.log(-.infinity).isNaN)
    #expect(ElementaryFunctions.log(.nan).isNaN)
    #expect(ElementaryFunctions.log(.leastNonzeroMagnitude) == Float(Foundation.log(1.401298464324817e-45)))
  }
}
