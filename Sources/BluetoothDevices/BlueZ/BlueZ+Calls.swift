/// What can be done with adapters and boards.
extension BlueZ {
  // MARK: Adapters

  /// Switches an adapter on.
  public func switchOn(_ adapter: String) async throws(BlueZError) {
    try await ask(
      adapter, Self.properties, "Set",
      [.text(BluetoothAdapter.interface), .text("Powered"), .variant(.flag(true))],
      asked: "switching the adapter on")
  }

  /// Switches an adapter off and on, which cures some that went deaf.
  public func restart(_ adapter: String) async throws(BlueZError) {
    try await ask(
      adapter, Self.properties, "Set",
      [.text(BluetoothAdapter.interface), .text("Powered"), .variant(.flag(false))],
      asked: "switching the adapter off")
    try await switchOn(adapter)
  }

  /// Begins to look for boards.
  public func startScanning(_ adapter: String) async throws(BlueZError) {
    // Every client has a filter of its own, and without one BlueZ hides what says nothing of being discoverable.
    try await ask(
      adapter, BluetoothAdapter.interface, "SetDiscoveryFilter",
      [
        .options([
          ("UUIDs", .texts([boardService])), ("Transport", .text("le")), ("DuplicateData", .flag(true)),
        ])
      ],
      asked: "scan filter")
    try await ask(adapter, BluetoothAdapter.interface, "StartDiscovery", asked: "scan")
  }

  /// Ends it. Also when it was not begun.
  public func stopScanning(_ adapter: String) async {
    _ = try? await ask(adapter, BluetoothAdapter.interface, "StopDiscovery", asked: "end of scan")
  }

  // MARK: Boards

  /// Connects, and waits until the board's attributes are known.
  public func connect(_ device: String) async throws(BlueZError) {
    wereConnected.remove(device)
    do throws(BlueZError) {
      try await ask(
        device, BluetoothDevice.interface, "Connect", patience: Patience.connection, asked: "connect")
    } catch {
      if case .refused(let asked, _, let text) = error, text.contains("abort-by-local"),
        wereConnected.contains(device)
      {
        throw .hungUp(asked: asked)
      }
      throw error
    }
    guard
      try await until(
        seconds: Patience.connection, asked: "reading the board's attributes",
        { tree in
          guard let properties = tree.properties(device, BluetoothDevice.interface) else { return nil }
          let now = BluetoothDevice(device, properties, service: "")
          return now.isConnected ? now.isResolved : nil
        })
    else { throw .refused(asked: "connect", name: "Failed", text: "the connection was lost again") }
  }

  /// Ends a connection, and an attempt at one.
  public func disconnect(_ device: String) async {
    _ = try? await ask(device, BluetoothDevice.interface, "Disconnect", asked: "disconnect")
  }

  /// Pairs; `answer` is asked what BlueZ wants to know.
  public func pair(
    _ device: String, answer: @escaping @Sendable (PairingQuestion) async -> PairingReply
  ) async throws(BlueZError) {
    agent?.begin(PairingAgent.Pairing(device: device, answer: answer))
    defer { agent?.end(device) }
    try await ask(device, BluetoothDevice.interface, "Pair", patience: Patience.pairing, asked: "pair")
  }

  /// Gives up a pairing that is under way; ``pair(_:answer:)`` then fails.
  public func cancelPairing(_ device: String) async {
    _ = try? await ask(device, BluetoothDevice.interface, "CancelPairing", asked: "cancel pairing")
  }

  /// Lets the board connect by itself.
  public func trust(_ device: String) async throws(BlueZError) {
    try await ask(
      device, Self.properties, "Set",
      [.text(BluetoothDevice.interface), .text("Trusted"), .variant(.flag(true))], asked: "trust")
  }

  /// Forgets a device: its keys, its attributes, and the connection if there is one.
  public func remove(_ device: BluetoothDevice) async throws(BlueZError) {
    try await ask(
      device.adapter, BluetoothAdapter.interface, "RemoveDevice", [.path(device.path)], asked: "forget")
  }

  // MARK: Attributes

  /// The object of a characteristic of a device, by its UUID in small letters.
  private func characteristic(_ device: String, _ uuid: String) throws(BlueZError) -> String {
    let found = tree.paths(with: Self.characteristic).first { path in
      path.hasPrefix(device + "/")
        && tree.properties(path, Self.characteristic)?["UUID"]?.text?.lowercased() == uuid
    }
    guard let found else { throw .missing(what: "characteristic \(uuid)") }
    return found
  }

  /// Reads a value.
  public func read(_ uuid: String, of device: String) async throws(BlueZError) -> [UInt8] {
    let path = try characteristic(device, uuid)
    let values = try await ask(path, Self.characteristic, "ReadValue", [.options([])], asked: "read")
    return values.first?.octets ?? []
  }

  /// Writes a value, and waits for the board's word.
  public func write(_ uuid: String, of device: String, _ value: [UInt8]) async throws(BlueZError) {
    let path = try characteristic(device, uuid)
    try await ask(
      path, Self.characteristic, "WriteValue", [.octets(value), .options([("type", .text("request"))])],
      asked: "write")
  }

  /// A descriptor that carries values of one characteristic, one a datagram.
  public struct Acquired: Sendable {
    /// A SOCK_SEQPACKET socket, non-blocking.
    public let descriptor: OwnedDescriptor
    /// The ATT MTU: a value has up to min(MTU − 3, 512) octets.
    public let mtu: Int
  }

  /// Subscribes, and hands over the descriptor that notifications come out of. BlueZ encrypts the connection if the
  /// board asks for that.
  public func acquireNotify(_ uuid: String, of device: String) async throws(BlueZError) -> Acquired {
    try await acquire("AcquireNotify", uuid, device)
  }

  /// The descriptor that takes values to be written without response.
  public func acquireWrite(_ uuid: String, of device: String) async throws(BlueZError) -> Acquired {
    try await acquire("AcquireWrite", uuid, device)
  }

  private func acquire(_ method: String, _ uuid: String, _ device: String) async throws(BlueZError)
    -> Acquired
  {
    let path = try characteristic(device, uuid)
    let values = try await ask(
      path, Self.characteristic, method, [.options([])], patience: Patience.connection, asked: method)
    guard values.count >= 2, let descriptor = values[0].descriptor, let mtu = values[1].number, mtu >= 23
    else {
      throw .refused(asked: method, name: "Failed", text: "no descriptor")
    }
    return Acquired(descriptor: descriptor, mtu: mtu)
  }
}
