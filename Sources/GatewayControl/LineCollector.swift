import Foundation
import NIOCore

/// Puts the lines of a byte stream together, in bounded memory whatever comes.
struct LineCollector {
  /// The longest line in bytes, without its line feed.
  let limit: Int
  private var pending = ByteBuffer()
  /// Bytes of `pending` in which there is no line feed.
  private var searched = 0

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes what was read. At most the limit and what is appended here stays in memory.
  mutating func append(_ bytes: inout ByteBuffer) {
    pending.writeBuffer(&bytes)
  }

  /// The next whole line that is not empty, without its line feed; nil when it has not come yet.
  ///
  /// - Throws: ``ControlError/lineTooLong(limit:)``; nothing of the stream can be used after it.
  mutating func next() throws(ControlError) -> Data? {
    while true {
      let bytes = pending.readableBytesView
      guard let end = bytes.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) else {
        searched = bytes.count
        guard searched <= limit else { throw .lineTooLong(limit: limit) }
        pending.discardReadBytes()
        return nil
      }
      let length = end - bytes.startIndex
      guard length <= limit else { throw .lineTooLong(limit: limit) }
      let line = Data(bytes.prefix(length))
      pending.moveReaderIndex(forwardBy: length + 1)
      searched = 0
      if !line.isEmpty { return line }
    }
  }
}
