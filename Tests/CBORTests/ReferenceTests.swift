import Foundation
import PropertyTesting
import Testing

/// Our encoding against cbor2's, in both directions; see Tests/Reference/cbor_reference.py.
@Suite(.enabled(if: Reference.python != nil, Comment(rawValue: Reference.howToInstall)))
struct ReferenceTests {
  @Test func whatTheReferenceWritesIsReadAndWrittenTheSame() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "cbor-\(UUID()).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    let seed = 51
    try Reference.run("generate", "--seed", "\(seed)", "--count", "2000", file.path)
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 2000)
    for line in lines {
      let item = try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [String: Any]
      let (encoding, value) = (item["hex"] as! String, Value(notation: item["value"]!))
      #expect(try Value(decoding: unhex(encoding)) == value)
      #expect(hex(value.encoded) == encoding, "seed \(seed)")
    }
  }

  @Test func whatWeWriteIsReadAndWrittenTheSameByTheReference() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "cbor-\(UUID()).jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    var generator = SeededGenerator(seed: 52)
    var lines = Data()
    for _ in 0..<2000 {
      let value = Value.random(using: &generator)
      let item: [String: Any] = ["hex": hex(value.encoded), "value": value.notation]
      lines.append(try JSONSerialization.data(withJSONObject: item))
      lines.append(UInt8(ascii: "\n"))
    }
    try lines.write(to: file)
    try Reference.run("check", file.path)
  }
}

/// The reference implementation, if there is one on this machine.
private enum Reference {
  static let howToInstall = "needs cbor2: python3 -m venv .venv && .venv/bin/pip install cbor2"

  static let python: URL? = {
    let named = ProcessInfo.processInfo.environment["FEDBRIDGE_PYTHON"].map { URL(filePath: $0) }
    let candidates = [named, root.appending(path: ".venv/bin/python3"), URL(filePath: "/usr/bin/env")]
    return candidates.compactMap { $0 }.first { (try? status(of: $0, ["-c", "import cbor2"])) == 0 }
  }()

  static func run(_ arguments: String...) throws {
    let script = root.appending(path: "Tests/Reference/cbor_reference.py").path
    #expect(try status(of: python!, [script] + arguments) == 0, "see the message above")
  }

  private static func status(of python: URL, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = python
    process.arguments = (python.lastPathComponent == "env" ? ["python3"] : []) + arguments
    if arguments.first == "-c" { process.standardError = FileHandle.nullDevice }
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
