import BluetoothDevices
import BluetoothPolicy
import Gateway
import GatewayStore
import Logging
import Rounds

/// What people are told of Bluetooth.
extension RunNarrator {
  /// BlueZ answers (nil), or why it does not.
  func tell(blueZ error: BlueZError?) {
    if let error {
      say(.notice, "Bluetooth: \(error)", ["_code": "\(error.code)"])
    } else {
      say(.debug, "Bluetooth: BlueZ answers")
    }
  }

  func tell(radio notice: RadioNotice) {
    switch notice {
    case .noAdapter:
      say(
        .notice,
        "Bluetooth: no adapter here; boards on USB are served. Plug one in, or see: dmesg | grep -i bluetooth [bluetooth-no-adapter]",
        ["_code": "bluetooth-no-adapter"])
    case .adapterReady(let name):
      say(.info, "Bluetooth: \(name) is on, boards are looked for", ["_adapter": "\(name)"])
    case .adapterNotReady(let name, let state):
      let (text, code) = Self.words(name, state)
      say(.warning, "Bluetooth: \(text) [\(code)]", ["_adapter": "\(name)", "_code": "\(code)"])
    case .adapterGone(let name):
      say(.warning, "Bluetooth: \(name) is gone; plug it in again", ["_adapter": "\(name)"])
    case .stranger(let sighting, let stranger):
      let name = sighting.name.isEmpty ? "a board" : sighting.name
      let signal = sighting.signal.map { ", \($0) dBm" } ?? ""
      let reason = "\(Self.cause(stranger)); \(Self.remedy(stranger, sighting.place))"
      say(
        .info, "Bluetooth: \(name) is near (\(sighting.place.address)\(signal)), not admitted: \(reason)",
        ["_adapter": "\(sighting.place.adapter)", "_address": "\(sighting.place.address)"])
    case .joining(let seconds):
      say(
        .notice,
        seconds > 0
          ? "Bluetooth: new boards may join for \(seconds) s" : "Bluetooth: new boards may join no more")
    case .adapterDeaf(let name):
      say(
        .warning,
        "Bluetooth: \(name) refuses to scan again and again and is switched off and on [bluetooth-adapter-deaf]",
        ["_adapter": "\(name)", "_code": "bluetooth-adapter-deaf"])
    case .linkLimit(let adapter, let links):
      say(
        .notice,
        "Bluetooth: \(adapter) takes no more than \(links) connections; the boards take turns. Plug in a second adapter, or move boards to USB [bluetooth-out-of-slots]",
        ["_adapter": "\(adapter)", "_code": "bluetooth-out-of-slots"])
    case .turnOver(let place, let waiting):
      say(.debug, "Bluetooth: \(place) makes room for \(waiting) that wait", ["_adapter": "\(place.adapter)"])
    }
  }

  /// What is wrong with an adapter and what to do, and the code.
  static func words(_ name: String, _ state: AdapterState) -> (String, code: String) {
    switch state {
    case .on: ("\(name) is on", "bluetooth-adapter-on")
    case .off: ("\(name) is switched off; run: bluetoothctl power on", "bluetooth-adapter-off")
    case .softBlocked:
      ("\(name) is blocked; run: sudo rfkill unblock bluetooth", "bluetooth-adapter-blocked")
    case .hardBlocked:
      ("\(name) is blocked by a switch or key of this machine; turn it on there", "bluetooth-adapter-blocked")
    }
  }

  /// Why a board is not admitted.
  static func cause(_ stranger: Stranger) -> String {
    switch stranger {
    case .unknown: "nobody paired it"
    case .failed(.bondLost), .failed(.bondDoubtful): "it lost its key"
    case .failed(.foreign): "it is not the board that it should be"
    case .failed: "pairing failed"
    }
  }

  /// What to do about it.
  private static func remedy(_ stranger: Stranger, _ place: RadioPlace) -> String {
    switch stranger {
    case .unknown:
      "plug it in by USB once, or run: fedbridge pair \(place.address), or: fedbridge permit-join"
    case .failed(.bondLost), .failed(.bondDoubtful):
      "plug it in by USB once, or run: fedbridge forget, then: fedbridge pair \(place.address) [pairing-lost]"
    case .failed(.foreign): "take it away, or run: fedbridge forget"
    case .failed: "plug it in by USB once, or run: fedbridge pair \(place.address)"
    }
  }

  func tellStale(_ place: RadioPlace) {
    say(
      .info, "Bluetooth: \(place.address) was still connected from before; it is let go and connected anew",
      ["_adapter": "\(place.adapter)", "_address": "\(place.address)"])
  }

  func tellAdapterFailed(_ name: String, _ error: BlueZError) {
    say(.warning, "Bluetooth: \(name): \(error)", ["_adapter": "\(name)", "_code": "\(error.code)"])
  }

  func tellScanFailed(_ name: String, _ error: BlueZError) {
    say(.debug, "Bluetooth: \(name): \(error)", ["_adapter": "\(name)", "_code": "\(error.code)"])
  }

  func tellPaired(_ board: BoardLabel, _ bond: BluetoothBond) {
    let how =
      switch bond.how {
      case .cable: "by the secret that went over the cable"
      case .passkey: "by its passkey"
      case .justWorks: "without a proof of who it is"
      }
    say(.notice, "\(name(board)) is paired over Bluetooth \(how) (\(bond.address))", board: board)
  }

  func tellVisitFailed(_ place: RadioPlace, _ board: BoardID?, _ error: VisitError) {
    let who = board.map { "board \($0) at " } ?? ""
    say(
      .warning, "Bluetooth: \(who)\(place.address): \(error)",
      ["_adapter": "\(place.adapter)", "_address": "\(place.address)", "_code": "\(error.code)"])
  }
}
