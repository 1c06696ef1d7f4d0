import Digests
public import LinkProtocol

/// Objects in memory: what a session offers and what it receives.
public struct MemoryObjects: ObjectAccess {
  /// What is offered.
  public private(set) var offered: [ObjectName: [UInt8]] = [:]
  /// What came in, its missing bytes 0xff.
  public private(set) var arriving: [ObjectName: [UInt8]] = [:]
  /// Whether nothing can be stored.
  public var refusesWrites = false

  /// None.
  public init() {}

  /// Makes content ready to be offered under the name returned.
  public mutating func add(_ content: [UInt8]) -> ObjectName {
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: UInt32(content.count))
    offered[name] = content
    return name
  }

  /// Offers content under any name, also one that is not its own.
  public mutating func offer(_ content: [UInt8], as name: ObjectName) {
    offered[name] = content
  }

  /// Makes room for an object, unless there is some.
  public mutating func expect(_ name: ObjectName) {
    if arriving[name] == nil { arriving[name] = [UInt8](repeating: 0xff, count: Int(name.length)) }
  }

  /// Whether all of it came in.
  public func isWhole(_ name: ObjectName) -> Bool {
    guard let content = arriving[name] else { return name.length == 0 }
    return SHA256.hash(of: content.span) == name.digest
  }

  /// Reads a piece of what is offered.
  public mutating func read(
    _ object: ObjectName, at offset: Int, into destination: inout MutableSpan<UInt8>
  ) -> Bool {
    guard let content = offered[object], offset + destination.count <= content.count else { return false }
    for i in 0..<destination.count { destination[i] = content[offset + i] }
    return true
  }

  /// Writes a piece of what is expected.
  public mutating func write(_ bytes: Span<UInt8>, of object: ObjectName, at offset: Int) -> Bool {
    guard !refusesWrites, var content = arriving[object], offset + bytes.count <= content.count else {
      return false
    }
    arriving[object] = nil
    for i in 0..<bytes.count { content[offset + i] = bytes[i] }
    arriving[object] = content
    return true
  }
}
