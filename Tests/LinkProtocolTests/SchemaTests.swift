import Foundation
import Testing

@testable import LinkProtocol

/// What our encoder writes against Protocols/messages.cddl, by Tests/Reference/check_cddl.py.
@Suite(.enabled(if: SchemaCheck.python != nil, Comment(rawValue: SchemaCheck.howToInstall)))
struct SchemaTests {
  @Test func theVectorsFitTheSchemaOrDoNotAsTheyState() throws {
    #expect(try SchemaCheck.run() == 0, "see the message above")
  }

  @Test func everyMessageThatIsWrittenFitsTheSchema() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "messages-\(UUID()).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    let fields = RandomFields(seed: 73)
    var lines = ""
    for name in WireMessage.names {
      for _ in 0..<25 {
        let message = WireMessage(named: name, fields: fields)
        lines += "{\"message\": \"\(name)\", \"hex\": \"\(hex(message.encoded))\"}\n"
      }
    }
    try lines.write(to: file, atomically: true, encoding: .utf8)
    #expect(try SchemaCheck.run(file.path) == 0, "see the message above")
  }
}

/// The validator, if its package is installed on this machine.
private enum SchemaCheck {
  static let howToInstall =
    "needs cddl-verifier: python3 -m venv .venv && .venv/bin/pip install -r Tests/Reference/requirements.txt"

  static let python: URL? = {
    let named = ProcessInfo.processInfo.environment["FEDBRIDGE_PYTHON"].map { URL(filePath: $0) }
    let candidates = [
      named, Vectors.root.appending(path: ".venv/bin/python3"), URL(filePath: "/usr/bin/env"),
    ]
    return candidates.compactMap { $0 }.first { (try? status(of: $0, ["-c", "import cddl_verifier"])) == 0 }
  }()

  static func run(_ arguments: String...) throws -> Int32 {
    let script = Vectors.root.appending(path: "Tests/Reference/check_cddl.py").path
    return try status(of: python!, [script] + arguments)
  }

  private static func status(of python: URL, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = python
    process.arguments = (python.lastPathComponent == "env" ? ["python3"] : []) + arguments
    process.standardOutput = FileHandle.nullDevice
    if arguments.first == "-c" { process.standardError = FileHandle.nullDevice }
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
