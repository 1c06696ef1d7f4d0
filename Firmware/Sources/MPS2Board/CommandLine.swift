import BoardSupport
import Cryptography

/// What QEMU's `arg=` options say: `key=value` pairs with spaces between them. A value cannot hold a space;
/// Scripts/qemu-board hands paths over as /proc/self/fd/N.
struct CommandLine {
  private let text: UnsafeMutableRawBufferPointer
  private let length: Int

  init() {
    text = UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: ExternalMemory.commandLine),
      count: ExternalMemory.commandLineLength)
    length = Emulator.copyCommandLine(to: text)
    // Each value becomes a text that ends with a zero.
    text[length < text.count ? length : text.count - 1] = 0
    for i in 0..<length where text[i] == 0x20 { text[i] = 0 }
  }

  /// The value of `key`, which ends with `=`.
  func value(of key: StaticString) -> Argument? {
    var start = 0
    while start < length {
      var end = start
      while end < length, text[end] != 0 { end += 1 }
      if end - start >= key.utf8CodeUnitCount, begins(at: start, with: key), let base = text.baseAddress {
        let valueStart = start + key.utf8CodeUnitCount
        return Argument(
          text: (base + valueStart).assumingMemoryBound(to: UInt8.self), length: end - valueStart)
      }
      start = end + 1
    }
    return nil
  }

  private func begins(at start: Int, with key: StaticString) -> Bool {
    key.withUTF8Buffer { key in
      for i in 0..<key.count where text[start + i] != key[i] { return false }
      return true
    }
  }
}

/// A value on the command line; a zero follows it.
struct Argument {
  let text: UnsafePointer<UInt8>
  let length: Int

  /// As a hexadecimal number of 1 to 16 digits.
  var hexadecimal: UInt64? {
    guard length > 0, length <= 16 else { return nil }
    var value: UInt64 = 0
    for i in 0..<length {
      let digit: UInt8
      switch text[i] {
      case 0x30...0x39: digit = text[i] - 0x30
      case 0x41...0x46: digit = text[i] - 0x41 + 10
      case 0x61...0x66: digit = text[i] - 0x61 + 10
      default: return nil
      }
      value = value << 4 | UInt64(digit)
    }
    return value
  }

  /// As a hexadecimal number of 32 digits.
  var hexadecimal128: Block128? {
    guard length == 32, let high = Argument(text: text, length: 16).hexadecimal,
      let low = Argument(text: text + 16, length: 16).hexadecimal
    else { return nil }
    return Block128(
      UInt32(truncatingIfNeeded: high >> 32), UInt32(truncatingIfNeeded: high),
      UInt32(truncatingIfNeeded: low >> 32), UInt32(truncatingIfNeeded: low))
  }

  static func == (argument: Argument, literal: StaticString) -> Bool {
    guard argument.length == literal.utf8CodeUnitCount else { return false }
    return literal.withUTF8Buffer { literal in
      for i in 0..<literal.count where argument.text[i] != literal[i] { return false }
      return true
    }
  }
}
