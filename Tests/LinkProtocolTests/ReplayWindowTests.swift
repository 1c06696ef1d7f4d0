import PropertyTesting
import Testing

@testable import LinkProtocol

@Suite struct ReplayWindowTests {
  /// What a window makes of numbers: those it takes.
  private func taken(_ numbers: [UInt16]) -> [UInt16] {
    var window = ReplayWindow()
    return numbers.filter { window.accept($0) }
  }

  @Test func aNumberIsTakenOnceAlsoBeyondTheWrap() {
    let numbers = (0..<200).map { UInt16(truncatingIfNeeded: 65_436 + $0) }
    #expect(taken(numbers.flatMap { [$0, $0] }) == numbers)
  }

  @Test func aSessionMayBeginWithAnyNumber() {
    for first in [0, 1, 31, 32_767, 32_768, 65_535] as [UInt16] {
      var window = ReplayWindow()
      let accepted = [window.accept(first), window.accept(first), window.accept(first &+ 1)]
      #expect(accepted == [true, false, true])
      #expect(window.gaps == 0)
    }
  }

  @Test func numbersOutOfOrderAreTakenUpTo31Back() {
    #expect(taken([100, 69, 68, 70, 69]) == [100, 69, 70])
    #expect(taken([5, 65_510, 65_509, 65_510]) == [5, 65_510])
  }

  @Test func whatNeverCameIsCountedAndWhatComesLateIsTakenBack() {
    var window = ReplayWindow()
    for number in [10, 11, 15, 13, 14] as [UInt16] { _ = window.accept(number) }
    #expect(window.gaps == 1)
    _ = window.accept(12)
    #expect(window.gaps == 0)
    _ = window.accept(12)
    _ = window.accept(1_015)
    #expect(window.gaps == 999)
  }

  @Test func itAgreesWithAListOfAllThatCame() {
    let seed: UInt64 = 77
    var random = SeededGenerator(seed: seed)
    var window = ReplayWindow()
    var highest = 60_000
    var came: Set<Int> = [highest]
    _ = window.accept(UInt16(highest))
    for _ in 0..<50_000 {
      let number =
        random.chance(0.5)
        ? highest + 1 + Int(random.next() % 3) : highest - Int(random.next() % 40)
      let expected = number > highest || (highest - number < 32 && !came.contains(number))
      check(window.accept(UInt16(truncatingIfNeeded: number)), equals: expected, "seed \(seed)")
      if expected { came.insert(number) }
      highest = max(highest, number)
    }
    #expect(highest > 65_536 + 32_768)
  }
}
