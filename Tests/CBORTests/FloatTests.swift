import CBOR
import PropertyTesting
import Testing

/// The integer arithmetic on float bits against the processor's own conversions.
@Suite struct FloatTests {
  private enum Outcome: Equatable {
    /// Bits, because of NaN and the two zeros.
    case value(UInt32)
    case refused(CBORError)
  }

  private func encoded(_ value: Float) -> [UInt8] {
    var encoder = CBOREncoder(capacity: 5)
    encoder.float(value)
    return copied(encoder.span)
  }

  private func decoded(_ bytes: [UInt8]) -> Outcome {
    var cbor = CBORDecoder(bytes.span)
    do throws(CBORError) {
      return .value(try cbor.float().bitPattern)
    } catch {
      return .refused(error)
    }
  }

  private func bigEndian(_ bits: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: bits.bigEndian) { Array($0) }
  }

  @Test func everyHalfHasItsValueAndComesBack() {
    for bits in UInt16.min...UInt16.max {
      let (input, half) = ([0xf9] + bigEndian(bits), Float16(bitPattern: bits))
      if half.isNaN, bits != 0x7e00 {
        if decoded(input) != .refused(.notDeterministic) { Issue.record("\(hex(input))") }
      } else {
        let value = Float(half)
        if decoded(input) != .value(value.bitPattern) || encoded(value) != input {
          Issue.record("\(hex(input))")
        }
      }
    }
  }

  @Test func singlesAreWrittenInTheFewestBytesAndComeBack() {
    var generator = SeededGenerator(seed: 31)
    var short = 0
    for round in 0..<100_000 {
      var bits = UInt32(truncatingIfNeeded: generator.next())
      // Every third one around what a half can hold, some of those with a bit too many.
      if round % 3 == 0 { bits = bits & 0x807f_e000 | UInt32.random(in: 95...150, using: &generator) << 23 }
      if round % 6 == 0 { bits ^= 1 << UInt32.random(in: 0..<14, using: &generator) }
      let value = Float(bitPattern: bits)
      let (written, long) = (encoded(value), [0xfa] + bigEndian(bits))
      var isRight: Bool
      if value.isNaN {
        isRight = written == [0xf9, 0x7e, 0x00] && decoded(long) == .refused(.notDeterministic)
      } else if Float(Float16(value)) == value {
        isRight = written.count == 3 && decoded(long) == .refused(.notDeterministic)
        isRight = isRight && decoded(written) == .value(bits)
        short += 1
      } else {
        isRight = written == long && decoded(written) == .value(bits)
      }
      if !isRight { Issue.record("\(value), seed 31") }
    }
    #expect(short > 5000 && short < 95_000)
  }

  @Test func doublesAreRefusedForWhatIsWrongWithThem() {
    var generator = SeededGenerator(seed: 32)
    var fitting = 0
    for round in 0..<100_000 {
      var value = Double(bitPattern: generator.next())
      switch round % 10 {
      case 0: value = Double(Float(bitPattern: UInt32.random(in: 0..<0x100_0000, using: &generator)))
      case 1...5: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())))
      default: break
      }
      if round % 4 == 0 {
        value = Double(bitPattern: value.bitPattern ^ 1 << UInt64.random(in: 0..<54, using: &generator))
      }
      let input = [0xfb] + bigEndian(value.bitPattern)
      let fitsSingle = value.isNaN || Double(Float(value)) == value
      fitting += fitsSingle ? 1 : 0
      let isSkipped = (try? checkWellFormed(input)) != nil
      if decoded(input) != .refused(fitsSingle ? .notDeterministic : .overflow) || isSkipped == fitsSingle {
        Issue.record("\(value), seed 32")
      }
    }
    #expect(fitting > 10_000 && fitting < 90_000)
  }

  @Test func onlyFloatsAreFloats() {
    for input in [[0x01], [0xf4], [0xf6], [0xf7], [0x40]] as [[UInt8]] {
      #expect(decoded(input) == .refused(.wrongType))
    }
  }
}
