import Bytes
import Digests
import UpdateCodec

/// The update object of a difference.
func update(_ examples: UInt32, _ delta: [Float]) -> [UInt8] {
  let header = UpdateHeader(
    coding: .float32, round: 1, examples: examples, parameterCount: UInt32(delta.count), loss: 0,
    base: DigestTag(rawValue: 0))
  var buffer = BoundedBytes(capacity: UpdateHeader.maximumLength)
  header.encode(into: &buffer)
  var bytes = buffer.copied()
  for value in delta {
    for shift in [0, 8, 16, 24] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
    }
  }
  return bytes
}
