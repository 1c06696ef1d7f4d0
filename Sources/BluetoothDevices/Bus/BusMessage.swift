import CSystemd
import Glibc

/// A message of the bus: read to values, written from arguments.
///
/// Reading is total: a message was checked against its signature by sd-bus, and what cannot be read ends the reading.
struct BusMessage {
  let pointer: OpaquePointer

  var path: String { sd_bus_message_get_path(pointer).map { String(cString: $0) } ?? "" }
  var interface: String { sd_bus_message_get_interface(pointer).map { String(cString: $0) } ?? "" }
  var member: String { sd_bus_message_get_member(pointer).map { String(cString: $0) } ?? "" }

  /// The error that this message is, if it is one.
  var error: BusError? {
    guard sd_bus_message_is_method_error(pointer, nil) > 0 else { return nil }
    guard let error = sd_bus_message_get_error(pointer) else { return .failed(name: "", text: "") }
    return .failed(
      name: error.pointee.name.map { String(cString: $0) } ?? "",
      text: error.pointee.message.map { String(cString: $0) } ?? "")
  }

  // MARK: Reading

  /// All values of the message.
  func values() -> [BusValue] {
    var values: [BusValue] = []
    while let value = next() { values.append(value) }
    return values
  }

  /// The next value; nil at the end of a container or of the message, or if it is of a type that nobody here uses.
  private func next() -> BusValue? {
    var type: CChar = 0
    var contents: UnsafePointer<CChar>?
    guard sd_bus_message_peek_type(pointer, &type, &contents) > 0 else { return nil }
    switch UInt8(bitPattern: type) {
    case UInt8(ascii: "a"): return array(contents)
    case UInt8(ascii: "v"): return inside(type, contents) { $0.first }
    case UInt8(ascii: "r"): return inside(type, contents) { .structure($0) }
    case UInt8(ascii: "b"): return basic(type, CInt(0)) { .flag($0 != 0) }
    case UInt8(ascii: "y"): return basic(type, UInt8(0)) { .unsigned(UInt64($0)) }
    case UInt8(ascii: "n"): return basic(type, Int16(0)) { .signed(Int64($0)) }
    case UInt8(ascii: "q"): return basic(type, UInt16(0)) { .unsigned(UInt64($0)) }
    case UInt8(ascii: "i"): return basic(type, Int32(0)) { .signed(Int64($0)) }
    case UInt8(ascii: "u"): return basic(type, UInt32(0)) { .unsigned(UInt64($0)) }
    case UInt8(ascii: "x"): return basic(type, Int64(0)) { .signed($0) }
    case UInt8(ascii: "t"): return basic(type, UInt64(0)) { .unsigned($0) }
    case UInt8(ascii: "d"): return basic(type, 0.0) { .real($0) }
    case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "g"):
      return basic(type, UnsafePointer<CChar>?.none) { .text($0.map { String(cString: $0) } ?? "") }
    case UInt8(ascii: "h"):
      return basic(type, CInt(-1)) { descriptor in
        // The message closes its own.
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return copy >= 0 ? .descriptor(OwnedDescriptor(copy)) : nil
      }
    default: return nil
    }
  }

  private func basic<Value: BitwiseCopyable>(_ type: CChar, _ start: Value, _ make: (Value) -> BusValue?)
    -> BusValue?
  {
    var value = start
    guard sd_bus_message_read_basic(pointer, type, &value) > 0 else { return nil }
    return make(value)
  }

  private func inside(
    _ type: CChar, _ contents: UnsafePointer<CChar>?, _ make: ([BusValue]) -> BusValue?
  ) -> BusValue? {
    guard sd_bus_message_enter_container(pointer, type, contents) > 0 else { return nil }
    let value = make(values())
    // What was not read stands in the way of the container's end.
    while sd_bus_message_at_end(pointer, 0) == 0, sd_bus_message_skip(pointer, nil) > 0 {}
    return sd_bus_message_exit_container(pointer) >= 0 ? value : nil
  }

  private func array(_ contents: UnsafePointer<CChar>?) -> BusValue? {
    guard let contents else { return nil }
    if strcmp(contents, "y") == 0 {
      var octets: UnsafeRawPointer?
      var count = 0
      guard sd_bus_message_read_array(pointer, CChar(UInt8(ascii: "y")), &octets, &count) >= 0 else {
        return nil
      }
      return .octets(octets.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) } ?? [])
    }
    let type = CChar(UInt8(ascii: "a"))
    guard contents[0] == CChar(UInt8(ascii: "{")) else { return inside(type, contents) { .array($0) } }
    guard sd_bus_message_enter_container(pointer, type, contents) > 0 else { return nil }
    var entries: [String: BusValue] = [:]
    while let entry = entry() { entries[entry.key] = entry.value }
    return sd_bus_message_exit_container(pointer) >= 0 ? .dictionary(entries) : nil
  }

  private func entry() -> (key: String, value: BusValue)? {
    var type: CChar = 0
    var contents: UnsafePointer<CChar>?
    guard sd_bus_message_peek_type(pointer, &type, &contents) > 0,
      sd_bus_message_enter_container(pointer, type, contents) > 0
    else { return nil }
    let key = next()
    let value = next()
    while sd_bus_message_at_end(pointer, 0) == 0, sd_bus_message_skip(pointer, nil) > 0 {}
    guard sd_bus_message_exit_container(pointer) >= 0, let key, let value else { return nil }
    return (key.text ?? key.number.map(String.init) ?? "", value)
  }

  // MARK: Writing

  /// Appends arguments; negative is an errno.
  func append(_ arguments: [BusArgument]) -> CInt {
    for argument in arguments {
      let result = append(argument)
      if result < 0 { return result }
    }
    return 0
  }

  private func append(_ argument: BusArgument) -> CInt {
    switch argument {
    case .text(let text): return csystemd_append_text(pointer, CChar(UInt8(ascii: "s")), text)
    case .path(let path): return csystemd_append_text(pointer, CChar(UInt8(ascii: "o")), path)
    case .flag(let flag):
      var value: CInt = flag ? 1 : 0
      return sd_bus_message_append_basic(pointer, CChar(UInt8(ascii: "b")), &value)
    case .uint32(var value): return sd_bus_message_append_basic(pointer, CChar(UInt8(ascii: "u")), &value)
    case .octets(let octets):
      return octets.withUnsafeBytes {
        sd_bus_message_append_array(pointer, CChar(UInt8(ascii: "y")), $0.baseAddress, $0.count)
      }
    case .texts(let texts):
      return within("a", "s") { append(texts.map(BusArgument.text)) }
    case .options(let options):
      return within("a", "{sv}") {
        for (name, value) in options {
          let result = within("e", "sv") { append([.text(name), .variant(value)]) }
          if result < 0 { return result }
        }
        return 0
      }
    case .variant(let value):
      return within("v", value.signature) { append(value) }
    }
  }

  private func within(_ type: Unicode.Scalar, _ contents: String, _ body: () -> CInt) -> CInt {
    let opened = sd_bus_message_open_container(pointer, CChar(UInt8(ascii: type)), contents)
    guard opened >= 0 else { return opened }
    let result = body()
    return result < 0 ? result : sd_bus_message_close_container(pointer)
  }
}
