import Foundation
import SerialDevices
import Testing

/// The rules file and the program must agree. Whether udev accepts the file is a matter for `udevadm verify`, which
/// needs systemd 254.
@Suite struct UdevRulesTests {
  let rules: [String]

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../udev/70-fedbridge.rules")
    rules = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("#") }
  }

  /// The products of the one rule that has `part`.
  private func products(ofTheRuleWith part: String) throws -> Set<UInt16> {
    let rule = try #require(rules.first { $0.contains(part) })
    let list = try #require(rule.firstMatch(of: /ATTRS?{idProduct}=="([0-9a-f|]+)"/)).1
    return Set(list.split(separator: "|").compactMap { UInt16($0, radix: 16) })
  }

  @Test func theRulesCoverExactlyTheBoardsThatTheProgramKnows() throws {
    func known(_ kinds: Set<BoardKind>) -> Set<UInt16> {
      Set(
        (0...UInt16.max).filter { product in
          BoardKind(vendor: 0x2341, product: product).map(kinds.contains) == true
        })
    }
    #expect(try products(ofTheRuleWith: "ID_MM_DEVICE_IGNORE") == known([.sketch, .bootloader]))
    #expect(try products(ofTheRuleWith: "ID_MM_PORT_IGNORE") == known([.sketch, .bootloader]))
    #expect(try products(ofTheRuleWith: "SYMLINK+=") == known([.sketch]), "a bootloader gets no lasting name")
  }

  @Test func everyRuleIsWellFormedAndEveryJumpHasItsLabel() {
    let key = /[A-Z_]+(\{[A-Za-z_]+\})?(==|!=|\+=|=)"[^"]*"/
    for rule in rules {
      for part in rule.components(separatedBy: ", ") { #expect(part.wholeMatch(of: key) != nil, "\(part)") }
    }
    let jumps = Set(rules.compactMap { $0.firstMatch(of: /GOTO="(\w+)"/)?.1 })
    let labels = Set(rules.compactMap { $0.firstMatch(of: /LABEL="(\w+)"/)?.1 })
    #expect(jumps == labels && labels.count == 1)
  }
}
