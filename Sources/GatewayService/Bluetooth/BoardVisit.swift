import BLEHost
import BluetoothDevices
import BluetoothPolicy
import Gateway
import GatewayStore
import Rounds

/// One attempt to reach a board over the air, from the connection to a carrier that is open.
struct BoardVisit: Sendable {
  /// What opens up at its end.
  enum Opened: Sendable {
    case l2cap(L2CAPChannel.Open)
    case gatt(notifications: BlueZ.Acquired, writes: BlueZ.Acquired)
  }

  /// What it needs to know, and whom it tells.
  struct Surroundings: Sendable {
    /// The secret shared with a board over the cable, 16 octets; nil if there is none.
    var secret: @Sendable (BoardID) async -> [UInt8]?
    /// Asks a person for the passkey that a board shows; nil if there is nobody.
    var passkey: @Sendable (BoardID) async -> UInt32?
    /// Notes that the board is paired now; false if that failed.
    var paired: @Sendable (BoardID, PairingWay) async -> Bool
    /// A line for whoever waits for the pairing.
    var progress: @Sendable (String) async -> Void
  }

  /// How long the kernel may take to open a channel, in ms.
  private static let channelPatience: CInt = 10_000

  let blueZ: BlueZ
  let device: BluetoothDevice
  /// The address of the adapter that the device was heard with.
  let adapter: String
  let admission: Admission
  /// Whether GATT carries frames also where the board offers an L2CAP channel.
  let prefersGATT: Bool
  /// The longest frame taken.
  let maximumFrame: Int
  let surroundings: Surroundings

  /// Makes it. After an error there is no connection with the board.
  func make() async throws(VisitError) -> (board: BoardID, carrier: Opened) {
    do throws(VisitError) {
      return try await attempt()
    } catch {
      await blueZ.disconnect(device.path)
      throw error
    }
  }

  private func attempt() async throws(VisitError) -> (board: BoardID, carrier: Opened) {
    if device.isPaired, expected == nil || !isBonded {
      // Keys that prove nothing to us would be in the way of those that do.
      try await asked { () async throws(BlueZError) in try await blueZ.remove(device) }
      throw .strangeKeys
    }
    let identity = try await connected()
    let board = BoardID(identity.board)
    if let expected, expected != board { throw .foreign(claimed: board, expected: expected) }
    if !isBonded { try await pair(board, identity) }
    let isProven = identity.flags.contains(.authenticationRequired)
    return (board, try await open(identity, isProven: isProven, board))
  }

  private var isBonded: Bool { if case .bonded = admission { true } else { false } }

  private var expected: BoardID? {
    switch admission {
    case .bonded(let board), .cable(let board): board
    case .permitted: nil
    }
  }

  private func asked<Value>(
    _ body: () async throws(BlueZError) -> Value
  ) async throws(VisitError) -> Value {
    do throws(BlueZError) { return try await body() } catch { throw .bluetooth(error) }
  }

  private func connected() async throws(VisitError) -> BoardIdentity {
    await surroundings.progress("connecting to \(device.address)")
    let value: [UInt8]
    do throws(BlueZError) {
      try await blueZ.connect(device.path)
      value = try await blueZ.read(BoardService.identity, of: device.path)
    } catch {
      if case .bonded(let board) = admission {
        if case .hungUp = error { throw .bondDoubtful(board, error) }
        if error.kind == .authentication { throw .bondLost(board, error) }
      }
      throw .bluetooth(error)
    }
    guard let identity = BoardService.identity(value) else { throw .unreadable }
    return identity
  }

  // MARK: Pairing

  private func pair(_ board: BoardID, _ identity: BoardIdentity) async throws(VisitError) {
    let way: PairingWay
    if let secret = await surroundings.secret(board) {
      // Who could do without the proof could be anybody.
      guard identity.flags.contains(.pairingByCable) else { throw .secretLost(board) }
      await surroundings.progress("pairing with \(board) by the secret that went over the cable")
      way = try await pairByCable(board, secret)
    } else {
      guard identity.flags.contains(.pairingAllowed) else { throw .pairingClosed(board) }
      await surroundings.progress("pairing with \(board)")
      way = try await pairWithPerson(board)
    }
    try await asked { () async throws(BlueZError) in try await blueZ.trust(device.path) }
    guard await surroundings.paired(board, way) else { throw .notNoted }
  }

  private func pairByCable(_ board: BoardID, _ secret: [UInt8]) async throws(VisitError) -> PairingWay {
    let path = device.path
    let gatewayNonce = UInt64.random(in: .min ... .max)
    let value = try await asked { () async throws(BlueZError) in
      try await blueZ.read(BoardService.pairing, of: path)
    }
    guard let boardNonce = BoardService.nonce(value) else { throw .secretLost(board) }
    try await asked { () async throws(BlueZError) in
      try await blueZ.write(BoardService.pairing, of: path, BoardService.octets(ofNonce: gatewayNonce))
    }
    let passkey = BoardService.passkey(secret: secret, boardNonce: boardNonce, gatewayNonce: gatewayNonce)
    do throws(BlueZError) {
      try await blueZ.pair(path) { question in
        switch question {
        case .passkey: .passkey(passkey)
        case .unproven: .refuse
        }
      }
    } catch {
      throw error.kind == .authentication ? .notProven(board, error) : .bluetooth(error)
    }
    return .cable
  }

  private func pairWithPerson(_ board: BoardID) async throws(VisitError) -> PairingWay {
    let course = PairingCourse()
    let ask = surroundings.passkey
    do throws(BlueZError) {
      try await blueZ.pair(device.path) { question in
        switch question {
        case .unproven: return .accept
        case .passkey:
          await course.note(.passkey)
          guard let passkey = await ask(board) else {
            await course.noteNobody()
            return .refuse
          }
          return .passkey(passkey)
        }
      }
    } catch {
      if await course.hadNobody { throw .passkeyNeeded(board) }
      throw error.kind == .authentication ? .notProven(board, error) : .bluetooth(error)
    }
    return await course.way
  }

  /// What was asked during a pairing.
  private actor PairingCourse {
    private(set) var way = PairingWay.justWorks
    private(set) var hadNobody = false

    func note(_ way: PairingWay) { self.way = way }
    func noteNobody() { hadNobody = true }
  }

  // MARK: The carrier

  private func open(
    _ identity: BoardIdentity, isProven: Bool, _ board: BoardID
  ) async throws(VisitError) -> Opened {
    if identity.psm != 0, !prefersGATT {
      do throws(VisitError) {
        return .l2cap(try await openChannel(identity.psm, isProven: isProven))
      } catch {
        // Where the kernel or the board has no channel left, GATT is left.
        guard case .bluetooth(let cause) = error, cause.kind != .missing,
          await blueZ.device(device.path)?.isConnected == true
        else { throw error }
        await surroundings.progress("no L2CAP channel (\(cause.cause)), GATT is tried")
      }
    }
    return try await openGATT(board)
  }

  private func openChannel(_ psm: UInt16, isProven: Bool) async throws(VisitError) -> L2CAPChannel.Open {
    guard let from = BluetoothAddress(adapter, isRandom: false),
      let to = BluetoothAddress(device.address, isRandom: device.isAddressRandom)
    else { throw .unreadable }
    let mtu = UInt16(clamping: maximumFrame)
    let result = await PortThread.run { () -> Result<L2CAPChannel.Open, BlueZError> in
      do throws(BlueZError) {
        return .success(
          try L2CAPChannel.open(
            adapter: from, board: to, psm: psm, receiveMTU: mtu, isProven: isProven,
            patience: Self.channelPatience))
      } catch {
        return .failure(error)
      }
    }
    return try await asked { () async throws(BlueZError) in try result.get() }
  }

  private func openGATT(_ board: BoardID) async throws(VisitError) -> Opened {
    do throws(BlueZError) {
      // First what makes BlueZ encrypt: a subscription is answered, a command is not.
      let notifications = try await blueZ.acquireNotify(BoardService.transmit, of: device.path)
      let writes = try await blueZ.acquireWrite(BoardService.receive, of: device.path)
      return .gatt(notifications: notifications, writes: writes)
    } catch {
      if isBonded, error.kind == .authentication { throw .bondLost(board, error) }
      throw .bluetooth(error)
    }
  }
}
