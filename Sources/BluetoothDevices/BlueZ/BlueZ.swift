import Glibc

/// BlueZ, asked over the system's bus: adapters and boards as they come and go, and what can be done with them.
///
/// All of it happens on one thread of its own. It decides nothing: when to scan, to connect, to pair is its owner's to
/// say. BlueZ may go away and come back at any time; ``events`` tells.
public actor BlueZ {
  static let service = "org.bluez"

  /// Patience in seconds, by what is asked.
  enum Patience {
    static let question = 10
    /// BlueZ gives an attempt to connect 20 s at most by itself, and may wait for another one before.
    static let connection = 30
    /// A person types a passkey meanwhile; the security manager's own limit is 30 s of silence.
    static let pairing = 65
  }

  static let properties = "org.freedesktop.DBus.Properties"
  private static let objectManager = "org.freedesktop.DBus.ObjectManager"
  static let characteristic = "org.bluez.GattCharacteristic1"

  private nonisolated let thread: BusThread
  /// What happens at BlueZ. One reader.
  public nonisolated let events: AsyncStream<BlueZEvent>
  private let continuation: AsyncStream<BlueZEvent>.Continuation
  /// The service that boards have, in small letters.
  let boardService: String
  private let busAddress: String?
  private var bus: SystemBus?
  private(set) var tree = ObjectTree()
  private var isRunning = false
  private(set) var agent: PairingAgent?
  /// Devices that were connected since they were last asked to.
  var wereConnected: Set<String> = []
  private var waiters: [Waiter] = []
  private var nextWaiter = 0

  private struct Waiter {
    var number: Int
    var isMet: (ObjectTree) -> Bool?
    /// Called once: whether the condition came to hold, nil if it took too long.
    var met: (Bool?) -> Void
  }

  /// The thread of the bus.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Nothing is asked before ``poke()``.
  ///
  /// - Parameters:
  ///   - boardService: UUID of the service that boards have.
  ///   - busAddress: of another bus than the system's.
  public init(boardService: String, busAddress: String? = nil) throws(BlueZError) {
    thread = try BusThread()
    self.busAddress = busAddress
    self.boardService = boardService.lowercased()
    (events, continuation) = AsyncStream.makeStream()
    thread.serve { [weak self, thread] in
      guard let self else {
        thread.stop()
        return BusThread.Wait()
      }
      return self.assumeIsolated { $0.turn() }
    }
  }

  /// The thread's turn: does what came in.
  private func turn() -> BusThread.Wait {
    guard let bus else { return BusThread.Wait() }
    if !bus.process() {
      drop(.wentAway)
      return BusThread.Wait()
    }
    return bus.wait
  }

  private func drop(_ error: BlueZError) {
    let old = bus
    bus = nil
    agent = nil
    lost(error)
    old?.close()
  }

  /// Closes the connection to the bus. Descriptors that were acquired must be closed before: BlueZ up to 5.85 may crash
  /// otherwise.
  public func close() {
    continuation.finish()
    drop(.wentAway)
  }

  // MARK: The service

  /// Connects where that is not done, and asks what there is; the bus starts BlueZ if it does not run.
  ///
  /// - Throws: ``BlueZError`` if it still does not; ``events`` has told the same.
  public func poke() async throws(BlueZError) {
    if isRunning { return }
    if bus == nil {
      do throws(BusError) {
        try connect()
      } catch {
        bus = nil
        if case .notSent(let errno) = error { throw .noBus(errno: errno) }
        throw BlueZError(error, asked: "the system bus", seconds: 0)
      }
    }
    let result = await withCheckedContinuation { continuation in
      load { continuation.resume(returning: $0) }
    }
    try result.get()
  }

  private func connect() throws(BusError) {
    let bus = try SystemBus(address: busAddress)
    self.bus = bus
    try bus.listen(
      "type='signal',sender='org.bluez',interface='\(Self.objectManager)'", heard { $0.objectsChanged($1) })
    try bus.listen(
      "type='signal',sender='org.bluez',interface='\(Self.properties)',member='PropertiesChanged'",
      heard { $0.propertiesChanged($1) })
    try bus.listen(
      "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'",
      heard { $0.ownerChanged($1.values()) })
    let agent = PairingAgent { [weak self] pairing, question, replied in
      // The answer may take a person's time; the call is answered on this thread again.
      let box = Replied(replied)
      Task {
        let reply = await pairing.answer(question)
        await self?.reply(box, reply)
      }
    }
    try bus.serve(PairingAgent.path) { [weak agent] message in agent?.called(message) ?? false }
    self.agent = agent
  }

  /// A handler of messages, which come in on this actor's thread.
  private func heard(_ body: @escaping (isolated BlueZ, BusMessage) -> Void) -> (BusMessage) -> Void {
    { [weak self] message in
      nonisolated(unsafe) let message = message
      nonisolated(unsafe) let body = body
      self?.assumeIsolated { body($0, message) }
    }
  }

  /// Carried through a task to this actor again, and used in it alone.
  private final class Replied: @unchecked Sendable {
    let body: (PairingReply) -> Void
    init(_ body: @escaping (PairingReply) -> Void) { self.body = body }
  }

  private func reply(_ replied: Replied, _ reply: PairingReply) { replied.body(reply) }

  /// Asks for everything. What is told of in between comes in the same order as it happened.
  private func load(_ done: @escaping (Result<Void, BlueZError>) -> Void) {
    call("/", Self.objectManager, "GetManagedObjects", patience: Patience.question, asked: "BlueZ") {
      result in
      switch result {
      case .failure(let error):
        self.lost(error)
        done(.failure(error))
      case .success(let values):
        self.tree.take(managed: values.first)
        self.isRunning = true
        self.registerAgent()
        self.continuation.yield(.running)
        for path in self.tree.paths(with: BluetoothAdapter.interface) { self.tellAdapter(path) }
        for path in self.tree.paths(with: BluetoothDevice.interface) { self.tellDevice(path, isHeard: false) }
        self.continuation.yield(.listed)
        done(.success(()))
      }
    }
  }

  private func registerAgent() {
    // If that fails, so does every pairing, and says so.
    call(
      "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent",
      [.path(PairingAgent.path), .text(PairingAgent.capability)], patience: Patience.question, asked: "agent"
    ) { _ in }
  }

  private func lost(_ error: BlueZError) {
    tree = ObjectTree()
    wereConnected = []
    isRunning = false
    continuation.yield(.notRunning(error))
    meetWaiters()
  }

  // MARK: Signals

  private func ownerChanged(_ values: [BusValue]) {
    guard values.count == 3, let owner = values[2].text else { return }
    if owner.isEmpty {
      if isRunning { lost(.wentAway) }
    } else if isRunning {
      // One went and another came before the first was heard to go.
      lost(.wentAway)
      load { _ in }
    } else {
      load { _ in }
    }
  }

  private func objectsChanged(_ message: BusMessage) {
    guard isRunning else { return }
    if message.member == "InterfacesAdded", let added = tree.take(added: message.values()) {
      for interface in added.interfaces {
        switch interface {
        case BluetoothAdapter.interface: tellAdapter(added.path)
        case BluetoothDevice.interface: tellDevice(added.path, isHeard: true)
        default: break
        }
      }
    } else if message.member == "InterfacesRemoved", let removed = tree.take(removed: message.values()) {
      for interface in removed.interfaces {
        switch interface {
        case BluetoothAdapter.interface: continuation.yield(.adapterGone(path: removed.path))
        case BluetoothDevice.interface:
          wereConnected.remove(removed.path)
          continuation.yield(.deviceGone(path: removed.path))
        default: break
        }
      }
    }
    meetWaiters()
  }

  private func propertiesChanged(_ message: BusMessage) {
    guard isRunning, let change = tree.take(changed: message.values(), of: message.path) else { return }
    switch change.interface {
    case BluetoothAdapter.interface: tellAdapter(message.path)
    case BluetoothDevice.interface:
      let isHeard =
        device(message.path)?.signal != nil && !change.names.isDisjoint(with: BluetoothDevice.heardBy)
      tellDevice(message.path, isHeard: isHeard)
    default: break
    }
    meetWaiters()
  }

  private func tellAdapter(_ path: String) {
    guard let properties = tree.properties(path, BluetoothAdapter.interface) else { return }
    continuation.yield(.adapter(BluetoothAdapter(path, properties)))
  }

  private func tellDevice(_ path: String, isHeard: Bool) {
    guard let device = device(path), device.hasService else { return }
    if device.isConnected { wereConnected.insert(path) }
    continuation.yield(.device(device, isHeard: isHeard && device.signal != nil))
  }

  /// A device as it is known now.
  public func device(_ path: String) -> BluetoothDevice? {
    tree.properties(path, BluetoothDevice.interface).map {
      BluetoothDevice(path, $0, service: boardService)
    }
  }

  // MARK: Calls

  func call(
    _ path: String, _ interface: String, _ member: String, _ arguments: [BusArgument] = [], patience: Int,
    asked: String, answered: @escaping (Result<[BusValue], BlueZError>) -> Void
  ) {
    guard let bus else { return answered(.failure(.wentAway)) }
    let target = BusTarget(service: Self.service, path: path, interface: interface, member: member)
    bus.call(target, arguments, patience: UInt64(patience) * 1_000_000) { result in
      answered(result.mapError { BlueZError($0, asked: asked, seconds: patience) })
    }
  }

  @discardableResult
  func ask(
    _ path: String, _ interface: String, _ member: String, _ arguments: [BusArgument] = [],
    patience: Int = Patience.question, asked: String
  ) async throws(BlueZError) -> [BusValue] {
    let result = await withCheckedContinuation { continuation in
      call(path, interface, member, arguments, patience: patience, asked: asked) {
        continuation.resume(returning: $0)
      }
    }
    return try result.get()
  }

  // MARK: Waiting

  /// Waits until a condition holds: true it does, nil it never will.
  ///
  /// - Returns: whether it came to hold.
  func until(
    seconds: Int, asked: String, _ isMet: @escaping (ObjectTree) -> Bool?
  ) async throws(BlueZError) -> Bool {
    switch isMet(tree) {
    case true?: return true
    case nil: return false
    case false?: break
    }
    nextWaiter += 1
    let number = nextWaiter
    let late = Task { [weak self] in
      try await Task.sleep(for: .seconds(seconds))
      await self?.giveUp(number)
    }
    defer { late.cancel() }
    let outcome: Bool? = await withCheckedContinuation { continuation in
      waiters.append(Waiter(number: number, isMet: isMet) { continuation.resume(returning: $0) })
    }
    guard let outcome else { throw .timedOut(asked: asked, seconds: seconds) }
    return outcome
  }

  private func giveUp(_ number: Int) {
    guard let index = waiters.firstIndex(where: { $0.number == number }) else { return }
    waiters.remove(at: index).met(nil)
  }

  private func meetWaiters() {
    let waiting = waiters
    waiters = []
    for waiter in waiting {
      switch waiter.isMet(tree) {
      case true?: waiter.met(true)
      case nil: waiter.met(false)
      case false?: waiters.append(waiter)
      }
    }
  }
}
