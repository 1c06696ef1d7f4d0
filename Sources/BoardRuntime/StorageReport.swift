import BoardStorage
import Bytes
import LinkProtocol

/// Puts what went wrong with the flash into a line of the log.
enum StorageReport {
  /// How much it matters. What a power cut leaves behind is no fault.
  static func level(_ finding: StorageFinding) -> LogLevel {
    switch finding {
    case .unreadablePage, .directoryCopyLost: .debug
    case .objectLost, .damagedPage, .eraseFailed, .writeFailed: .warning
    }
  }

  /// The line, at most 64 bytes; `buffer` is room for it.
  static func line(_ finding: StorageFinding, through buffer: inout BoundedBytes) -> ShortText {
    buffer.removeAll()
    switch finding {
    case .unreadablePage(let page):
      append("flash page ", page, ": no header, damaged or cut while erased", to: &buffer)
    case .objectLost(let role):
      append("flash: lost ", to: &buffer)
      append(name(role), to: &buffer)
      append(", a page of it is damaged", to: &buffer)
    case .damagedPage(let page, let role):
      append("damaged page ", page, ": part of ", to: &buffer)
      append(name(role), to: &buffer)
    case .directoryCopyLost:
      append("flash: one copy of the directory is gone", to: &buffer)
    case .eraseFailed(let page):
      append("flash page ", page, ": cannot be erased, left out", to: &buffer)
    case .writeFailed(let page):
      append("flash page ", page, ": did not take what was written", to: &buffer)
    }
    return ShortText(buffer.span)
  }

  private static func name(_ role: StoredRole) -> StaticString {
    switch role {
    case .newestModel: "the newest model"
    case .otherModel: "an older model"
    case .update: "the pending update"
    case .residual: "the residual"
    case .nextResidual: "the next residual"
    case .arrival: "what was coming in"
    case .cableSecret: "the cable secret"
    case .bonds: "the bonds"
    }
  }

  private static func append(_ text: StaticString, to buffer: inout BoundedBytes) {
    for i in 0..<text.utf8CodeUnitCount { buffer.append(text.utf8Start[i]) }
  }

  private static func append(
    _ before: StaticString, _ number: Int, _ after: StaticString, to buffer: inout BoundedBytes
  ) {
    append(before, to: &buffer)
    // Pages have three digits at most.
    if number >= 100 { buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 100 % 10)) }
    if number >= 10 { buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10 % 10)) }
    buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    append(after, to: &buffer)
  }
}
