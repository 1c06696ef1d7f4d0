import BluetoothDevices
import BluetoothPolicy
import Gateway
import GatewayStore
import Rounds

/// The gateway's Bluetooth as the daemon knows it; used on the daemon's event loop only.
final class Radio {
  let blueZ: BlueZ
  var schedule: RadioSchedule
  /// Whether GATT carries frames also where a board offers an L2CAP channel.
  let prefersGATT: Bool
  var adapters: [String: BluetoothAdapter] = [:]
  var devices: [RadioPlace: BluetoothDevice] = [:]
  /// Boards with keys here, and their names.
  var bonds: [BoardID: BluetoothBond] = [:]
  /// Boards that are served over the cable, as the schedule was told.
  var onCable: Set<BoardID> = []
  /// Boards of which the schedule knows that nothing is wanted.
  var done: Set<BoardID> = []
  /// Who waits for the pairing of a board.
  var requests: [RadioPlace: PairingRequest] = [:]
  /// What was said of a board that cannot be reached; said again when it changes.
  var told: [RadioPlace: String] = [:]
  /// What was said of BlueZ.
  var toldOfBlueZ: String?
  /// Connections that are being ended.
  var leaving = 0
  /// The last piece of work of each adapter: they follow one another.
  private var work: [String: Task<Void, Never>] = [:]

  init(blueZ: BlueZ, settings: RadioSettings, prefersGATT: Bool) {
    self.blueZ = blueZ
    self.prefersGATT = prefersGATT
    schedule = RadioSchedule(settings: settings, seed: .random(in: .min ... .max))
  }

  /// Does something with an adapter after what was begun before.
  func enqueue(_ adapter: String, _ body: @escaping @Sendable () async -> Void) {
    let before = work[adapter]
    work[adapter] = Task {
      await before?.value
      await body()
    }
  }
}

/// A person who waits for the pairing of a board, and can type the passkey that it shows.
struct PairingRequest: Sendable {
  /// A line for the person.
  var progress: @Sendable (String) -> Void
  /// Asks for the passkey that a board shows; nil if there is nobody who could say.
  var passkey: @Sendable (BoardID) async -> UInt32?
  /// The end: nil, or why not.
  var ended: @Sendable (VisitError?) -> Void
}
