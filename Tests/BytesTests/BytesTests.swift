import Bytes
import Testing

@Suite struct BoundedBytesTests {
  @Test func appendingPastTheCapacityMarksTheOverflowAndKeepsWhatWasThere() {
    var buffer = BoundedBytes(capacity: 4)
    buffer.append(littleEndian: 0x0302_01, width: 3)
    buffer.append(contentsOf: [9, 9].span)
    // Copies, because #expect takes no noncopyable value apart.
    let (overflowed, count, last) = (buffer.overflowed, buffer.count, buffer.span[2])
    #expect(overflowed && count == 3 && last == 3)
    buffer.removeAll()
    let stillOverflowed = buffer.overflowed
    #expect(!stillOverflowed)
    buffer.appendZeros(4)
    var held = buffer.mutableSpan
    held[3] = 7
    let written = buffer.span[3]
    #expect(written == 7)
  }
}

@Suite struct ByteReaderTests {
  @Test func readsNeverPassTheEnd() {
    let bytes: [UInt8] = [1, 2, 3]
    var reader = ByteReader(bytes.span)
    let (first, tooWide) = (reader.readLittleEndian(width: 2), reader.readLittleEndian(width: 2))
    #expect(first == 0x0201 && tooWide == nil)
    for impossible in [2, -1] {
      if case .some = reader.read(impossible) { Issue.record("read \(impossible) of 1") }
    }
    let (last, pastTheEnd, remaining) = (reader.readByte(), reader.readByte(), reader.remaining)
    #expect(last == 3 && pastTheEnd == nil && remaining == 0)
  }
}

@Suite struct ShortTextTests {
  @Test func controlCharactersFromAStrangerCannotBreakALogLine() {
    let text = ShortText(([0x61, 0x0a, 0x1b, 0x62] as [UInt8]).span)
    #expect(text == ShortText("a??b"))
    #expect(ShortText([UInt8](repeating: 0x61, count: 200).span).count == 64)
  }
}
