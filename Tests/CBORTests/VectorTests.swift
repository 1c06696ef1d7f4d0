import CBOR
import Foundation
import Testing

/// Protocols/vectors/cbor.json: what any implementation of the protocol must read, write and refuse.
@Suite struct VectorTests {
  private func vectors(_ section: String) throws -> [[String: Any]] {
    let file = root.appending(path: "Protocols/vectors/cbor.json")
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as! [String: Any]
    return all[section] as! [[String: Any]]
  }

  @Test func valuesAreReadAndWrittenAsTheStandardShows() throws {
    for vector in try vectors("values") {
      let (encoding, value) = (unhex(vector["hex"] as! String), Value(notation: vector["value"]!))
      #expect(try Value(decoding: encoding) == value)
      #expect(hex(value.encoded) == hex(encoding))
    }
  }

  @Test func itemsThatNoMessageHoldsAreSkipped() throws {
    for vector in try vectors("skipped") {
      let encoding = unhex(vector["hex"] as! String)
      #expect(throws: Never.self, "\(vector["why"]!)") { try checkWellFormed(encoding) }
      // And no typed read accepts them.
      #expect(throws: CBORError.self, "\(vector["why"]!)") { try Value(decoding: encoding) }
    }
  }

  @Test func whatIsNotDeterministicOrNotCBORIsRefusedForItsOwnReason() throws {
    for vector in try vectors("refused") {
      let comment = Comment(rawValue: "\(vector["hex"]!): \(vector["why"]!)")
      var refusal: CBORError?
      do { try checkWellFormed(unhex(vector["hex"] as! String)) } catch { refusal = error }
      #expect(refusal.map { "\($0)" } == vector["error"] as? String, comment)
    }
  }
}
