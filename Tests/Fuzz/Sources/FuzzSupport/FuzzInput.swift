/// What the fuzzer made up, taken from the front: choices and numbers first, bytes as long as there are any.
/// When there is nothing left everything is 0 and empty.
public struct FuzzInput {
  private let bytes: [UInt8]
  private var next = 0

  /// The input that libFuzzer hands over.
  public init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Whether all was taken.
  public var isEmpty: Bool { next == bytes.count }

  /// The next byte.
  public mutating func byte() -> UInt8 {
    guard next < bytes.count else { return 0 }
    defer { next += 1 }
    return bytes[next]
  }

  /// Up to 310 bytes, as many as the next byte says: a frame's longest body in one of the shortest frames.
  public mutating func body() -> [UInt8] {
    let length = Int(byte())
    return take(length < 200 ? length : 2 * length - 200)
  }

  /// Up to this many bytes.
  public mutating func take(_ count: Int) -> [UInt8] {
    let end = min(next + count, bytes.count)
    defer { next = end }
    return Array(bytes[next..<end])
  }

  /// All that is left.
  public mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// Ends the program, so that the fuzzer keeps the input, unless `condition` holds.
public func require(_ condition: Bool, _ what: StaticString) {
  if !condition { fatalError("\(what)") }
}
