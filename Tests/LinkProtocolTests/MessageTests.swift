import PropertyTesting
import Testing

@testable import LinkProtocol

/// Messages against Protocols/vectors/messages.json, and against themselves.
@Suite struct MessageTests {
  @Test func messagesAreReadAndWrittenAsTheVectorsSay() throws {
    var seen: Set<String> = []
    for vector in try Vectors.list("messages", of: "messages") {
      let (name, bytes) = (vector.text("message"), vector.bytes("hex"))
      let stated = WireMessage(
        named: name, fields: StatedFields(fields: vector["fields"] as! [String: Any]))
      #expect(hex(stated.encoded) == hex(bytes), "\(name)")
      #expect(hex(try WireMessage(named: name, reading: bytes).encoded) == hex(bytes), "\(name)")
      seen.insert(name)
    }
    #expect(seen == Set(WireMessage.names))
  }

  @Test func whatALaterVersionAddsIsSkipped() throws {
    for vector in try Vectors.list("tolerated", of: "messages") {
      let (name, comment) = (vector.text("message"), "\(vector.text("message")): \(vector.comment())")
      let stated = WireMessage(
        named: name, fields: StatedFields(fields: vector["fields"] as! [String: Any]))
      let read = try WireMessage(named: name, reading: vector.bytes("hex"))
      #expect(hex(read.encoded) == hex(stated.encoded), Comment(rawValue: comment))
    }
  }

  @Test func whatIsNoMessageIsRefused() throws {
    for vector in try Vectors.list("refused", of: "messages") {
      let comment = "\(vector["message"] ?? "unknown"): \(vector.comment())"
      let expected: ControlMessageError =
        vector.text("error") == "malformed" ? .malformed : .unknownType(UInt64(vector.text("type"))!)
      var refusal: ControlMessageError?
      do throws(ControlMessageError) {
        _ = try WireMessage(named: vector["message"] as? String, reading: vector.bytes("hex"))
      } catch { refusal = error }
      #expect(refusal == expected, Comment(rawValue: comment))
    }
  }

  @Test func messagesOfRandomFieldsComeBackTheSame() throws {
    let seed: UInt64 = 71
    let fields = RandomFields(seed: seed)
    for i in 0..<4_000 {
      let name = WireMessage.names[i % WireMessage.names.count]
      let bytes = WireMessage(named: name, fields: fields).encoded
      #expect(bytes.count <= (WireMessage.isHandshake(name) ? 310 : ControlMessage.maximumEncodedLength))
      let again = try WireMessage(named: name, reading: bytes).encoded
      #expect(again == bytes, "\(name), seed \(seed)")
    }
  }

  @Test func everyTruncationIsRefusedAndNoMutationTraps() throws {
    var random = SeededGenerator(seed: 72)
    for vector in try Vectors.list("messages", of: "messages") {
      let (name, bytes) = (vector.text("message"), vector.bytes("hex"))
      for length in 0..<bytes.count {
        #expect(throws: ControlMessageError.malformed) {
          _ = try WireMessage(named: name, reading: Array(bytes[..<length]))
        }
      }
      for _ in 0..<100 {
        var mutated = bytes
        for _ in 0...random.next() % 3 {
          mutated[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        // Whatever is accepted has one meaning: written again and read again it is the same.
        guard let read = try? WireMessage(named: name, reading: mutated) else { continue }
        let once = read.encoded
        let twice = try WireMessage(named: name, reading: once).encoded
        #expect(once == twice)
      }
    }
  }
}

extension WireMessage {
  static func isHandshake(_ name: String) -> Bool {
    name == "greeting" || name == "welcome" || name == "refusal"
  }
}
