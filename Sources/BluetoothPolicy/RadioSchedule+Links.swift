import Rounds

/// What becomes of attempts and links, and on what ground there are any.
extension RadioSchedule {
  /// The link is open.
  public mutating func linked(_ place: RadioPlace, now: UInt64) {
    ended(attempt: place)
    guard boards[place] != nil else { return }
    boards[place]?.phase = .linked(since: now)
    boards[place]?.servedAt = now
    boards[place]?.transients = 0
    if boards[place]?.doubts ?? 0 > 0 {
      boards[place]?.doubts = 0
      boards[place]?.isTold = false
    }
    plan(now)
  }

  /// The attempt failed.
  public mutating func attemptFailed(_ place: RadioPlace, _ failure: AttemptFailure, now: UInt64) {
    ended(attempt: place)
    guard var board = boards[place] else { return plan(now) }
    board.phase = .idle
    switch failure {
    case .transient where board.transients < settings.transientFailures:
      board.transients += 1
      board.notBefore = now + jittered(settings.transientPause)
    case .transient, .missing:
      // What does not answer has to be heard first.
      board.heardAt = nil
      board.notBefore = now + pause(&board)
    case .outOfSlots:
      board.notBefore = now + settings.slotPause
      learnLimit(place.adapter)
    case .refused:
      board.refusals += 1
      if case .cable? = admission(place, now), board.refusals < settings.cableRefusals {
        board.notBefore = now + pause(&board)
      } else {
        board.stopped = failure
      }
    case .bondDoubtful:
      // Lost links look the same: without a secret it is tried on, so that bad weather needs nobody.
      board.doubts += 1
      board.notBefore = now + pause(&board)
      if board.doubts >= settings.doubts, mayPairAnew(place) {
        board.doubts = 0
        bonds[place.address] = nil
      }
    case .bondLost where mayPairAnew(place):
      bonds[place.address] = nil
      board.notBefore = now + jittered(settings.transientPause)
    case .bondLost: board.stopped = failure
    case .foreign: board.stopped = failure
    case .fatal: board.notBefore = now + settings.longestPause
    }
    boards[place] = board
    plan(now)
  }

  /// Whether the secret would make a new bond in place of one that is of no use any more.
  private func mayPairAnew(_ place: RadioPlace) -> Bool {
    bonds[place.address].map(secrets.contains) ?? false
  }

  /// A link has closed.
  public mutating func unlinked(_ place: RadioPlace, _ ending: RadioEnding, now: UInt64) {
    guard var board = boards[place] else { return plan(now) }
    let hasMadeRoom = board.phase == .closing && ending == .served
    board.phase = .idle
    switch ending {
    case .served:
      board.failures = 0
      board.transients = 0
      board.refusals = 0
      board.notBefore = now + jittered(settings.transientPause)
    case .unanswered, .refused: board.notBefore = now + pause(&board)
    }
    // It advertises again now, if it is there: who was sent away is.
    board.heardAt = hasMadeRoom ? now : nil
    boards[place] = board
    plan(now)
  }

  private mutating func ended(attempt place: RadioPlace) {
    if adapters[place.adapter]?.attempt == place { adapters[place.adapter]?.attempt = nil }
  }

  private mutating func learnLimit(_ name: String) {
    let links = links(on: name)
    guard links > 0, links < adapters[name]?.limit ?? settings.linksPerAdapter else { return }
    adapters[name]?.limit = links
    act(.tell(.linkLimit(adapter: name, links: links)))
  }

  private mutating func pause(_ board: inout Board) -> UInt64 {
    let pause = min(settings.firstPause << UInt64(min(board.failures, 20)), settings.longestPause)
    board.failures += 1
    return jittered(pause)
  }

  /// Between a half and the whole, so that boards which failed together do not come back together.
  private mutating func jittered(_ pause: UInt64) -> UInt64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    random &+= 0x9E37_79B9_7F4A_7C15
    var bits = random
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return pause / 2 + (bits ^ bits >> 31) % (pause / 2 + 1)
  }

  func links(on adapter: String) -> Int {
    boards.count { place, board in
      guard place.adapter == adapter else { return false }
      switch board.phase {
      case .linked, .closing: return true
      case .idle, .attempting: return false
      }
    }
  }

  // MARK: Admission

  /// On what ground this board may be connected to now; nil if on none.
  func admission(_ place: RadioPlace, _ now: UInt64) -> Admission? {
    guard let board = boards[place], board.stopped == nil else { return nil }
    if let owner = bonds[place.address], board.sighting.isPaired { return .bonded(owner) }
    if let owner = secrets.sorted().first(where: { board.sighting.mayBe($0) || board.sighting.claimed == $0 })
    {
      return .cable(owner)
    }
    return board.isRequested || joinSecondsLeft(now: now) > 0 ? .permitted : nil
  }

  /// Whether the board behind an admission is served over its cable.
  func isOnCable(_ admission: Admission) -> Bool {
    switch admission {
    case .bonded(let board), .cable(let board): onCable.contains(board)
    case .permitted: false
    }
  }
}
