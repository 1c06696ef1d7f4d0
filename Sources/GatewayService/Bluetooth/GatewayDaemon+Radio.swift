import BluetoothDevices
import BluetoothPolicy
import Foundation
import Gateway
import GatewayStore
import LinkProtocol
import NIOCore
import Rounds

/// The gateway's Bluetooth: what BlueZ tells goes to the schedule, and what that wants is done.
extension GatewayDaemon {
  /// Begins to serve boards over the air.
  func serve(_ radio: Radio) async {
    do throws(StoreError) {
      let (bonds, secrets) = try await work.store.perform { store throws(StoreError) in
        (try store.bonds(), try store.boardsWithSecret())
      }
      radio.bonds = Dictionary(bonds.map { ($0.board, $0) }) { $1 }
      radio.schedule.setBonds(radio.boardOfAddress, now: now.microseconds)
      for board in secrets { radio.schedule.secretShared(with: board, now: now.microseconds) }
    } catch {
      narrator.storeFailed(error)
    }
    self.radio = radio
  }

  /// Something happened at BlueZ.
  func radioChanged(_ event: BlueZEvent) {
    guard let radio else { return }
    let now = now.microseconds
    switch event {
    case .running:
      radio.toldOfBlueZ = nil
      narrator.tell(blueZ: nil)
    case .listed:
      radio.schedule.started(now: now)
    case .notRunning(let error):
      radio.adapters = [:]
      radio.devices = [:]
      radio.schedule.stopped()
      guard radio.toldOfBlueZ != error.code else { break }
      radio.toldOfBlueZ = error.code
      narrator.tell(blueZ: error)
    case .adapter(let adapter):
      radio.adapters[adapter.name] = adapter
      radio.schedule.adapter(adapter.name, Self.state(of: adapter), now: now)
    case .adapterGone(let path):
      guard let adapter = radio.adapters.values.first(where: { $0.path == path }) else { break }
      radio.adapters[adapter.name] = nil
      radio.devices = radio.devices.filter { $0.key.adapter != adapter.name }
      radio.schedule.adapterGone(adapter.name, now: now)
    case .device(let device, let isHeard):
      guard let place = radio.place(of: device) else { break }
      radio.devices[place] = device
      radio.schedule.seen(Sighting(device, at: place), isHeard: isHeard, now: now)
    case .deviceGone(let path):
      guard let place = radio.devices.first(where: { $0.value.path == path })?.key else { break }
      radio.devices[place] = nil
      radio.schedule.deviceGone(place, now: now)
    }
    settle()
  }

  /// Looks whether a radio's switch was turned, which BlueZ does not tell of.
  func lookAtSwitches() {
    guard let radio else { return }
    for adapter in radio.adapters.values where !adapter.isPowered {
      radio.schedule.adapter(adapter.name, Self.state(of: adapter), now: now.microseconds)
    }
    settle()
  }

  static func state(of adapter: BluetoothAdapter) -> AdapterState {
    if adapter.isPowered { return .on }
    guard let radioSwitch = RadioSwitch.of(adapter: adapter.name) else { return .off }
    if radioSwitch.isHardBlocked { return .hardBlocked }
    return radioSwitch.isSoftBlocked ? .softBlocked : .off
  }

  /// Does what the schedule wants; part of ``settle()``.
  ///
  /// - Returns: whether there was anything to do.
  func settleRadio() -> Bool {
    guard let radio else { return false }
    noteCables(radio, of: radio.schedule.boardsOfInterest)
    noteDone(radio)
    let actions = radio.schedule.takeActions()
    for action in actions { perform(action, radio) }
    return !actions.isEmpty
  }

  /// A secret went over the cable to a board, which is on that cable and so is not to be paired now.
  func secretShared(with board: BoardID) {
    guard let radio else { return }
    noteCables(radio, of: [board])
    radio.schedule.secretShared(with: board, now: now.microseconds)
  }

  /// Tells the schedule which boards are served over the cable.
  private func noteCables(_ radio: Radio, of boards: Set<BoardID>) {
    for board in boards {
      let isServed = if case .serial? = engine.servedCarrier(of: board) { true } else { false }
      guard isServed != radio.onCable.contains(board) else { continue }
      if isServed { radio.onCable.insert(board) } else { radio.onCable.remove(board) }
      radio.schedule.cable(board, isServed: isServed, now: now.microseconds)
    }
  }

  /// Tells the schedule whose connection is free for others.
  private func noteDone(_ radio: Radio) {
    for board in radio.bonds.keys {
      let isDone = engine.isDone(with: board)
      guard isDone != radio.done.contains(board) else { continue }
      if isDone { radio.done.insert(board) } else { radio.done.remove(board) }
      radio.schedule.done(board, isDone, now: now.microseconds)
    }
  }

  private func perform(_ action: RadioSchedule.Action, _ radio: Radio) {
    let blueZ = radio.blueZ
    switch action {
    case .switchOn(let name):
      adapterWork(radio, name) { path throws(BlueZError) in
        try await blueZ.switchOn(path)
      } failed: {
        $0.switchOnFailed(name, $1)
      }
    case .restart(let name):
      adapterWork(radio, name) { path throws(BlueZError) in
        try await blueZ.restart(path)
      } failed: {
        $0.switchOnFailed(name, $1)
      }
    case .scan(let name):
      adapterWork(radio, name) { path throws(BlueZError) in
        try await blueZ.startScanning(path)
        await self.scanBegan(name)
      } failed: {
        $0.scanFailed(name, $1)
      }
    case .stopScanning(let name):
      adapterWork(radio, name) { path in
        await blueZ.stopScanning(path)
      } failed: { _, _ in
      }
    case .attempt(let place, let admission):
      visit(place, admission, radio)
    case .close(let place):
      closeAirLinks("others wait for a connection") { $0.place == place }
    case .dropStale(let place):
      guard let device = radio.devices[place] else { return }
      narrator.tellStale(place)
      radio.enqueue(place.adapter) { await blueZ.disconnect(device.path) }
    case .tell(let notice):
      narrator.tell(radio: notice)
    }
  }

  private func adapterWork(
    _ radio: Radio, _ name: String, _ body: @escaping @Sendable (String) async throws(BlueZError) -> Void,
    failed: @escaping @Sendable (isolated GatewayDaemon, BlueZError) -> Void
  ) {
    guard let path = radio.adapters[name]?.path else { return }
    radio.enqueue(name) {
      do throws(BlueZError) { try await body(path) } catch { await self.radioFailed(error, failed) }
    }
  }

  private func radioFailed(_ error: BlueZError, _ failed: (isolated GatewayDaemon, BlueZError) -> Void) {
    failed(self, error)
    settle()
  }

  private func switchOnFailed(_ name: String, _ error: BlueZError) {
    narrator.tellAdapterFailed(name, error)
    radio?.schedule.switchOnFailed(name, now: now.microseconds)
  }

  private func scanBegan(_ name: String) { radio?.schedule.scanBegan(name) }

  private func scanFailed(_ name: String, _ error: BlueZError) {
    narrator.tellScanFailed(name, error)
    radio?.schedule.scanFailed(name, now: now.microseconds)
  }
}

extension Sighting {
  init(_ device: BluetoothDevice, at place: RadioPlace) {
    self.init(
      place: place, isAddressRandom: device.isAddressRandom, name: device.name, signal: device.signal,
      isPaired: device.isPaired, isConnected: device.isConnected)
  }
}

extension Radio {
  /// Where a device was heard; nil if its adapter is not known.
  func place(of device: BluetoothDevice) -> RadioPlace? {
    adapters.values.first { $0.path == device.adapter }.map {
      RadioPlace(adapter: $0.name, address: device.address)
    }
  }

  /// The board that the keys of an address belong to.
  var boardOfAddress: [String: BoardID] {
    Dictionary(bonds.values.map { ($0.address, $0.board) }) { $1 }
  }
}
