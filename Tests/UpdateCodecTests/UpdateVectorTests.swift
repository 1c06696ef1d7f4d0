import Bytes
import Foundation
import Testing
import TrainingCore
import UpdateCodec

/// Protocols/vectors/updates.json: what any implementation reads and writes.
@Suite struct UpdateVectorTests {
  private func name(_ error: UpdateError) -> String {
    switch error {
    case .malformed: "malformed"
    case .unsupportedVersion: "unsupportedVersion"
    case .unsupportedCoding: "unsupportedCoding"
    case .wrongLength: "wrongLength"
    case .notFinite: "notFinite"
    }
  }

  private func coding(_ vector: [String: Any]) throws -> UpdateCoding {
    try #require(UpdateCoding(code: vector.integer("coding"), parameter: vector.integer("parameter")))
  }

  private func tag(_ hex: String) -> DigestTag {
    DigestTag(rawValue: unhex(hex).reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  private func model(_ parameters: Int) throws -> ModelDescription {
    try Differences.model(parameters: parameters)
  }

  @Test func updateHeadersAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("updates", in: "updates") {
      let made = UpdateHeader(
        coding: try coding(vector), round: vector.integer("round"), examples: vector.integer("examples"),
        parameterCount: vector.integer("parameters"), loss: vector.float("loss"),
        base: tag(vector.text("base")))
      #expect(hex(written { made.encode(into: &$0) }) == vector.text("hex"))
      let read = try UpdateHeader(parsing: vector.bytes("hex").span)
      #expect(read == made && read.length == vector.bytes("hex").count)
    }
  }

  @Test func deltaHeadersAreReadAndWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("deltas", in: "updates") {
      let made = DeltaHeader(
        coding: try coding(vector), version: vector.integer("version"),
        parameterCount: vector.integer("parameters"), base: tag(vector.text("base")),
        result: tag(vector.text("result")))
      #expect(hex(written { made.encode(into: &$0) }) == vector.text("hex"))
      let read = try DeltaHeader(parsing: vector.bytes("hex").span)
      #expect(read == made && read.length == vector.bytes("hex").count)
    }
  }

  @Test func whatIsNoHeaderIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("headers_refused", in: "updates") {
      var refusal = "accepted"
      do throws(UpdateError) {
        if vector.text("kind") == "update" {
          _ = try UpdateHeader(parsing: vector.bytes("hex").span)
        } else {
          _ = try DeltaHeader(parsing: vector.bytes("hex").span)
        }
      } catch {
        refusal = name(error)
      }
      #expect(refusal == vector.text("error"), "\(vector.text("kind")): \(vector.text("why"))")
    }
  }

  @Test func codesAreDecodedAsTheVectorsSay() throws {
    for vector in try Vectors.list("codes", in: "updates") {
      let (coding, expected) = (try coding(vector), vector.bytes("values"))
      let decoded = try decodeDifference(
        vector.bytes("hex"), from: 0, coding: coding, for: try model(expected.count / 4))
      #expect(hex(bytes(decoded)) == hex(expected), "\(coding): \(vector.text("why"))")
    }
  }

  @Test func losslessCodesAreWrittenAsTheVectorsSay() throws {
    for vector in try Vectors.list("codes", in: "updates") {
      let coding = try coding(vector)
      guard coding == .float32 || coding == .lossless else { continue }
      var values = floats(vector.bytes("values"))
      let code = codeDifference(&values, coding, for: try model(values.count))
      #expect(hex(code) == vector.text("hex"), "\(coding): \(vector.text("why"))")
    }
  }

  @Test func whatIsNoCodeIsRefusedForItsOwnReason() throws {
    for vector in try Vectors.list("codes_refused", in: "updates") {
      let coding = try coding(vector)
      let model = try model(vector.integer("parameters"))
      var refusal = "accepted"
      do throws(UpdateError) {
        _ = try decodeDifference(vector.bytes("hex"), from: 0, coding: coding, for: model)
      } catch {
        refusal = name(error)
      }
      let expected = vector.text("error")
      #expect(
        refusal == expected || expected == "any" && refusal != "accepted", "\(coding): \(vector.text("why"))")
    }
  }

  @Test func theReferenceMakesTheseVectorsAndAgreesWithOurEncoder() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "python3", Vectors.root.appending(path: "Tests/Reference/update_reference.py").path, "--check",
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "see the message above")
  }
}
