import Foundation
import PropertyTesting
import Testing
import TrainingCore
import UpdateCodec

/// Protocols/vectors/codes.json: what our encoder makes of differences, so that nobody changes it unawares, and
/// so that the reference can decode it.
///
/// To write the file anew: FEDBRIDGE_WRITE_VECTORS=1 swift test --filter EncoderVectorTests
@Suite struct EncoderVectorTests {
  private static let howTo =
    "to write it anew: FEDBRIDGE_WRITE_VECTORS=1 swift test --filter EncoderVectorTests"

  private func vector(_ why: String, _ coding: UpdateCoding, _ values: [Float]) throws -> String {
    var residual = values
    let code = codeDifference(&residual, coding, for: try Differences.model(parameters: values.count))
    return """
        {"why": "\(why)", "coding": \(coding.code), "parameter": \(coding.parameter), \
      "input": "\(hex(bytes(values)))", "hex": "\(hex(code))", "residual": "\(hex(bytes(residual)))"}
      """
  }

  private func file() throws -> String {
    var random = SeededGenerator(seed: 61)
    var lines: [String] = []
    for kind in Differences.kinds {
      let values = Differences.values(kind, count: 24, &random)
      for coding in Differences.codings { lines.append(try vector(kind, coding, values)) }
    }
    let many = Differences.values("usual", count: 500, &random)
    for coding in [UpdateCoding.lossless, .defaultStep, .defaultSTC] {
      lines.append(try vector("many", coding, many))
    }
    return """
      {
       "source": "Tests/UpdateCodecTests/EncoderVectorTests.swift",
       "codes": [
      \(lines.joined(separator: ",\n"))
       ]
      }

      """
  }

  @Test func theEncoderMakesWhatTheVectorsSay() throws {
    let (made, url) = (try file(), Vectors.file("codes"))
    if ProcessInfo.processInfo.environment["FEDBRIDGE_WRITE_VECTORS"] != nil {
      try made.write(to: url, atomically: true, encoding: .utf8)
    }
    let held = try String(contentsOf: url, encoding: .utf8)
    let same = made == held
    #expect(same, "\(url.path) is not what the encoder makes; \(Self.howTo)")
  }
}
