import Digests
import LinkProtocol

/// Objects in memory: what a session offers and what it receives.
struct MemoryObjects: ObjectAccess {
  private(set) var offered: [ObjectName: [UInt8]] = [:]
  private(set) var arriving: [ObjectName: [UInt8]] = [:]
  var refusesWrites = false

  mutating func add(_ content: [UInt8]) -> ObjectName {
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: UInt32(content.count))
    offered[name] = content
    return name
  }

  mutating func expect(_ name: ObjectName) {
    if arriving[name] == nil { arriving[name] = [UInt8](repeating: 0xff, count: Int(name.length)) }
  }

  func isWhole(_ name: ObjectName) -> Bool {
    guard let content = arriving[name] else { return name.length == 0 }
    return SHA256.hash(of: content.span) == name.digest
  }

  mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let content = offered[object], offset + destination.count <= content.count else { return false }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard !refusesWrites, var content = arriving[object], offset + bytes.count <= content.count else {
      return false
    }
    arriving[object] = nil
    for i in 0..<bytes.count { content[offset + i] = bytes[i] }
    arriving[object] = content
    return true
  }
}
