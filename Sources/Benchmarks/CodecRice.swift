import UpdateCodec

/// What the range coder is compared with: Rice codes whose parameter follows the mean, as in JPEG-LS (Weinberger,
/// Seroussi & Sapiro 2000), of the quantiser's indices, or of the gaps between what is kept.
struct RiceCode {
  private var bytes: [UInt8] = []
  private var free = 0
  private var sum: Int
  private var count = 4

  private init(mean: Int) { sum = 4 * mean }

  /// Bytes that the values of a decoded difference take, scale included; nil where there is no scale.
  static func length(of values: [Float], _ coding: UpdateCoding) -> Int? {
    switch coding {
    case .float32, .lossless: return nil
    case .step:
      // The step is the greatest common divisor of all values, so it is found among their differences.
      let magnitudes = Set(values.map(\.magnitude)).sorted()
      let step = zip(magnitudes.dropFirst(), magnitudes).map { $0 - $1 }.min() ?? 1
      var code = RiceCode(mean: 1)
      for value in values {
        let index = Int((value / step).rounded())
        code.write(index >= 0 ? 2 * index : -2 * index - 1)
      }
      return 2 + code.bytes.count
    case .stc(let oneIn):
      var code = RiceCode(mean: Int(oneIn))
      var gap = 0
      for value in values {
        if value == 0 {
          gap += 1
        } else {
          code.write(gap)
          code.append(value < 0)
          gap = 0
        }
      }
      // A decoder has to know how many there are.
      return 2 + 2 + code.bytes.count
    }
  }

  private mutating func write(_ value: Int) {
    var k = 0
    while count << k < sum { k += 1 }
    k = max(0, k - (sum > 4 * count ? 1 : 0))
    for _ in 0..<value >> k { append(true) }
    append(false)
    for bit in stride(from: k - 1, through: 0, by: -1) { append(value >> bit & 1 == 1) }
    sum += value
    count += 1
    if count == 64 {
      sum >>= 1
      count >>= 1
    }
  }

  private mutating func append(_ bit: Bool) {
    if free == 0 {
      bytes.append(0)
      free = 8
    }
    free -= 1
    if bit { bytes[bytes.count - 1] |= 1 << UInt8(free) }
  }
}
