import Bytes
import Testing

@Suite struct BoundedBytesTests {
  @Test func appendingPastTheCapacityMarksTheOverflowAndKeepsWhatWasThere() {
    var buffer = BoundedBytes(capacity: 4)
    buffer.append(littleEndian: 0x0302_01, width: 3)
    buffer.append(contentsOf: [9, 9].span)
    #expect(buffer.overflowed)
    #expect(buffer.count == 3)
    #expect(buffer.span[2] == 3)
    buffer.removeAll()
    #expect(!buffer.overflowed)
    buffer.appendZeros(4)
    var held = buffer.mutableSpan
    held[3] = 7
    #expect(buffer.span[3] == 7)
  }
}

@Suite struct ByteReaderTests {
  @Test func readsNeverPassTheEnd() {
    let bytes: [UInt8] = [1, 2, 3]
    var reader = ByteReader(bytes.span)
    #expect(reader.readLittleEndian(width: 2) == 0x0201)
    #expect(reader.readLittleEndian(width: 2) == nil)
    for impossible in [2, -1] {
      if case .some = reader.read(impossible) { Issue.record("read \(impossible) of 1") }
    }
    #expect(reader.readByte() == 3)
    #expect(reader.readByte() == nil)
    #expect(reader.remaining == 0)
  }
}

@Suite struct ShortTextTests {
  @Test func controlCharactersFromAStrangerCannotBreakALogLine() {
    let text = ShortText(([0x61, 0x0a, 0x1b, 0x62] as [UInt8]).span)
    #expect(text == ShortText("a??b"))
    #expect(ShortText([UInt8](repeating: 0x61, count: 200).span).count == 64)
  }
}
