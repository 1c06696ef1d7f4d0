import CoreChecks
import Foundation
import Testing

@Suite struct CoreCheckTests {
  @Test func everyCheckGivesTheBitsThatTheFirmwareIsComparedWith() throws {
    // The lines that Scripts/check-embedded expects of the Cortex-M4 image.
    let expected = try String(
      contentsOf: repository.appending(path: "Firmware/expected-checks.txt"), encoding: .utf8)
    var computed = ""
    for i in 0..<CoreCheck.count {
      let check = CoreCheck.at(i)
      let hash = String(check.run(), radix: 16)
      computed += "check \(check.name) \(String(repeating: "0", count: 8 - hash.count))\(hash)\n"
    }
    #expect(computed == expected)
  }
}
