public import Rounds

/// Which board is connected to when and over which adapter, without I/O.
///
/// An adapter does one thing at a time: it scans, or it connects. A board is connected to when it was heard and is
/// admitted: both sides hold keys, or a secret went over the cable, or a person permits it. Whoever is served over the
/// cable is left alone. More boards than connections take turns.
///
/// The owner reports what happened, then takes ``takeActions()``, and calls ``tick(now:)`` at ``nextDeadline(now:)``.
public struct RadioSchedule: Sendable {
  /// What the owner is to do.
  public enum Action: Hashable, Sendable {
    /// Switch the adapter on; failing is told by its state.
    case switchOn(String)
    /// Switch it off and on.
    case restart(String)
    /// Begin to scan; answer with `scanFailed` if that fails.
    case scan(String)
    /// End the scan.
    case stopScanning(String)
    /// Connect to this board; answer with `linked` or `attemptFailed`. The scan has been told to end before.
    case attempt(RadioPlace, Admission)
    /// Close the link, in good order.
    case close(RadioPlace)
    /// End a connection that an earlier life of the gateway left behind.
    case dropStale(RadioPlace)
    /// Tell people.
    case tell(RadioNotice)
  }

  enum Scan: Hashable {
    /// Since when; nil: it is time for the next one.
    case off(since: UInt64?)
    case on(until: UInt64)
  }

  struct Adapter {
    var state: AdapterState
    var scan = Scan.off(since: nil)
    var attempt: RadioPlace?
    var scanFailures = 0
    var restartedAt: UInt64?
    /// Connections that it took when it refused another one.
    var limit: Int?
  }

  enum Phase: Hashable {
    case idle
    case attempting
    case linked(since: UInt64)
    case closing
  }

  struct Board {
    var sighting: Sighting
    var heardAt: UInt64?
    var phase = Phase.idle
    var notBefore: UInt64 = 0
    var failures = 0
    var transients = 0
    var refusals = 0
    var doubts = 0
    /// When its last link began: who waited longest is next.
    var servedAt: UInt64 = 0
    /// What only a person mends, or a change of what is known of the board.
    var stopped: AttemptFailure?
    /// A person asked for it.
    var isRequested = false
    var isTold = false
  }

  let settings: RadioSettings
  var adapters: [String: Adapter] = [:]
  var boards: [RadioPlace: Board] = [:]
  /// Boards with keys here, by their address.
  var bonds: [String: BoardID] = [:]
  /// Boards with which a secret was exchanged over the cable.
  var secrets: Set<BoardID> = []
  var onCable: Set<BoardID> = []
  /// Boards of which nothing is wanted at present, and since when.
  var done: [BoardID: UInt64] = [:]
  private var joinUntil: UInt64?
  var random: UInt64
  private var actions: [Action] = []
  private var toldNoAdapter = false

  /// - Parameters:
  ///   - settings: what it goes by.
  ///   - seed: of the jitter of its pauses.
  public init(settings: RadioSettings, seed: UInt64) {
    self.settings = settings
    random = seed
  }

  /// What is to be done, in order.
  public mutating func takeActions() -> [Action] {
    defer { actions = [] }
    return actions
  }

  mutating func act(_ action: Action) { actions.append(action) }

  // MARK: Adapters

  /// BlueZ answers and said what it has.
  public mutating func started(now: UInt64) {
    if adapters.isEmpty, !toldNoAdapter {
      toldNoAdapter = true
      act(.tell(.noAdapter))
    }
    plan(now)
  }

  /// BlueZ is gone, and all that it had.
  public mutating func stopped() {
    adapters = [:]
    for place in boards.keys {
      boards[place]?.heardAt = nil
      if boards[place]?.phase == .attempting { boards[place]?.phase = .idle }
    }
    boards = boards.filter { $0.value.phase != .idle || $0.value.isRequested }
    toldNoAdapter = false
  }

  /// An adapter is there, or is in another state.
  public mutating func adapter(_ name: String, _ state: AdapterState, now: UInt64) {
    let before = adapters[name]?.state
    toldNoAdapter = true
    guard before != state else { return }
    adapters[name, default: Adapter(state: state)].state = state
    adapters[name]?.scan = .off(since: nil)
    switch state {
    case .on:
      act(.tell(.adapterReady(name)))
    case .off where before != .on:
      // Who switches it off afterwards means it.
      act(.switchOn(name))
    case .off, .softBlocked, .hardBlocked:
      act(.tell(.adapterNotReady(name, state)))
    }
    plan(now)
  }

  /// Switching an adapter on has failed.
  public mutating func switchOnFailed(_ name: String, now: UInt64) {
    guard let adapter = adapters[name], adapter.state != .on else { return }
    act(.tell(.adapterNotReady(name, adapter.state)))
  }

  /// An adapter is gone.
  public mutating func adapterGone(_ name: String, now: UInt64) {
    guard adapters.removeValue(forKey: name) != nil else { return }
    act(.tell(.adapterGone(name)))
    for place in boards.keys where place.adapter == name { gone(place) }
    if adapters.isEmpty { act(.tell(.noAdapter)) }
    plan(now)
  }

  /// A scan could not be begun.
  public mutating func scanFailed(_ name: String, now: UInt64) {
    guard var adapter = adapters[name] else { return }
    adapter.scan = .off(since: now)
    adapter.scanFailures += 1
    let mayRestart = adapter.restartedAt.map { $0 + settings.restartPause <= now } ?? true
    if adapter.state == .on, adapter.scanFailures >= settings.scanFailures, mayRestart, links(on: name) == 0 {
      adapter.scanFailures = 0
      adapter.restartedAt = now
      act(.tell(.adapterDeaf(name)))
      act(.restart(name))
    }
    adapters[name] = adapter
  }

  /// A scan has begun.
  public mutating func scanBegan(_ name: String) { adapters[name]?.scanFailures = 0 }

  // MARK: Boards

  /// A board was heard, or something about it changed.
  public mutating func seen(_ sighting: Sighting, isHeard: Bool, now: UInt64) {
    let place = sighting.place
    var board = boards[place] ?? Board(sighting: sighting)
    let isNew = boards[place] == nil
    board.sighting = sighting
    if isHeard { board.heardAt = now }
    boards[place] = board
    if isNew, sighting.isConnected { act(.dropStale(place)) }
    plan(now)
    tellStranger(place, now)
  }

  /// BlueZ knows a board no more.
  public mutating func deviceGone(_ place: RadioPlace, now: UInt64) {
    gone(place)
    plan(now)
  }

  private mutating func gone(_ place: RadioPlace) {
    guard let board = boards[place] else { return }
    boards[place]?.heardAt = nil
    if board.phase == .idle, !board.isRequested, board.stopped == nil { boards[place] = nil }
  }

  private mutating func tellStranger(_ place: RadioPlace, _ now: UInt64) {
    guard let board = boards[place], board.heardAt != nil, !board.isTold, let stranger = stranger(place, now)
    else {
      return
    }
    boards[place]?.isTold = true
    act(.tell(.stranger(board.sighting, stranger)))
  }

  // MARK: What is known

  /// Boards with keys here; the address and the board of each.
  public mutating func setBonds(_ bonds: [String: BoardID], now: UInt64) {
    for (address, board) in bonds where self.bonds[address] != board { restart(address: address) }
    self.bonds = bonds
    plan(now)
  }

  /// A secret went over the cable to this board.
  public mutating func secretShared(with board: BoardID, now: UInt64) {
    secrets.insert(board)
    for place in boards.keys where boards[place]?.sighting.mayBe(board) == true { mend(place) }
    plan(now)
  }

  /// A board is to be forgotten: neither keys nor a secret are here any more.
  public mutating func forgotten(_ board: BoardID, now: UInt64) {
    secrets.remove(board)
    for (address, owner) in bonds where owner == board {
      bonds[address] = nil
      restart(address: address)
    }
    plan(now)
  }

  private mutating func restart(address: String) {
    for place in boards.keys where place.address == address { mend(place) }
  }

  /// Boards that may be reached over the air: those with keys or a secret here.
  public var boardsOfInterest: Set<BoardID> { secrets.union(bonds.values) }

  /// Something changed for this board: what stood in the way may be over.
  private mutating func mend(_ place: RadioPlace) {
    boards[place]?.stopped = nil
    boards[place]?.failures = 0
    boards[place]?.refusals = 0
    boards[place]?.doubts = 0
    boards[place]?.notBefore = 0
    boards[place]?.isTold = false
  }

  /// A board is served over the cable, or is not any more.
  public mutating func cable(_ board: BoardID, isServed: Bool, now: UInt64) {
    if isServed { onCable.insert(board) } else { onCable.remove(board) }
    plan(now)
  }

  /// Nothing is wanted of a board at present, or something is again: its connection is free for one that waits.
  public mutating func done(_ board: BoardID, _ isDone: Bool, now: UInt64) {
    done[board] = isDone ? now : nil
    plan(now)
  }

  // MARK: People

  /// Permits joining until `until`; 0 ends that.
  public mutating func permitJoin(seconds: UInt32, now: UInt64) {
    joinUntil = seconds == 0 ? nil : now + UInt64(seconds) * 1_000_000
    act(.tell(.joining(seconds: seconds)))
    for place in boards.keys where boards[place]?.stopped != nil && seconds > 0 { mend(place) }
    plan(now)
  }

  /// For how many seconds joining is still permitted.
  public func joinSecondsLeft(now: UInt64) -> UInt32 {
    guard let joinUntil, joinUntil > now else { return 0 }
    return UInt32(clamping: (joinUntil - now + 999_999) / 1_000_000)
  }

  /// A person asks for this board, until `requestEnded`.
  public mutating func request(_ place: RadioPlace, now: UInt64) {
    guard boards[place] != nil else { return }
    mend(place)
    boards[place]?.isRequested = true
    plan(now)
  }

  /// The request was fulfilled or given up.
  public mutating func requestEnded(_ place: RadioPlace, now: UInt64) {
    boards[place]?.isRequested = false
    plan(now)
  }

  /// Boards that are heard and not admitted.
  public func strangers(now: UInt64) -> [(sighting: Sighting, stranger: Stranger, heardAt: UInt64)] {
    boards.sorted { $0.key < $1.key }.compactMap { place, board in
      guard let heardAt = board.heardAt, let stranger = stranger(place, now) else { return nil }
      return (board.sighting, stranger, heardAt)
    }
  }

  /// All sightings of the board with this address.
  public func sightings(address: String) -> [Sighting] {
    boards.filter { $0.key.address == address }.sorted { $0.key < $1.key }.map(\.value.sighting)
  }

  /// Sightings of what may be this board: bonded with it, or with the address or the name of it.
  public func sightings(of board: BoardID) -> [Sighting] {
    boards.sorted { $0.key < $1.key }.map(\.value.sighting).filter {
      bonds[$0.place.address] == board || $0.mayBe(board) || $0.claimed == board
    }
  }

  private func stranger(_ place: RadioPlace, _ now: UInt64) -> Stranger? {
    guard let board = boards[place], board.phase == .idle else { return nil }
    if let stopped = board.stopped { return .failed(stopped) }
    if board.doubts >= settings.doubts { return .failed(.bondDoubtful) }
    return admission(place, now) == nil ? .unknown : nil
  }

  // MARK: Time

  /// When ``tick(now:)`` has something to do; what is due now has been done.
  public func nextDeadline(now: UInt64) -> UInt64? {
    var deadlines = boardDeadlines
    if let joinUntil { deadlines.append(joinUntil) }
    for (name, adapter) in adapters where adapter.state == .on && adapter.attempt == nil {
      switch adapter.scan {
      case .on(let until): deadlines.append(until)
      case .off(let since): deadlines.append((since ?? now) + scanPause(name, now))
      }
    }
    return deadlines.filter { $0 > now }.min()
  }

  /// Does what is due.
  public mutating func tick(now: UInt64) {
    if let joinUntil, joinUntil <= now {
      self.joinUntil = nil
      act(.tell(.joining(seconds: 0)))
    }
    plan(now)
  }
}
