import Bytes
import PropertyTesting
import TrainingCore
import UpdateCodec

/// Differences of all kinds, and what codes make of them.
enum Differences {
  /// One coding of each kind, those with a parameter at its ends and between.
  static let codings: [UpdateCoding] = [
    .float32, .lossless, .step(sixteenths: 1), .defaultStep, .step(sixteenths: 255), .stc(oneIn: 2),
    .defaultSTC, .stc(oneIn: 65_535),
  ]

  static func model(_ random: inout SeededGenerator) throws -> ModelDescription {
    var model = try ModelDescription(inputWidth: Int(random.next() % 40) + 1)
    for _ in 0...random.next() % 3 {
      try model.append(outputs: Int(random.next() % 12) + 1, activation: .none)
    }
    return model
  }

  /// A model of exactly so many parameters, 2…4097.
  static func model(parameters: Int) throws -> ModelDescription {
    try ModelDescription(inputWidth: parameters - 1, classes: 1)
  }

  private static func any(_ random: inout SeededGenerator) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
  }

  private static func small(_ random: inout SeededGenerator) -> Float {
    Float(Int(random.next() % 2001) - 1000) / 1000
  }

  /// Names of the kinds that ``values(_:count:_:)`` makes.
  static let kinds = [
    "usual", "any bits", "zeros", "minus zeros", "one huge", "subnormal", "the smallest", "equal", "sparse",
    "the largest", "some not finite", "nothing finite", "subtracted",
  ]

  static func values(_ kind: String, count: Int, _ random: inout SeededGenerator) -> [Float] {
    (0..<count).map { i in
      switch kind {
      case "usual": return small(&random) * small(&random) * small(&random)
      case "any bits": return any(&random)
      case "zeros": return 0
      case "minus zeros": return -0.0
      case "one huge": return i == count / 2 ? -3e38 : small(&random) * 1e-3
      case "subnormal": return Float(bitPattern: any(&random).bitPattern & 0x807f_ffff)
      case "the smallest": return Float(bitPattern: any(&random).bitPattern & 0x8000_0003)
      case "equal": return random.chance(0.5) ? 0.25 : -0.25
      case "sparse": return random.chance(0.01) ? small(&random) : 0
      case "the largest": return random.chance(0.5) ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
      case "some not finite":
        let odd: [Float] = [.nan, .infinity, -.infinity, -.nan, .signalingNaN]
        return random.chance(0.2) ? odd[Int(random.next() % 5)] : small(&random)
      case "nothing finite": return random.chance(0.5) ? .nan : -.infinity
      default: return (1 + small(&random) / 100) - 1
      }
    }
  }

  /// Decodes in pieces of these sizes, input and output both, and counts the bytes that were used.
  static func decode(
    _ code: [UInt8], _ coding: UpdateCoding, for model: ModelDescription,
    pieces: () -> (input: Int, output: Int)
  ) throws(UpdateError) -> [Float] {
    var decoder = DifferenceDecoder(coding, for: model)
    var values: [Float] = []
    var at = 0
    var idle = 0
    while !decoder.isComplete && idle < 3 {
      let (wanted, room) = pieces()
      let end = min(code.count, at + max(wanted, DifferenceDecoder.inputRoom))
      var part = [Float](repeating: 7, count: room)
      var span = part.mutableSpan
      let done = try decoder.decode(code.span.extracting(at..<end), isLast: end == code.count, into: &span)
      at += done.consumed
      values += part[..<done.produced]
      idle = done == (0, 0) && room > 0 ? idle + 1 : 0
    }
    return values
  }

  /// Bits, so that −0 and every NaN can be told apart.
  static func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
}
