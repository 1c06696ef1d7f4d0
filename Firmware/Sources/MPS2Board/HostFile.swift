import CBoard

/// A file of the host, by semihosting.
struct HostFile {
  private static var sysOpen: UInt32 { 0x01 }
  private static var sysWrite: UInt32 { 0x05 }
  private static var sysRead: UInt32 { 0x06 }
  private static var sysSeek: UInt32 { 0x0a }
  private static var sysLength: UInt32 { 0x0c }
  private static var sysClose: UInt32 { 0x02 }

  enum Mode: UInt32 {
    /// `rb`: it must exist.
    case read = 1
    /// `r+b`: it must exist.
    case update = 3
    /// `w+b`: it is made, or made empty.
    case create = 7
  }

  private let handle: UInt32

  /// - Parameter path: ends with a zero, which `length` does not count.
  init?(path: UnsafePointer<UInt8>, length: Int, mode: Mode) {
    var block: (UnsafePointer<UInt8>, UInt32, UInt32) = (path, mode.rawValue, UInt32(length))
    let result = withUnsafeMutablePointer(to: &block) { semihosting_call(Self.sysOpen, $0) }
    guard result != .max else { return nil }
    handle = result
  }

  func close() {
    var block = handle
    withUnsafeMutablePointer(to: &block) { _ = semihosting_call(Self.sysClose, $0) }
  }

  /// Bytes in it; nil if it has no length.
  var length: Int? {
    var block = handle
    let result = withUnsafeMutablePointer(to: &block) { semihosting_call(Self.sysLength, $0) }
    return result > UInt32(Int32.max) ? nil : Int(result)
  }

  /// Reads from where it stands; how many bytes there were.
  func read(into room: UnsafeMutableRawPointer, count: Int) -> Int {
    var block: (UInt32, UnsafeMutableRawPointer, UInt32) = (handle, room, UInt32(count))
    let left = withUnsafeMutablePointer(to: &block) { semihosting_call(Self.sysRead, $0) }
    return left <= UInt32(count) ? count - Int(left) : 0
  }

  /// Writes at `offset`; whether all of it was written.
  func write(_ bytes: UnsafeRawPointer, count: Int, at offset: Int) -> Bool {
    var place: (UInt32, UInt32) = (handle, UInt32(offset))
    guard withUnsafeMutablePointer(to: &place, { semihosting_call(Self.sysSeek, $0) }) == 0 else {
      return false
    }
    var block: (UInt32, UnsafeRawPointer, UInt32) = (handle, bytes, UInt32(count))
    return withUnsafeMutablePointer(to: &block) { semihosting_call(Self.sysWrite, $0) } == 0
  }
}
