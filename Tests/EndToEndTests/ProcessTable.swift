import Foundation
import Glibc

/// A process of the machine, told from a later one with the same number by when it started.
struct ProcessEntry: Hashable {
  let pid: pid_t
  let startTime: String

  /// The process with this number; nil if there is none, or only its remains.
  init?(_ pid: pid_t) {
    guard let fields = Self.fields(pid), fields[0] != "Z" else { return nil }
    self.pid = pid
    startTime = fields[19]
  }

  /// What /proc says after the name, which may contain anything.
  private static func fields(_ pid: pid_t) -> [String]? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ").map(String.init)
    return fields.count > 19 ? fields : nil
  }

  var isAlive: Bool { ProcessEntry(pid) == self }

  /// Its words as it was started with.
  var arguments: [String] {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return [] }
    return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The processes that `parent` has started and that are still there.
  static func children(of parent: pid_t) -> [ProcessEntry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.sorted().filter { fields($0)?[1] == String(parent) }
      .compactMap { ProcessEntry($0) }
  }
}

/// Waits until `condition` holds, looking often.
func eventually(
  _ what: String, within seconds: Double = 10, _ condition: () throws -> Bool
) throws {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while try !condition() {
    guard Date() < deadline else { throw Failure("not within \(seconds) s: \(what)") }
    usleep(2000)
  }
}
