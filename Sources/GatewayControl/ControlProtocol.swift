public import Foundation

/// The lines that go over the control socket (Protocols/control.md).
public enum ControlProtocol {
  /// The version that is spoken here. Keys, requests and replies may be added to it; nothing else may change.
  public static let version = 1
  /// The socket's name in the state directory.
  public static let socketName = "control.socket"
  /// The longest line that a daemon reads, in bytes without the line feed.
  static let longestRequest = 65_536
  /// The longest line that a client reads: some ten thousand boards.
  static let longestReply = 4 * 1_048_576

  /// A request or a reply, and the version beside it.
  private struct Line<Body: Encodable>: Encodable {
    var body: Body

    enum CodingKeys: String, CodingKey { case version }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(ControlProtocol.version, forKey: .version)
      try body.encode(to: encoder)
    }
  }

  /// What stands in every line of every version.
  private struct Heading: Decodable {
    var version: Int?
    var reply: String?
  }

  /// A request as a line, its line feed included.
  public static func line(_ request: ControlRequest) -> Data { encoded(request) }

  /// A reply as a line, its line feed included. This is also what `--json` prints.
  public static func line(_ reply: ControlReply) -> Data { encoded(reply) }

  private static func encoded(_ body: some Encodable) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    // Strings, integers and dates of the calendar have a form in JSON always.
    guard var line = try? encoder.encode(Line(body: body)) else {
      preconditionFailure("a control line that JSON has no form for")
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  /// Reads what a client said.
  ///
  /// - Parameter isFirst: whether it must name the version.
  static func request(in line: Data, isFirst: Bool) throws(ControlError) -> ControlRequest {
    let heading = try heading(in: line)
    if isFirst || heading.version != nil {
      guard heading.version == version else {
        throw .otherVersion(client: heading.version, daemon: version)
      }
    }
    do {
      return try JSONDecoder().decode(ControlRequest.self, from: line)
    } catch let error as ControlError {
      throw error
    } catch {
      throw .badRequest("a key is missing or has a value of another type")
    }
  }

  /// Reads what the daemon said.
  ///
  /// - Returns: nil for a reply that only later versions know, which never ends a request.
  static func reply(in line: Data) throws(ControlError) -> ControlReply? {
    guard let heading = try? heading(in: line), let kind = heading.reply else {
      throw .notUnderstood(detail: "a line without a reply")
    }
    let isKnown = ControlReply.Kind(rawValue: kind) != nil
    if let other = heading.version, other != version {
      // A failure has the same form in all versions: the daemon explains itself.
      guard kind == ControlReply.Kind.failed.rawValue else {
        throw .otherVersion(client: version, daemon: other)
      }
    }
    guard isKnown else { return nil }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(ControlReply.self, from: line)
    } catch {
      throw .notUnderstood(detail: "a reply of another form, \(kind.prefix(40))")
    }
  }

  private static func heading(in line: Data) throws(ControlError) -> Heading {
    do {
      return try JSONDecoder().decode(Heading.self, from: line)
    } catch {
      throw .garbage
    }
  }
}
