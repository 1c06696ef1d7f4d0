import Bytes
import Digests
public import LinkProtocol
public import Rounds
import UpdateCodec

/// Which board is on a link, and which of its links a board is served on.
///
/// A board may answer on several carriers, and holds one session: the one that was opened last, or that on its cable.
/// So a link that is better than the one it is served on is moved to at once; on a worse one it is served only when
/// nothing is heard of it on the better one. The round notices nothing of a move: the coordinator only hears that
/// the board begins a session anew, and what was on its way goes on over the new link.
extension GatewayEngine {
  /// A board on another link counts as alive when it was heard within this time.
  private static let aliveWithin: UInt64 = .seconds(5)

  /// What becomes of two links on which the same board answers.
  private enum Preference {
    /// The one that answered now is served, the other one is closed.
    case new
    /// The one that answered now is closed, for this reason.
    case other(LinkRefusal)
  }

  // MARK: Answers

  func greeted(_ welcome: Welcome, _ conversation: BoardConversation, _ now: Timestamp) {
    let board = BoardID(welcome.board)
    let carrier = conversation.carrier
    if let expected = carrier.expectedBoard, expected != board {
      refuse(conversation, .foreignIdentity(claimed: board, expected: expected, on: carrier))
      return
    }
    if let other = served(board, besides: conversation.link),
      case .other(let refusal) = preference(conversation, other, board, now)
    {
      refuse(conversation, refusal)
      return
    }
    // Of those that are being looked up none serves it yet: a worse one need not begin to.
    for other in beingIdentified(board) where other.link != conversation.link {
      if other.carrier.isCable == carrier.isCable { continue }
      guard carrier.isCable else {
        refuse(conversation, .betterCarrier(other.carrier))
        return
      }
      giveUp(other, .boardMoved(to: carrier))
    }
    announcedSilent.remove(conversation.link)
    welcomes[conversation.link] = welcome
    act(
      .identify(
        conversation.link, board, firmware: welcome.firmware.string, carrier: carrier,
        wantsSecret: Self.wantsSecret(welcome, on: carrier)))
  }

  /// The secret goes over cables only.
  private static func wantsSecret(_ welcome: Welcome, on carrier: Carrier) -> Bool {
    carrier.isCable && welcome.capabilities.contains(.pairsByCable)
  }

  private func served(_ board: BoardID, besides link: LinkID) -> BoardConversation? {
    links[board].flatMap { $0 == link ? nil : conversations[$0] }
  }

  private func beingIdentified(_ board: BoardID) -> [BoardConversation] {
    welcomes.compactMap { $0.value.board == board.rawValue ? conversations[$0.key] : nil }
      .sorted { $0.link < $1.link }
  }

  /// Which of two links a board is served on: the better one; of two cables the one that is alive, as what is on
  /// the other is somebody else; of two bonded connections the later one, as the board has only one.
  private func preference(
    _ new: BoardConversation, _ other: BoardConversation, _ board: BoardID, _ now: Timestamp
  ) -> Preference {
    let isAlive = now - other.lastHeard <= Self.aliveWithin
    switch (new.carrier, other.carrier) {
    case (.serial, .bluetooth):
      return .new
    case (.bluetooth, .serial):
      return isAlive ? .other(.betterCarrier(other.carrier)) : .new
    case (.serial, .serial):
      return isAlive ? .other(.identityTaken(label(board), alive: other.carrier)) : .new
    case (.bluetooth, .bluetooth):
      return new.link > other.link ? .new : .other(.boardMoved(to: other.carrier))
    }
  }

  /// The store knows the board: it takes part from now on.
  ///
  /// - Parameter cableSecret: what the board pairs by over the air, 16 bytes; sent to it if it wants one. nil: there is
  ///   none, the board is served all the same.
  public func boardIdentified(
    _ link: LinkID, _ board: BoardID, name: String, cableSecret: [UInt8]? = nil, now: Timestamp
  ) {
    names[board] = name
    guard let conversation = conversations[link], conversation.isEstablished, let welcome = welcomes[link],
      welcome.board == board.rawValue
    else { return }
    // Two links may have been looked up at the same time.
    if let other = served(board, besides: link) {
      switch preference(conversation, other, board, now) {
      case .new: giveUp(other, .boardMoved(to: conversation.carrier))
      case .other(let refusal): return refuse(conversation, refusal)
      }
    }
    welcomes[link] = nil
    links[board] = link
    boardOfLink[link] = board
    // A board that lost what it held has lost what was coming in, too.
    if held[board] != welcome.model { underWay[board] = nil }
    held[board] = welcome.model
    codings[board] = CodingSet(rawValue: welcome.codings)
    conversation.counted = counted[board]
    let before = lastCarriers.updateValue(conversation.carrier, forKey: board)
    notice(
      .boardJoined(
        label(board), conversation.carrier, before: before == conversation.carrier ? nil : before, welcome))
    if Self.wantsSecret(welcome, on: conversation.carrier), let secret = cableSecret.flatMap(Self.octets) {
      conversation.say(.cableSecret(CableSecretMessage(secret: secret)), now: now)
    }
    perform(coordinator.boardReady(board, holding: welcome.model, now: MonotonicTime(now)), now)
    let events = conversation.boardKnown(
      partialUpdates.removeValue(forKey: board), openRound: coordinator.status.round.rawValue, now: now)
    for event in events { handle(event, conversation, now) }
    serve(link)
  }

  private static func octets(_ bytes: [UInt8]) -> Octets16? { Octets16(bytes.span) }

  /// Whether a known board takes part on this link.
  public func isServing(_ link: LinkID) -> Bool { boardOfLink[link] != nil }

  /// The carrier over which a board takes part; nil if it does not.
  public func servedCarrier(of board: BoardID) -> Carrier? {
    links[board].flatMap { conversations[$0]?.carrier }
  }

  /// Whether a board was asked to train and has not delivered yet.
  public func isTraining(_ board: BoardID) -> Bool { trainingSince[board] != nil }

  /// Whether the open round wants nothing more of a board, there or not.
  public func isDone(with board: BoardID) -> Bool { coordinator.isDone(with: board, holding: held[board]) }

  // MARK: Ends

  /// Closes a link for what is on it.
  func refuse(_ conversation: BoardConversation, _ refusal: LinkRefusal) {
    notice(.linkRefused(conversation.carrier, refusal))
    act(.close(conversation.link, refusal))
    conversation.giveUp()
    welcomes[conversation.link] = nil
  }

  /// Closes the link that a board moves away from.
  private func giveUp(_ conversation: BoardConversation, _ refusal: LinkRefusal) {
    act(.close(conversation.link, refusal))
    conversation.giveUp()
    _ = leave(conversation)
  }

  /// The board on this link cannot be reached any more, by this link.
  func lose(_ conversation: BoardConversation, _ now: Timestamp) {
    guard let board = leave(conversation), links[board] == nil else { return }
    // A board that is being looked up on another link only moves.
    guard beingIdentified(board).isEmpty else { return }
    perform(coordinator.boardLost(board, now: MonotonicTime(now)), now)
  }

  /// Nobody is on this link any more. What it holds of an update is kept for the board's next one.
  ///
  /// - Returns: the board that was served on it, or was to be.
  private func leave(_ conversation: BoardConversation) -> BoardID? {
    let link = conversation.link
    let claimed = welcomes.removeValue(forKey: link).map { BoardID($0.board) }
    guard let board = boardOfLink.removeValue(forKey: link), links[board] == link else { return claimed }
    links[board] = nil
    if let partial = conversation.takePartialUpdate() { partialUpdates[board] = partial }
    return board
  }
}
