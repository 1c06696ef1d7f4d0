import Logging

/// A record as one JSON object (RFC 8259) without the line end.
///
/// The order is always `time`, `level`, `subsystem`, `message`, then the metadata by key. Metadata is flat:
/// a dictionary's entries become `outer.inner`, a leading `_` is dropped, and a key that would repeat an earlier one
/// gets `metadata.` in front, again if need be. Values that are numbers or truth values in Swift are so in JSON.
enum JSONLine {
  static func json(_ record: LogRecord) -> String {
    var line = "{"
    var taken: Set<String> = []
    func append(_ key: String, _ value: String) {
      var name = key
      while !taken.insert(name).inserted { name = "metadata." + name }
      line += "\(taken.count == 1 ? "" : ",")\(quoted(name)):\(value)"
    }
    func flatten(_ prefix: String, _ metadata: Logger.Metadata) {
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
        let name = prefix + (key.hasPrefix("_") ? String(key.dropFirst()) : key)
        if case .dictionary(let inner) = value {
          flatten(name + ".", inner)
        } else {
          append(name, json(value))
        }
      }
    }
    append("time", quoted(record.time.rfc3339))
    append("level", quoted(record.level.rawValue))
    append("subsystem", quoted(record.subsystem))
    append("message", quoted(record.message))
    flatten("", record.metadata)
    return line + "}"
  }

  private static func json(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): return quoted(text)
    case .array(let values): return "[" + values.map(json).joined(separator: ",") + "]"
    case .dictionary(let entries):
      // Inside an array there is no outer key to be flattened into.
      let members = entries.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.value))" }
      return "{" + members.joined(separator: ",") + "}"
    case .stringConvertible(let convertible):
      switch convertible {
      case let number as any BinaryInteger: return number.description
      case let truth as Bool: return truth ? "true" : "false"
      // JSON has no NaN and no infinity; as text they are at least readable.
      case let number as Double where number.isFinite: return number.description
      case let number as Float where number.isFinite: return number.description
      default: return quoted(convertible.description)
      }
    }
  }

  /// The text between quotation marks, with the escapes that RFC 8259 §7 demands, and those that keep any terminal
  /// or line reader safe.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in bounded(text).unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.isUnsafeInALine:
        // All of them lie below U+10000, so four digits do.
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
