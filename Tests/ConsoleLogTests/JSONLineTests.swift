import Foundation
import Logging
import PropertyTesting
import Testing

@testable import ConsoleLog

private func parsed(_ line: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
}

@Suite struct JSONLineTests {
  @Test func theOrderOfKeysIsAlwaysTheSame() {
    let line = JSONLine.json(
      record("rose joined", metadata: ["round": "2", "_board": "7f3a21c0", "carrier": "usb"]))
    #expect(
      line
        == #"{"time":"2026-11-22T13:52:07.123Z","level":"info","subsystem":"gateway","message":"rose joined","#
        + #""board":"7f3a21c0","carrier":"usb","round":"2"}"#)
  }

  @Test func numbersAndTruthStayWhatTheyAre() throws {
    let object = try parsed(
      JSONLine.json(
        record(
          "x",
          metadata: [
            "bytes": .stringConvertible(65_412), "id": .stringConvertible(UInt64.max),
            "done": .stringConvertible(true),
            "rate": .stringConvertible(0.25), "nan": .stringConvertible(Double.nan), "text": "12",
          ])))
    #expect(object["bytes"] as? Int == 65_412 && object["id"] as? UInt64 == .max)
    #expect(object["done"] as? Bool == true && object["rate"] as? Double == 0.25)
    #expect(object["nan"] as? String == "nan" && object["text"] as? String == "12")
  }

  @Test func nestedMetadataIsFlatAndNoKeyComesTwice() throws {
    let line = JSONLine.json(
      record(
        "x",
        metadata: [
          "transfer": ["object": "model", "at": ["byte": "7"]], "level": "mine", "metadata.level": "too",
          "list": ["a", ["b": "c"]],
        ]))
    let object = try parsed(line)
    #expect(object["transfer.object"] as? String == "model" && object["transfer.at.byte"] as? String == "7")
    #expect(object["level"] as? String == "info" && object["metadata.level"] as? String == "mine")
    #expect(object["metadata.metadata.level"] as? String == "too")
    #expect(line.contains(#""list":["a",{"b":"c"}]"#))
  }

  @Test func whateverIsWrittenIsReadBackFromOneLine() throws {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let (message, value) = (randomText(&random), randomText(&random))
      let key = "k" + randomText(&random)
      let line = JSONLine.json(record(message, metadata: [key: .string(value)]))
      #expect(!line.unicodeScalars.contains { $0.isUnsafeInALine }, "seed \(seed)")
      let object = try parsed(line)
      // Scalars, because Swift's == takes canonically equivalent texts for equal.
      #expect(
        (object["message"] as? String).map { Array($0.unicodeScalars) } == Array(message.unicodeScalars),
        "seed \(seed)")
      #expect(
        (object[key] as? String).map { Array($0.unicodeScalars) } == Array(value.unicodeScalars),
        "seed \(seed)")
    }
  }
}
