import Bytes
import TrainingCore
import UpdateCodec

// A board codes and a gateway decodes, and the other way round; what error feedback leaves behind must be the
// same wherever it is computed. The hashes are of code, residual and decoded values.

/// Headers of updates and deltas, and a difference as plain floats.
func updateHeadersHash() -> UInt32 {
  var hash = FNV1a()
  var buffer = BoundedBytes(capacity: UpdateHeader.maximumLength)
  for shift in UInt32(0)..<32 {
    let number: UInt32 = (1 << shift) &- 1
    let tag = DigestTag(rawValue: 0x0123_4567_89ab_cdef &* UInt64(number))
    let update = UpdateHeader(
      coding: .stc(oneIn: UInt16(truncatingIfNeeded: number)), round: number, examples: ~number,
      parameterCount: number & 0xff_ffff, loss: Float(bitPattern: number &* 0x9e37_79b9), base: tag)
    buffer.removeAll()
    update.encode(into: &buffer)
    hash.add(buffer.span)
    guard let read = try? UpdateHeader(parsing: buffer.span), read == update || shift < 2 else { return 0 }
    let delta = DeltaHeader(
      coding: .step(sixteenths: UInt8(truncatingIfNeeded: number)), version: number,
      parameterCount: number & 0xff_ffff, base: tag, result: DigestTag(rawValue: ~tag.rawValue))
    buffer.removeAll()
    delta.encode(into: &buffer)
    hash.add(buffer.span)
    guard let again = try? DeltaHeader(parsing: buffer.span), again == delta || shift == 0 else { return 0 }
  }
  hash.add(differenceHash(.float32))
  return hash.value
}

func losslessCodeHash() -> UInt32 { differenceHash(.lossless) }

func stepCodeHash() -> UInt32 { differenceHash(.defaultStep) }

func ternaryCodeHash() -> UInt32 { differenceHash(.defaultSTC) }

/// Two differences, what the second one is given of the first one's residual included.
private func differenceHash(_ coding: UpdateCoding) -> UInt32 {
  guard let model = try? ModelDescription(inputWidth: 30, hidden: 16, classes: 7) else { return 0 }
  var hash = FNV1a()
  var random = SplitMix64(seed: 5)
  var values = [Float](repeating: 0, count: model.parameterCount)
  var code = BoundedBytes(capacity: 4 * model.parameterCount + DifferenceEncoder.outputRoom)
  for _ in 0..<2 {
    for i in 0..<values.count {
      let x = random.nextSigned()
      // As training makes them: small ones by subtracting larger ones.
      values[i] += (0.3 + x * x * x * 0.01) - 0.3
    }
    // Of all magnitudes, and what no training should give.
    for (i, bits) in [UInt32](arrayLiteral: 1, 0x8000_0000, 0x7f7f_ffff, 0xff80_0000, 0x7fc0_0001)
      .enumerated()
    {
      values[97 * i] = coding == .lossless || i < 2 ? Float(bitPattern: bits) : values[97 * i]
    }
    var encoder = DifferenceEncoder(coding, for: model)
    code.removeAll()
    var span = values.mutableSpan
    while encoder.work(on: &span, into: &code) {}
    if code.overflowed { return 0 }
    hash.add(code.span)
    for i in 0..<values.count { hash.add(values[i]) }

    var decoder = DifferenceDecoder(coding, for: model)
    var piece = [Float](repeating: 0, count: 100)
    var at = 0
    while !decoder.isComplete {
      let end = min(code.count, at + 300)
      var room = piece.mutableSpan
      guard
        let done = try? decoder.decode(code.span.extracting(at..<end), isLast: end == code.count, into: &room)
      else { return 0 }
      at += done.consumed
      for i in 0..<done.produced { hash.add(piece[i]) }
    }
    if at != code.count { return 0 }
  }
  return hash.value
}
