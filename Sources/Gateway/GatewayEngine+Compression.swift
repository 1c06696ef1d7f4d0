import Digests
import LinkProtocol
import Rounds
import TrainingCore
import UpdateCodec

// What goes over the links, and in which coding.
extension GatewayEngine {
  // MARK: Deliveries

  /// Brings a board to the model, or one step nearer: by the deltas from what it holds if these are shorter than
  /// the whole model, and if the board can use them.
  func deliver(to board: BoardID, _ conversation: BoardConversation, _ now: Timestamp) {
    // What is under way may lead there too, if a round closed meanwhile.
    if let current = conversation.delivery, leadsOn(current, board) { return }
    let next = interrupted(board, conversation) ?? nextDelivery(to: board)
    underWay[board] = UnderWay(delivery: next)
    conversation.deliver(next, now: now)
    serve(conversation.link)
  }

  private func nextDelivery(to board: BoardID) -> Delivery {
    guard let held = held[board], !needsSnapshot.contains(board),
      let delta = model.deltas.path(from: held, codings: codings[board] ?? .float32)?.first
    else { return Delivery(snapshotOf: model) }
    return Delivery(delta)
  }

  /// What was under way when the board's last link was lost, if that is still the shortest way to the model.
  private func interrupted(_ board: BoardID, _ conversation: BoardConversation) -> Delivery? {
    guard conversation.delivery == nil, let before = underWay[board], leadsOn(before.delivery, board) else {
      return nil
    }
    let missing = before.delivery.content.count - Int(before.arrived)
    return missing + bytes(from: before.delivery.result, board) <= bytes(from: held[board], board)
      ? before.delivery : nil
  }

  /// Bytes that bring a board from one model to the newest.
  private func bytes(from digest: Digest32?, _ board: BoardID) -> Int {
    if digest == model.version.hash { return 0 }
    guard let digest, let path = model.deltas.path(from: digest, codings: codings[board] ?? .float32) else {
      return model.snapshot.count
    }
    return path.reduce(0) { $0 + $1.bytes.count }
  }

  private func leadsOn(_ delivery: Delivery, _ board: BoardID) -> Bool {
    delivery.result == model.version.hash
      || model.deltas.path(from: delivery.result, codings: codings[board] ?? .float32) != nil
  }

  func delivered(
    _ delivery: Delivery, _ progress: TransferProgress?, to board: BoardID,
    _ conversation: BoardConversation, _ now: Timestamp
  ) {
    underWay[board] = nil
    held[board] = delivery.result
    if let progress {
      let moved = transfer(progress, .down, now)
      count(moved)
      notice(.transferred(label(board), moved))
      learnLink(from: moved, of: board)
    } else if delivery.result == model.version.hash {
      notice(.modelHeld(label(board), model.version))
    }
    perform(coordinator.modelDelivered(board, delivery.result, now: MonotonicTime(now)), now)
    if delivery.result != model.version.hash, conversation.delivery == nil {
      deliver(to: board, conversation, now)
    }
  }

  func refused(
    _ delivery: Delivery, _ refusal: TransferRefusal, by board: BoardID, _ conversation: BoardConversation,
    _ now: Timestamp
  ) {
    underWay[board] = nil
    switch (delivery.kind, refusal) {
    case (.delta, .missingBase), (.delta, .wrongDigest), (.delta, .invalid), (.delta, .tooLarge):
      notice(
        .boardProblem(label(board), "it could not use a delta (\(refusal.words)): sending the whole model"))
      needsSnapshot.insert(board)
      deliver(to: board, conversation, now)
    default:
      let reason = "the board did not take the model: \(refusal.words)"
      perform(coordinator.boardFailed(board, reason: reason, now: MonotonicTime(now)), now)
    }
  }

  // MARK: Codings

  func uplinkCoding(of board: BoardID) -> UpdateCoding {
    if let coding = roundCodings[board] { return coding }
    let choice = compression.uplink(
      of: board, parameters: model.description.parameterCount, codings: codings[board] ?? .float32)
    roundCodings[board] = choice.coding
    announce(choice, board)
    return choice.coding
  }

  func downlinkCoding() -> UpdateCoding {
    let boards = links.keys.sorted()
    // With nobody there it is for those who will come.
    let known =
      boards.isEmpty ? .all : boards.reduce(into: CodingSet.float32) { $0.formUnion(codings[$1] ?? .float32) }
    let choice = compression.downlink(
      to: boards, parameters: model.description.parameterCount, codings: known)
    announce(choice, nil)
    return choice.coding
  }

  private func announce(_ choice: CodingChoice, _ board: BoardID?) {
    guard announcedCodings[board] != choice.coding else { return }
    announcedCodings[board] = choice.coding
    notice(.coding(board.map(label), choice))
  }

  // MARK: What is learnt of links and losses

  private func learnLink(from moved: TransferNotice, of board: BoardID) {
    let bytes = moved.delivered - min(moved.resumedFrom, moved.delivered)
    compression.transferred(board, bytes: Double(bytes), seconds: Double(moved.elapsed) / 1_000_000)
  }

  func learn(from moved: TransferNotice, of board: BoardID, loss: Float?, _ now: Timestamp) {
    learnLink(from: moved, of: board)
    trainingLosses[board] = loss
    if let coding = roundCodings[board] {
      compression.coded(
        coding, parameters: model.description.parameterCount, bytes: Int(moved.total))
    }
    if let since = trainingSince.removeValue(forKey: board), now > since + moved.elapsed {
      compression.trained(board, seconds: Double(now - since - moved.elapsed) / 1_000_000)
    }
  }

  func learn(fromLoss loss: Double?) {
    roundCodings = [:]
    trainingSince = [:]
    let reported = trainingLosses.values.filter(\.isFinite).map(Double.init)
    trainingLosses = [:]
    let mean = reported.isEmpty ? nil : reported.reduce(0, +) / Double(reported.count)
    guard let loss = loss ?? mean, let words = compression.scored(loss: loss) else { return }
    notice(.compressionLimited(words))
  }
}
