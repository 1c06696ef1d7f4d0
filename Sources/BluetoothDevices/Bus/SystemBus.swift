import CSystemd
import Glibc

/// A connection to the system's bus by sd-bus, for one thread.
final class SystemBus {
  /// An answer to a call that waits.
  private final class PendingCall {
    let answered: (Result<[BusValue], BusError>) -> Void
    weak var bus: SystemBus?
    var slot: OpaquePointer?

    init(_ answered: @escaping (Result<[BusValue], BusError>) -> Void) { self.answered = answered }
  }

  /// Somebody who hears signals, or answers calls.
  private final class Listener {
    let heard: (BusMessage) -> Bool

    init(_ heard: @escaping (BusMessage) -> Bool) { self.heard = heard }
  }

  private var bus: OpaquePointer?
  private var pending: [ObjectIdentifier: PendingCall] = [:]
  private var listeners: [Listener] = []

  /// Connects.
  ///
  /// - Parameter address: of another bus; nil for the system's, or the one that `DBUS_SYSTEM_BUS_ADDRESS` names.
  /// - Throws: ``BusError/notSent(errno:)``.
  init(address: String? = nil) throws(BusError) {
    var result: CInt
    if let address {
      result = sd_bus_new(&bus)
      if result >= 0 { result = sd_bus_set_address(bus, address) }
      if result >= 0 { result = sd_bus_set_bus_client(bus, 1) }
      if result >= 0 { result = sd_bus_start(bus) }
    } else {
      result = sd_bus_open_system(&bus)
    }
    guard result >= 0 else {
      bus = sd_bus_unref(bus)
      throw .notSent(errno: -result)
    }
  }

  /// The name that the bus gave this connection.
  var uniqueName: String {
    var name: UnsafePointer<CChar>?
    sd_bus_get_unique_name(bus, &name)
    return name.map { String(cString: $0) } ?? ""
  }

  deinit { close() }

  /// Ends the connection; calls that wait fail.
  func close() {
    let waiting = pending.values
    pending = [:]
    for call in waiting {
      sd_bus_slot_unref(call.slot)
      Unmanaged.passUnretained(call).release()
    }
    bus = sd_bus_flush_close_unref(bus)
    for call in waiting { call.answered(.failure(.disconnected)) }
  }

  /// What to wait for before the next ``process()``.
  var wait: BusThread.Wait {
    guard let bus else { return BusThread.Wait() }
    var due: UInt64 = .max
    sd_bus_get_timeout(bus, &due)
    return BusThread.Wait(
      descriptor: sd_bus_get_fd(bus), events: Int16(truncatingIfNeeded: sd_bus_get_events(bus)),
      timeout: Self.milliseconds(until: due))
  }

  /// sd-bus names a moment of the monotonic clock in µs; the highest number is none.
  private static func milliseconds(until due: UInt64) -> CInt {
    guard due != .max else { return -1 }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    return due > now ? CInt(clamping: (due - now + 999) / 1000) : 0
  }

  /// Does what is to be done; false if the connection is gone.
  func process() -> Bool {
    while let bus {
      let result = sd_bus_process(bus, nil)
      if result < 0 { return false }
      if result == 0 { return sd_bus_is_open(bus) > 0 }
    }
    return false
  }

  // MARK: Calls

  /// Calls a method. `answered` is called once, on this thread, in the order in which messages come in.
  ///
  /// - Parameter patience: microseconds.
  func call(
    _ target: BusTarget, _ arguments: [BusArgument] = [], patience: UInt64,
    answered: @escaping (Result<[BusValue], BusError>) -> Void
  ) {
    var message: OpaquePointer?
    var result = sd_bus_message_new_method_call(
      bus, &message, target.service, target.path, target.interface, target.member)
    defer { sd_bus_message_unref(message) }
    guard result >= 0, let message else { return answered(.failure(.notSent(errno: -result))) }
    result = BusMessage(pointer: message).append(arguments)
    guard result >= 0 else { return answered(.failure(.notSent(errno: -result))) }
    let call = PendingCall(answered)
    call.bus = self
    let handle = Unmanaged.passRetained(call)
    result = sd_bus_call_async(
      bus, &call.slot, message, { message, handle, _ in SystemBus.received(message, handle) },
      handle.toOpaque(),
      patience)
    guard result >= 0 else {
      handle.release()
      return answered(.failure(.notSent(errno: -result)))
    }
    pending[ObjectIdentifier(call)] = call
  }

  private static func received(_ message: OpaquePointer?, _ handle: UnsafeMutableRawPointer?) -> CInt {
    guard let message, let handle else { return 0 }
    let call = Unmanaged<PendingCall>.fromOpaque(handle).takeRetainedValue()
    call.bus?.pending[ObjectIdentifier(call)] = nil
    sd_bus_slot_unref(call.slot)
    let reply = BusMessage(pointer: message)
    switch reply.error {
    case .failed("org.freedesktop.DBus.Error.NoReply", _)?, .failed("org.freedesktop.DBus.Error.Timeout", _)?:
      call.answered(.failure(.timedOut))
    case let error?: call.answered(.failure(error))
    case nil: call.answered(.success(reply.values()))
    }
    return 1
  }

  // MARK: Signals and objects

  /// Hears the signals that a rule of the bus describes; asks the bus and waits for its word.
  func listen(_ rule: String, _ heard: @escaping (BusMessage) -> Void) throws(BusError) {
    let listener = Listener {
      heard($0)
      return false
    }
    listeners.append(listener)
    let result = sd_bus_add_match(bus, nil, rule, Self.heard, Unmanaged.passUnretained(listener).toOpaque())
    guard result >= 0 else { throw .notSent(errno: -result) }
  }

  /// Answers calls of methods of the object at `path`; false of `called` leaves the answer to sd-bus, which says that
  /// there is no such method.
  func serve(_ path: String, _ called: @escaping (BusMessage) -> Bool) throws(BusError) {
    let listener = Listener(called)
    listeners.append(listener)
    let result = sd_bus_add_object(bus, nil, path, Self.heard, Unmanaged.passUnretained(listener).toOpaque())
    guard result >= 0 else { throw .notSent(errno: -result) }
  }

  private static let heard: sd_bus_message_handler_t = { message, handle, _ in
    guard let message, let handle else { return 0 }
    return Unmanaged<Listener>.fromOpaque(handle).takeUnretainedValue().heard(BusMessage(pointer: message))
      ? 1 : 0
  }
}

/// A method of an object of a service.
struct BusTarget: Sendable {
  var service: String
  var path: String
  var interface: String
  var member: String
}

/// A call that came in and is answered later, on the bus's thread.
final class IncomingCall {
  private var message: OpaquePointer?

  init(_ call: BusMessage) { message = sd_bus_message_ref(call.pointer) }

  deinit { sd_bus_message_unref(message) }

  /// Answers with values. A second answer is none.
  func answer(_ arguments: [BusArgument] = []) {
    guard let call = message else { return }
    var reply: OpaquePointer?
    if sd_bus_message_new_method_return(call, &reply) >= 0, let reply {
      if BusMessage(pointer: reply).append(arguments) >= 0 { sd_bus_send(nil, reply, nil) }
      sd_bus_message_unref(reply)
    }
    finish()
  }

  /// Answers with an error.
  func refuse(_ name: String, _ text: String) {
    guard let call = message else { return }
    csystemd_reply_error(call, name, text)
    finish()
  }

  private func finish() {
    sd_bus_message_unref(message)
    message = nil
  }
}
