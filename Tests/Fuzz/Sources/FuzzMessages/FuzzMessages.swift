import Bytes
import FuzzSupport

@testable import LinkProtocol

/// Messages. What is understood is written again, and that is understood as the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMessages(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let kind = input.byte() % 4
  let bytes = input.rest()
  switch kind {
  case 0: check(Greeting(parsing: bytes.span), { Greeting(parsing: $0.span) }) { $0.encode(into: &$1) }
  case 1: check(Welcome(parsing: bytes.span), { Welcome(parsing: $0.span) }) { $0.encode(into: &$1) }
  case 2: check(Refusal(parsing: bytes.span), { Refusal(parsing: $0.span) }) { $0.encode(into: &$1) }
  default: check(control(bytes), control) { $0.encode(into: &$1) }
  }
  return 0
}

private func control(_ bytes: [UInt8]) -> ControlMessage? {
  do throws(ControlMessageError) {
    return try ControlMessage(parsing: bytes.span)
  } catch {
    return nil
  }
}

private func check<Message>(
  _ message: Message?, _ parse: ([UInt8]) -> Message?, _ encode: (Message, inout BoundedBytes) -> Void
) {
  func said(_ message: Message) -> [UInt8] {
    var buffer = BoundedBytes(capacity: LinkLimits.minimumFrame - Frame.overhead)
    encode(message, &buffer)
    require(!buffer.overflowed, "a message that is longer than everybody takes")
    return buffer.copied()
  }
  guard let message else { return }
  // Their bytes are compared, as a loss that is not a number equals nothing.
  let once = said(message)
  guard let again = parse(once) else { fatalError("a message that is none when it is said again") }
  require(said(again) == once, "a message that is another one when it is said again")
}
