import Bytes
import CBOR
import Testing

/// A message as the protocol's are: what the documentation of the encoder and the decoder shows.
private struct TrainTask: Equatable {
  var round: UInt32 = 0
  var learningRate: Float = 0
  var name = ShortText()
  var deadline: UInt16?
  var slices: [UInt8] = []

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: round)
      cbor.field(2, float: learningRate)
      cbor.field(3, text: name.span)
      if let deadline { cbor.field(4, unsigned: deadline) }
      cbor.key(5)
      cbor.map { cbor in
        cbor.key(0)
        cbor.array(count: slices.count)
        for slice in slices { cbor.unsigned(slice) }
      }
    }
  }
}

extension TrainTask {
  init(from cbor: inout CBORDecoder) throws(CBORError) {
    var fields = try cbor.map()
    while let key = try cbor.nextKey(of: &fields) {
      switch key {
      case 1: round = try cbor.unsigned()
      case 2: learningRate = try cbor.float()
      case 3: name = ShortText(try cbor.text(max: ShortText.capacity))
      case 4: deadline = try cbor.unsigned()
      case 5:
        var inner = try cbor.map()
        while let key = try cbor.nextKey(of: &inner) {
          guard key == 0 else { continue }
          for _ in 0..<(try cbor.arrayCount(max: 8)) { slices.append(try cbor.unsigned()) }
        }
      default: break
      }
    }
  }

  init(decoding bytes: [UInt8]) throws(CBORError) {
    var cbor = CBORDecoder(bytes.span)
    try self.init(from: &cbor)
    try cbor.finish()
  }
}

private func bytes(of task: TrainTask, capacity: Int = 200) -> (bytes: [UInt8], overflowed: Bool) {
  var buffer = BoundedBytes(capacity: capacity)
  CBOREncoder.append(to: &buffer) { cbor in task.encode(into: &cbor) }
  return (array(buffer.span), buffer.overflowed)
}

@Suite struct MessageTests {
  private let task = TrainTask(
    round: 700, learningRate: 0.1, name: ShortText("Anna"), deadline: 30, slices: [1, 2, 250])

  @Test func aMessageComesBackAsItWas() throws {
    #expect(try TrainTask(decoding: bytes(of: task).bytes) == task)
    var withoutDeadline = task
    withoutDeadline.deadline = nil
    let encoded = bytes(of: withoutDeadline).bytes
    #expect(encoded[0] == 0xa4)
    #expect(try TrainTask(decoding: encoded) == withoutDeadline)
  }

  @Test func aMessageIsAppendedToWhatTheBufferHolds() {
    var buffer = BoundedBytes(capacity: 8)
    buffer.append(0x99)
    CBOREncoder.append(to: &buffer) { cbor in cbor.map { $0.field(24, bool: false) } }
    #expect(array(buffer.span) == [0x99, 0xa1, 0x18, 0x18, 0xf4])
  }

  @Test func fieldsOfAVersionToComeAreSkippedWhateverTheyHold() throws {
    var encoder = CBOREncoder(capacity: 100)
    encoder.map { cbor in
      cbor.key(0)
      cbor.array(count: 2)
      cbor.null()
      cbor.map { $0.field(9, signed: -1) }
      cbor.field(1, unsigned: UInt32(5))
      cbor.key(4_000_000_000)
      cbor.text("later")
    }
    #expect(try TrainTask(decoding: array(encoder.span)) == TrainTask(round: 5))
  }

  @Test func everyTruncationIsRefused() {
    let whole = bytes(of: task).bytes
    for length in 0..<whole.count {
      #expect(throws: CBORError.truncated) { try TrainTask(decoding: Array(whole.prefix(length))) }
    }
    #expect(throws: CBORError.trailingBytes) { try TrainTask(decoding: whole + [0]) }
  }

  @Test func whatDoesNotFitIsMarkedAndNeverTraps() {
    let needed = bytes(of: task).bytes.count
    for capacity in 0..<needed { #expect(bytes(of: task, capacity: capacity).overflowed) }
    #expect(!bytes(of: task, capacity: needed).overflowed)
  }

  @Test func valuesOutsideTheRangeAskedForAreRefused() {
    // Key 4 is a UInt16 here, and 65,536 is sent; key 3 has 65 bytes; key 5 promises 9 slices of 8.
    #expect(throws: CBORError.overflow) { try TrainTask(decoding: [0xa1, 0x04, 0x1a, 0, 1, 0, 0]) }
    #expect(throws: CBORError.overflow) {
      try TrainTask(decoding: [0xa1, 0x03, 0x78, 65] + [UInt8](repeating: 0x61, count: 65))
    }
    #expect(throws: CBORError.overflow) { try TrainTask(decoding: [0xa1, 0x05, 0xa1, 0x00, 0x89]) }
  }

  @Test func keysThatRepeatOrDescendAreRefused() {
    #expect(throws: CBORError.keyOrder) { try TrainTask(decoding: [0xa2, 0x01, 0x05, 0x01, 0x05]) }
    #expect(throws: CBORError.keyOrder) { try TrainTask(decoding: [0xa2, 0x09, 0x05, 0x01, 0x05]) }
    #expect(throws: CBORError.wrongType) { try TrainTask(decoding: [0xa1, 0x20, 0x05]) }
  }

  @Test func aTextCutInTheMiddleOfACharacterIsStillSentAsUTF8() throws {
    var encoder = CBOREncoder(capacity: 20)
    encoder.text(Array("aé€".utf8.dropLast()).span)
    var decoder = CBORDecoder(encoder.span)
    #expect(array(try decoder.text()) == Array("aé??".utf8))
  }
}
