import BluetoothDevices
import BluetoothPolicy
import Foundation
import Gateway
import GatewayControl
import GatewayStore
import LinkProtocol
import NIOCore
import Rounds

/// What people ask of the running gateway.
extension GatewayDaemon {
  /// How long a board that is to be paired is looked for, and how often.
  private static let searchPatience = Duration.seconds(30)
  private static let searchPause = Duration.milliseconds(200)
  /// How long its pairing may take, with a person who reads and types a number.
  private static let pairingPatience = Duration.seconds(90)

  // MARK: Boards

  func listBoards() async -> ControlReply {
    do throws(StoreError) {
      let records = try await work.store.perform { store throws(StoreError) in try store.boards() }
      return .boards(
        BoardList(
          boards: records.map(known), strangers: strangers(), adapters: adapterList(),
          joinSecondsLeft: radio?.schedule.joinSecondsLeft(now: now.microseconds) ?? 0))
    } catch {
      return .failed(
        code: error.code, message: "the gateway's state: \(error)", remedy: "see the gateway's log")
    }
  }

  private func known(_ record: BoardRecord) -> KnownBoard {
    let carrier = engine.servedCarrier(of: record.id)
    let bond = radio?.bonds[record.id]
    let sighting = radio?.schedule.sightings(of: record.id).first { $0.signal != nil }
    return KnownBoard(
      id: record.id.description, name: record.name, carrier: carrier?.description,
      state: carrier == nil ? "away" : engine.isTraining(record.id) ? "training" : "ready",
      firmware: record.firmware, lastSeen: carrier == nil ? record.lastSeen : Date(),
      bluetooth: bond.map { Self.words($0.how) } ?? (canPairByCable(record.id) ? "can pair by cable" : nil),
      address: bond?.address, signal: sighting?.signal)
  }

  private func canPairByCable(_ board: BoardID) -> Bool {
    radio?.schedule.boardsOfInterest.contains(board) ?? false
  }

  private static func words(_ way: PairingWay) -> String {
    switch way {
    case .cable: "paired by cable"
    case .passkey: "paired by passkey"
    case .justWorks: "paired"
    }
  }

  private func strangers() -> [SeenBoard] {
    guard let radio else { return [] }
    let now = now.microseconds
    return radio.schedule.strangers(now: now).map { sighting, stranger, heardAt in
      SeenBoard(
        address: sighting.place.address, name: sighting.name, claims: sighting.claimed?.description,
        signal: sighting.signal, lastSeen: Date(timeIntervalSinceNow: -Double(now - heardAt) / 1_000_000),
        reason: RunNarrator.cause(stranger))
    }
  }

  private func adapterList() -> [AdapterStatus] {
    guard let radio else { return [] }
    if let reason = radio.toldOfBlueZ, radio.adapters.isEmpty {
      return [
        AdapterStatus(name: "BlueZ", state: "missing", remedy: "sudo systemctl start bluetooth [\(reason)]")
      ]
    }
    if radio.adapters.isEmpty {
      return [AdapterStatus(name: "adapter", state: "missing", remedy: "plug in a Bluetooth adapter")]
    }
    return radio.adapters.values.sorted { $0.name < $1.name }.map { adapter in
      let state = Self.state(of: adapter)
      let word =
        switch state {
        case .on: "on"
        case .off: "off"
        case .softBlocked, .hardBlocked: "blocked"
        }
      let remedy = state == .on ? nil : RunNarrator.words(adapter.name, state).0
      return AdapterStatus(name: adapter.name, address: adapter.address, state: word, remedy: remedy)
    }
  }

  // MARK: Joining

  func permitJoin(seconds: UInt32) -> ControlReply {
    guard let radio else { return Self.noBluetooth }
    radio.schedule.permitJoin(seconds: seconds, now: now.microseconds)
    settle()
    return .joinPermitted(seconds: seconds)
  }

  private static let noBluetooth = ControlReply.failed(
    code: "bluetooth-off", message: "this gateway was started without Bluetooth",
    remedy: "start it without --no-bluetooth")

  // MARK: Pairing

  func pair(_ words: String, with person: PairingPerson) async -> ControlReply {
    guard let radio else { return Self.noBluetooth }
    guard radio.adapters.values.contains(where: \.isPowered) else {
      return .failed(
        code: "bluetooth-no-adapter", message: "no Bluetooth adapter is on",
        remedy: "see: fedbridge boards")
    }
    let records: [BoardRecord]
    do throws(StoreError) {
      records = try await work.store.perform { store throws(StoreError) in try store.boards() }
    } catch {
      return .failed(
        code: error.code, message: "the gateway's state: \(error)", remedy: "see the gateway's log")
    }
    let board = BoardWords.board(words, among: records)
    if let board, let carrier = engine.servedCarrier(of: board) {
      if case .bluetooth = carrier { return .done("it is paired, and served on \(carrier)") }
      return .failed(
        code: "pair-on-cable", message: "it is served on \(carrier)",
        remedy: "unplug it: it then pairs by itself, by the secret that went over the cable")
    }
    guard let place = await place(of: words, board, radio, person) else {
      return .failed(
        code: "pair-not-heard", message: "no such board was heard in 30 s",
        remedy: "is it on, near, and not connected to another gateway? See: fedbridge boards")
    }
    return await pair(place, records, radio, person)
  }

  /// Where the board is heard that is meant, once it is.
  private func place(
    of words: String, _ board: BoardID?, _ radio: Radio, _ person: PairingPerson
  ) async -> RadioPlace? {
    let end = ContinuousClock.now + Self.searchPatience
    var isTold = false
    while !Task.isCancelled, ContinuousClock.now < end {
      var sightings = radio.schedule.sightings(address: words.uppercased())
      if sightings.isEmpty, let board { sightings = radio.schedule.sightings(of: board) }
      if sightings.isEmpty {
        sightings = radio.schedule.strangers(now: now.microseconds).map(\.sighting)
          .filter { BoardWords.matches(words, $0) }
      }
      if let best = sightings.max(by: { ($0.signal ?? -128) < ($1.signal ?? -128) }) { return best.place }
      if !isTold { person.progress("looking for \(words)") }
      isTold = true
      try? await Task.sleep(for: Self.searchPause)
    }
    return nil
  }

  private func pair(
    _ place: RadioPlace, _ records: [BoardRecord], _ radio: Radio, _ person: PairingPerson
  ) async -> ControlReply {
    guard radio.requests[place] == nil else {
      return .failed(
        code: "pair-under-way", message: "\(place.address) is being paired already", remedy: "wait for that")
    }
    let (ends, ended) = AsyncStream<VisitError?>.makeStream()
    radio.requests[place] = PairingRequest(
      progress: person.progress,
      passkey: { board in
        await person.passkey(records.first { $0.id == board }?.name ?? board.description)
      },
      ended: {
        ended.yield($0)
        ended.finish()
      })
    radio.schedule.request(place, now: now.microseconds)
    settle()
    let patience = Task {
      try await Task.sleep(for: Self.pairingPatience)
      ended.finish()
    }
    defer { patience.cancel() }
    for await error in ends {
      guard let error else { return .done("\(place.address) is paired") }
      return .failed(code: error.code, message: error.cause, remedy: error.remedy)
    }
    // The person has gone, or the board has.
    radio.requests[place] = nil
    radio.schedule.requestEnded(place, now: now.microseconds)
    if let device = radio.devices[place] { await radio.blueZ.cancelPairing(device.path) }
    settle()
    guard !Task.isCancelled else {
      return .failed(code: "pair-given-up", message: "given up", remedy: "nothing")
    }
    return .failed(
      code: "pair-timed-out",
      message: "\(place.address) was heard, but not paired in \(Self.pairingPatience)",
      remedy: "is it still on, and near? Then try again; what stood in the way is in the gateway's log")
  }

  // MARK: Forgetting

  func forget(_ words: String) async -> ControlReply {
    do throws(StoreError) {
      let records = try await work.store.perform { store throws(StoreError) in try store.boards() }
      let bonds = radio?.bonds ?? [:]
      let board =
        BoardWords.board(words, among: records)
        ?? bonds.values.first { $0.address == words.uppercased() }?.board
      guard let board, let record = records.first(where: { $0.id == board }) else {
        return .failed(
          code: "board-unknown", message: "no board is called \(words), or more than one",
          remedy: "see: fedbridge boards")
      }
      try await work.store.perform { store throws(StoreError) in try store.forget(board) }
      await forgetOverTheAir(board)
      return .done(
        "\(record.name) is forgotten: keys and secret are gone, its name and history stay. Its own key goes when it pairs again"
      )
    } catch {
      return .failed(
        code: error.code, message: "the gateway's state: \(error)", remedy: "see the gateway's log")
    }
  }

  private func forgetOverTheAir(_ board: BoardID) async {
    guard let radio else { return }
    let address = radio.bonds.removeValue(forKey: board)?.address
    closeAirLinks("the board was forgotten") { $0.board == board }
    radio.schedule.forgotten(board, now: now.microseconds)
    settle()
    for device in radio.devices.values where device.address == address && device.isPaired {
      // Without keys here, those that BlueZ still has are removed before the next pairing.
      try? await radio.blueZ.remove(device)
    }
  }
}
