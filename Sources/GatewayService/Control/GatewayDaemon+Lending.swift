import Foundation
import Gateway
import GatewayControl
import GatewayStore
import LinkProtocol
import NIOCore
import Rounds
import SerialDevices

/// Ports of the running gateway that other programs ask for.
extension GatewayDaemon {
  /// How long a port may take to be closed, and how often that is looked at.
  private static let closingPatience = Duration.seconds(5)
  private static let closingPause = Duration.milliseconds(5)
  /// How long a board may take to be served again: to start, to be found, to answer.
  private static let returnPatience = Duration.seconds(60)
  private static let returnPause = Duration.milliseconds(50)

  /// What is lent.
  private struct LentBoard {
    var node: String
    var socket: String?
    var record: BoardRecord?
  }

  // MARK: Lending

  /// Lets a board's port go until `client` ends, which is also when whoever asked is gone; then takes it back, and waits
  /// for the board.
  ///
  /// - Parameter tell: told when the port is free.
  func lend(
    _ words: String, tell: @Sendable (ControlReply) -> Void, until client: AsyncStream<UInt32>
  ) async -> ControlReply {
    let found: LentBoard
    switch await lendable(words) {
    case .failure(let reply): return reply.reply
    case .success(let board): found = board
    }
    guard !loans.contains(where: { !$0.isOver && $0.covers(found.node, plugging(at: found.node)) }) else {
      return .failed(
        code: "lend-under-way", message: "\(found.node) is lent already",
        remedy: "wait until the program that has it is done")
    }
    let loan = Loan(socket: found.socket, node: found.node)
    loans.append(loan)
    defer { loans.removeAll { $0 === loan } }
    letGo(loan)
    let end = ContinuousClock.now + Self.closingPatience
    while loan.nodes.contains(where: schedule.isInUse), ContinuousClock.now < end, !Task.isCancelled {
      try? await Task.sleep(for: Self.closingPause)
    }
    if loan.nodes.contains(where: schedule.isInUse) {
      takeBack(loan)
      return .failed(
        code: "lend-not-closed", message: "\(found.node) takes long to be closed",
        remedy: "is the board stuck? Plug it out and in again")
    }
    narrator.lent(found.node)
    tell(
      .lent(
        LentPort(
          port: found.node, name: found.record?.name, id: found.record?.id.description,
          firmware: found.record?.firmware)))
    for await _ in client {}
    takeBack(loan)
    return await untilServed(loan)
  }

  private func letGo(_ loan: Loan) {
    for node in loan.nodes { schedule.lend(node) }
    for case let link as PortLink in links.values where loan.covers(link.path, link.plugging) {
      // Its path may be another name of the port, which then is not to be opened either.
      loan.nodes.insert(link.path)
      schedule.lend(link.path)
      link.reason = "its port is lent to another program"
      link.channel.close(promise: nil)
    }
    settle()
  }

  private func takeBack(_ loan: Loan) {
    loan.isOver = true
    // Whoever had it may give back what is gone from its socket.
    for node in loan.nodes.isEmpty ? [loan.node] : loan.nodes { narrator.tookBack(node) }
    for node in loan.nodes.sorted() {
      perform(schedule.takeBack(node, now: now.microseconds))
    }
    settle()
  }

  private func untilServed(_ loan: Loan) async -> ControlReply {
    let end = ContinuousClock.now + Self.returnPatience
    while !Task.isCancelled, ContinuousClock.now < end {
      if let board = loan.board { return .returned(board) }
      try? await Task.sleep(for: Self.returnPause)
    }
    return .failed(
      code: "lend-not-served", message: "the port is the gateway's again, and its board did not answer",
      remedy: "see the gateway's log, and: fedbridge boards")
  }

  // MARK: Meanwhile

  /// Notes what is plugged in, and keeps off what comes into a socket that is lent.
  func note(_ event: PortEvent) {
    switch event {
    case .appeared(let port), .changed(let port):
      plugged[port.plugging] = port
      guard let loan = loan(of: port) else { return }
      loan.nodes.insert(port.node)
      schedule.lend(port.node)
    case .vanished(let port):
      plugged[port.plugging] = nil
      // The node's next owner may be any board.
      guard let loan = loan(of: port), loan.nodes.remove(port.node) != nil else { return }
      schedule.unplugged(port.plugging)
      perform(schedule.takeBack(port.node, now: now.microseconds))
    }
  }

  private func loan(of port: SerialPort) -> Loan? {
    loans.first { !$0.isOver && $0.socket == port.socket }
  }

  /// Whether the socket that a port is in is lent.
  func isLent(_ port: SerialPort) -> Bool { loan(of: port) != nil }

  /// A board is served.
  func served(_ link: LinkID, _ board: ReturnedBoard) {
    guard let link = links[link] as? PortLink else { return }
    for loan in loans where loan.isOver && loan.covers(link.path, link.plugging) { loan.board = board }
  }

  // MARK: Which board is meant

  /// Why nothing can be lent.
  private struct Refusal: Error {
    var reply: ControlReply
  }

  private func lendable(_ words: String) async -> Result<LentBoard, Refusal> {
    let records: [BoardRecord]
    do throws(StoreError) {
      records = try await work.store.perform { store throws(StoreError) in try store.boards() }
    } catch {
      return .failure(
        Refusal(
          reply: .failed(
            code: error.code, message: "the gateway's state: \(error)", remedy: "see the gateway's log")))
    }
    if let node = node(of: words) { return .success(lentBoard(at: node, records)) }
    guard let board = BoardWords.board(words, among: records) else {
      return .failure(
        Refusal(
          reply: .failed(
            code: "board-unknown", message: "no board is called \(words), or more than one",
            remedy: "see: fedbridge boards")))
    }
    if case .serial(let path, _)? = engine.servedCarrier(of: board) {
      return .success(lentBoard(at: path, records))
    }
    let serial = String(board.description.uppercased().drop { $0 == "0" })
    if let port = plugged.values.first(where: { $0.usb.chipSerial == serial }) {
      return .success(lentBoard(at: port.node, records))
    }
    return .failure(
      Refusal(
        reply: .failed(
          code: "lend-not-by-cable", message: "\(words) is not plugged in by cable", remedy: "plug it in")))
  }

  /// The port that is meant by its path or by the serial number of what is plugged in there.
  private func node(of words: String) -> String? {
    let path = URL(fileURLWithPath: words).resolvingSymlinksInPath().path
    let serial = String(words.uppercased().drop { $0 == "0" })
    let port = plugged.values.sorted { $0.node < $1.node }.first {
      $0.node == words || words.contains("/") && $0.node == path
        || !serial.isEmpty && $0.usb.chipSerial == serial
    }
    return port?.node ?? (schedule.isKnown(words) ? words : nil)
  }

  private func lentBoard(at node: String, _ records: [BoardRecord]) -> LentBoard {
    let record = records.first {
      if case .serial(node, _)? = engine.servedCarrier(of: $0.id) { return true }
      return false
    }
    return LentBoard(node: node, socket: plugging(at: node)?.socket, record: record)
  }

  /// What is plugged in behind a port, if that is a board's on USB.
  private func plugging(at node: String) -> Plugging? {
    plugged.values.first { $0.node == node }?.plugging
      ?? links.values.lazy.compactMap { $0 as? PortLink }.first { $0.path == node }?.plugging
  }
}
