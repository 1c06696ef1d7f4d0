import Bytes
import CBOR
import Digests
import LinkProtocol
import TrainingCore

// Whatever goes over the wire must be the same bytes on both sides, and so must what becomes of bytes that are
// none of it. The hashes are of everything that was made and of everything that was understood.

/// CRC-32C and SHA-256 of all lengths up to four blocks, the latter in two pieces, and their published answers.
func digestsHash() -> UInt32 {
  var hash = FNV1a()
  let digits: [UInt8] = [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39]
  // RFC 3720 and the catalogue of CRCs: "123456789".
  guard CRC32C.of(digits.span) == 0xe306_9283 else { return 0 }
  // FIPS 180-4's example "abc" begins with ba7816bf.
  let abc: [UInt8] = [0x61, 0x62, 0x63]
  let known = SHA256.hash(of: abc.span)
  guard known[0] == 0xba, known[1] == 0x78, known[2] == 0x16, known[3] == 0xbf else { return 0 }
  let bytes = noise(260, seed: 4)
  for length in 0...256 {
    let part = bytes.span.extracting(0..<length)
    hash.add(CRC32C.of(part))
    var digest = SHA256()
    digest.update(part.extracting(0..<length / 3))
    digest.update(part.extracting(length / 3..<length))
    hash.add(digest.finalize().span)
  }
  return hash.value
}

/// Integers and floats of all magnitudes, written and read again.
func cborHash() -> UInt32 {
  var hash = FNV1a()
  var encoder = CBOREncoder(capacity: 64)
  for shift in UInt64(0)..<64 {
    for offset in UInt64(0)..<3 {
      encoder.removeAll()
      let number = (1 << shift) &- 1 &+ offset
      encoder.unsigned(number)
      encoder.signed(Int64(bitPattern: number))
      encoder.float(Float(bitPattern: UInt32(truncatingIfNeeded: number &* 0x9e37_79b9)))
      hash.add(encoder.span)
      var decoder = CBORDecoder(encoder.span)
      guard let read = try? decoder.unsigned(as: UInt64.self), read == number,
        let signed = try? decoder.signed(as: Int64.self), signed == Int64(bitPattern: number),
        let float = try? decoder.float()
      else { return 0 }
      // Every NaN is written as the same one.
      if float == float { hash.add(float.bitPattern) }
    }
  }
  return hash.value
}

/// Frames of many lengths, with and without zeros, stuffed and taken from the stream again.
func framingHash() -> UInt32 {
  var hash = FNV1a()
  var stuffed = BoundedBytes(capacity: COBS.maximumEncodedLength(of: 600))
  var framing = StreamFraming(maximumFrame: 520)
  for length in stride(from: 0, to: 600, by: 13) {
    var bytes = noise(length, seed: UInt64(length))
    // Runs without a zero, longer and shorter than a block of 254.
    if length % 2 == 0 { for i in 0..<length where bytes[i] == 0 { bytes[i] = 1 } }
    stuffed.removeAll()
    COBS.encode(bytes.span, into: &stuffed)
    hash.add(stuffed.span)
    var offset = 0
    while framing.advance(over: stuffed.span, from: &offset) {
      guard framing.frame.count == length else { return 0 }
      for i in 0..<length where framing.frame[i] != bytes[i] { return 0 }
      hash.add(UInt32(length))
    }
    // What was cut: the rest of it must not make the next frame disappear.
    offset = stuffed.count / 2
    while framing.advance(over: stuffed.span, from: &offset) { hash.add(framing.frame) }
  }
  hash.add(framing.damage.malformed)
  hash.add(framing.damage.oversized)
  return hash.value
}

/// Messages as frames, whole and with every bit of some of them changed, and noise as messages.
func messagesHash() -> UInt32 {
  var hash = FNV1a()
  let content = noise(64, seed: 9)
  guard let digest = Digest32(content.span.extracting(0..<32)) else { return 0 }
  let messages: [ControlMessage] = [
    .statusRequest,
    .status(Status(phase: .training, uptime: 70_000, examples: 323, model: digest, round: 9)),
    .train(
      TrainTask(
        round: 3, model: digest, epochs: 2, batchSize: 8, learningRate: 0.05, momentum: 0.9,
        weightDecay: 0.001, proximal: 0.01, seed: 42)),
    .evaluate(EvaluationTask(model: digest)),
    .problem(Problem(code: .modelTooLarge, about: 3, needed: 60_020, available: 48_000)),
    .logLine(LogLine(level: .warning, text: ShortText("port overrun, bytes lost: 7"))),
  ]
  var frame = BoundedBytes(capacity: 320)
  for (number, message) in messages.enumerated() {
    Frame.begin(
      FrameHeader(kind: .control, session: 0x5678, sequence: UInt16(number)), into: &frame)
    message.encode(into: &frame)
    Frame.seal(&frame)
    hash.add(frame.span)
    guard (try? Frame.parse(frame.span)) != nil,
      let again = try? ControlMessage(parsing: Frame.body(of: frame.span)), again == message
    else { return 0 }
    var copy: [UInt8] = []
    for i in 0..<frame.count { copy.append(frame.span[i]) }
    for bit in 0..<copy.count * 8 {
      copy[bit / 8] ^= 1 << UInt8(bit % 8)
      if (try? Frame.parse(copy.span)) != nil { return 0 }
      // As if the checksum were right: it must end with an error, or as some message.
      hash.add(understood(copy.span.extracting(FrameHeader.length..<copy.count - 4)))
      copy[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
  for seed in 0..<200 {
    let bytes = noise(seed % 60, seed: UInt64(seed))
    hash.add(understood(bytes.span))
  }
  return hash.value
}

/// What bytes mean as a message: the hash of that message as it would be written, 0 if it is none.
private func understood(_ bytes: Span<UInt8>) -> UInt32 {
  guard let message = try? ControlMessage(parsing: bytes) else { return 0 }
  var hash = FNV1a()
  var buffer = BoundedBytes(capacity: ControlMessage.maximumEncodedLength)
  message.encode(into: &buffer)
  hash.add(buffer.span)
  return hash.value
}

private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
  var random = SplitMix64(seed: seed)
  var bytes = [UInt8](repeating: 0, count: count)
  for i in 0..<count { bytes[i] = UInt8(truncatingIfNeeded: random.next()) }
  return bytes
}
