import CBOR
import PropertyTesting
import Testing

/// Whatever the bytes are, the decoder answers; and what it accepts is what the encoder writes.
@Suite struct TotalityTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func everyValueComesBackAsItWas(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for round in 0..<1000 {
      let value = Value.random(using: &generator)
      #expect(try Value(decoding: value.encoded) == value, "seed \(seed), round \(round)")
    }
  }

  @Test(arguments: [11, 12, 13, 14] as [UInt64])
  func changedMessagesAreRefusedOrAreWhatTheEncoderWrites(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var accepted = 0
    var original: [UInt8] = []
    for round in 0..<40_000 {
      if round % 20 == 0 { original = Array(Value.random(using: &generator).encoded.prefix(120)) }
      let input = changed(original, using: &generator)
      pull(round, from: input)
      guard let value = try? Value(decoding: input) else { continue }
      accepted += 1
      if !value.isEncoded(as: input) { Issue.record("seed \(seed), round \(round): \(hex(input))") }
    }
    #expect(accepted > 1000 && accepted < 39_000, "the changes are all too harmless or all too harmful")
  }

  @Test(arguments: [21, 22] as [UInt64])
  func randomBytesAreRefusedOrAreWhatTheEncoderWrites(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for round in 0..<40_000 {
      let input = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      pull(round, from: input)
      guard let value = try? Value(decoding: input) else { continue }
      if !value.isEncoded(as: input) { Issue.record("seed \(seed), round \(round): \(hex(input))") }
    }
  }

  @Test func everyInputOfUpToTwoBytesIsAnswered() {
    for first in UInt8.min...UInt8.max {
      for choice in 0..<9 { pull(choice, from: [first]) }
      for second in UInt8.min...UInt8.max {
        let input = [first, second]
        pull(Int(first) + Int(second), from: input)
        if let value = try? Value(decoding: input) { #expect(value.isEncoded(as: input)) }
      }
    }
  }

  /// Asks for one of nine types; no answer may trap or go past the end. One and not all, because the test library
  /// takes a backtrace of every error thrown.
  private func pull(_ choice: Int, from input: [UInt8]) {
    var cbor = CBORDecoder(input.span)
    do throws(CBORError) {
      switch choice % 9 {
      case 0: let _: UInt16 = try cbor.unsigned()
      case 1: let _: Int8 = try cbor.signed()
      case 2: _ = try cbor.bool()
      case 3: _ = try cbor.float()
      case 4: _ = cbor.readNull()
      case 5: _ = try cbor.bytes(max: 100)
      case 6: _ = try cbor.text()
      case 7: for _ in 0..<(try cbor.arrayCount()) { try cbor.skipValue() }
      default:
        var fields = try cbor.map()
        while let key = try cbor.nextKey(of: &fields) {
          if key % 2 == 0 { _ = try cbor.bytes() }
        }
      }
    } catch {}
    if !(0...input.count).contains(cbor.offset) { Issue.record("past the end of \(hex(input))") }
  }

  private func changed(_ original: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let at = Int.random(in: 0...bytes.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes.insert(.random(in: 0...255, using: &generator), at: at)
      case 1: bytes.removeSubrange(at...)
      case 2: bytes.insert([0x00, 0xff, 0x9f, 0xfa, 0xa1].randomElement(using: &generator)!, at: at)
      case 3 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 4 where at < bytes.count: bytes[at] = .random(in: 0...255, using: &generator)
      default: break
      }
    }
    return bytes
  }
}
