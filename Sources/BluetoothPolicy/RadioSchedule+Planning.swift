import Rounds

/// What each adapter does next.
extension RadioSchedule {
  /// Boards that may be connected to now: those of which something is wanted, and of these who waited longest, first.
  private func candidates(on adapter: String, _ now: UInt64) -> [(place: RadioPlace, admission: Admission)] {
    let waiting: [(place: RadioPlace, admission: Admission)] = boards.filter { place, board in
      place.adapter == adapter && board.phase == .idle && board.notBefore <= now && isPresent(board, now)
        && !isServedElsewhere(place)
    }
    .sorted { ($0.value.servedAt, $0.key) < ($1.value.servedAt, $1.key) }
    .compactMap { place, _ in
      guard let admission = admission(place, now), !isOnCable(admission) else { return nil }
      return (place, admission)
    }
    return waiting.filter { !isDone($0.admission) } + waiting.filter { isDone($0.admission) }
  }

  private func isPresent(_ board: Board, _ now: UInt64) -> Bool {
    guard let heardAt = board.heardAt else { return false }
    return now < heardAt + settings.presence
  }

  /// Whether another adapter has the board, or is about to.
  private func isServedElsewhere(_ place: RadioPlace) -> Bool {
    boards.contains { other, board in
      other.address == place.address && other != place && board.phase != .idle
    }
  }

  /// Whether a board that is admitted, or that may be, is not there.
  private func isSearching(_ adapter: String, _ now: UInt64) -> Bool {
    if joinSecondsLeft(now: now) > 0 || boards.values.contains(where: \.isRequested) { return true }
    let linked = Set(boards.filter { $0.value.phase != .idle }.map(\.key.address))
    if bonds.contains(where: { !linked.contains($0.key) && !isOnCable(.bonded($0.value)) }) { return true }
    let bonded = Set(bonds.values)
    return secrets.contains { !bonded.contains($0) && !isOnCable(.cable($0)) }
  }

  /// Decides for every adapter.
  mutating func plan(_ now: UInt64) {
    for name in adapters.keys.sorted() { plan(name, now) }
  }

  private mutating func plan(_ name: String, _ now: UInt64) {
    guard let adapter = adapters[name], adapter.state == .on, adapter.attempt == nil else { return }
    let candidates = candidates(on: name, now)
    if let next = candidates.first {
      if links(on: name) < adapter.limit ?? settings.linksPerAdapter {
        begin(next.place, next.admission, now)
        return
      }
      makeRoom(name, for: candidates, now)
    }
    planScan(name, now)
  }

  private mutating func begin(_ place: RadioPlace, _ admission: Admission, _ now: UInt64) {
    if case .on? = adapters[place.adapter]?.scan {
      // What was heard may be forgotten by BlueZ when the scan has been over for a while: connect at once.
      act(.stopScanning(place.adapter))
    }
    adapters[place.adapter]?.scan = .off(since: nil)
    adapters[place.adapter]?.attempt = place
    boards[place]?.phase = .attempting
    act(.attempt(place, admission))
  }

  /// A board of which nothing is wanted makes room for one of which something is. Otherwise whoever has had a connection
  /// for longest gives it up, if that was for a turn.
  private mutating func makeRoom(
    _ name: String, for candidates: [(place: RadioPlace, admission: Admission)], _ now: UInt64
  ) {
    let onAdapter = boards.filter { $0.key.adapter == name }
    guard !onAdapter.contains(where: { $0.value.phase == .closing }) else { return }
    let linked = onAdapter.compactMap { place, board -> (since: UInt64, place: RadioPlace)? in
      if case .linked(let since) = board.phase { (since, place) } else { nil }
    }.sorted { ($0.since, $0.place) < ($1.since, $1.place) }
    let isSomethingWanted = candidates.contains { !isDone($0.admission) }
    let spare = isSomethingWanted ? linked.first { spareSince($0.place).map { $0 <= now } ?? false } : nil
    guard let next = spare ?? linked.first(where: { $0.since + settings.turn <= now }) else { return }
    boards[next.place]?.phase = .closing
    act(.tell(.turnOver(next.place, waiting: candidates.count)))
    act(.close(next.place))
  }

  /// Whether nothing is wanted of the board behind an admission.
  private func isDone(_ admission: Admission) -> Bool {
    switch admission {
    case .bonded(let board), .cable(let board): done[board] != nil
    case .permitted: false
    }
  }

  /// From when on a board's connection is free for others: the last word to it takes a moment.
  private func spareSince(_ place: RadioPlace) -> UInt64? {
    bonds[place.address].flatMap { done[$0] }.map { $0 + settings.lastWord }
  }

  private mutating func planScan(_ name: String, _ now: UInt64) {
    guard let adapter = adapters[name] else { return }
    switch adapter.scan {
    case .on(let until) where until <= now:
      adapters[name]?.scan = .off(since: now)
      act(.stopScanning(name))
    case .off(let since) where (since ?? 0) + (since == nil ? 0 : scanPause(name, now)) <= now:
      adapters[name]?.scan = .on(until: now + settings.scan)
      act(.scan(name))
    case .on, .off: break
    }
  }

  /// How long the pause between two scans is at present: a search that begins ends an idle one.
  func scanPause(_ adapter: String, _ now: UInt64) -> UInt64 {
    if !isSearching(adapter, now) { return settings.idlePause }
    return links(on: adapter) > 0 ? settings.searchPauseWithLinks : settings.searchPause
  }

  /// When a board that waits may be connected to, and when one that has a connection has had its turn.
  var boardDeadlines: [UInt64] {
    var deadlines: [UInt64] = []
    var hasWaiting = Set<String>()
    for (place, board) in boards {
      guard board.phase == .idle, let heardAt = board.heardAt, adapters[place.adapter]?.attempt == nil,
        adapters[place.adapter]?.state == .on
      else { continue }
      if board.notBefore < heardAt + settings.presence { deadlines.append(board.notBefore) }
      hasWaiting.insert(place.adapter)
    }
    for (place, board) in boards where hasWaiting.contains(place.adapter) {
      if case .linked(let since) = board.phase {
        deadlines += [since + settings.turn, spareSince(place) ?? 0]
      }
    }
    return deadlines
  }
}
