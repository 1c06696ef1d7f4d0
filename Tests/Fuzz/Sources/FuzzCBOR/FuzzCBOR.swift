import CBOR
import FuzzSupport

/// CBOR that is asked for values of types that need not be there.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCBOR(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let questions = input.take(Int(input.byte() & 31))
  let bytes = input.rest()
  ask(questions, about: bytes)
  skip(bytes)
  return 0
}

/// Asks as a reader of messages does, until the first answer is an error.
private func ask(_ questions: [UInt8], about bytes: [UInt8]) {
  var decoder = CBORDecoder(bytes.span)
  var fields: CBORFields?
  do throws(CBORError) {
    for question in questions {
      let before = decoder.offset
      switch question % 13 {
      case 0: _ = try decoder.unsigned(as: UInt8.self)
      case 1: _ = try decoder.unsigned(as: UInt32.self)
      case 2: _ = try decoder.unsigned(as: UInt64.self)
      case 3: _ = try decoder.signed(as: Int32.self)
      case 4: require(try decoder.bytes(max: 64).count <= 64, "more bytes than allowed")
      case 5: require(try decoder.text(max: 64).count <= 64, "more text than allowed")
      case 6: _ = try decoder.bool()
      case 7: _ = decoder.readNull()
      case 8: _ = try decoder.float()
      case 9: require(try decoder.arrayCount(max: 16) <= 16, "more items than allowed")
      case 10: fields = try decoder.map(max: 16)
      case 11:
        if var open = fields {
          _ = try decoder.nextKey(of: &open)
          fields = open
        }
      default: try decoder.skipValue()
      }
      require(decoder.offset >= before && decoder.offset <= bytes.count, "the decoder left its input")
      _ = decoder.nextType
    }
    try decoder.finish()
  } catch {}
}

/// What is skipped as one value is skipped whatever follows it.
private func skip(_ bytes: [UInt8]) {
  guard let length = lengthOfFirstValue(bytes) else { return }
  require(length > 0 && length <= bytes.count, "a value of no length")
  let value = Array(bytes[..<length])
  require(lengthOfFirstValue(value) == length, "a value depends on what follows it")
  require(lengthOfFirstValue(value + [0xff, 0x00]) == length, "a value depends on what follows it")
}

private func lengthOfFirstValue(_ bytes: [UInt8]) -> Int? {
  var decoder = CBORDecoder(bytes.span)
  do throws(CBORError) {
    try decoder.skipValue()
    return decoder.offset
  } catch {
    return nil
  }
}
