import Bytes
import Digests
import LinkProtocol
import SerialDevices

/// A gateway's side of one port.
final class PortClient {
  private let end: PortEnd

  /// When the latest object was offered: then its content had been hashed.
  private(set) var offeredAt = PortEnd.now()
  /// Bytes written to the port, framing included.
  var bytesWritten: Int { end.bytesWritten }

  init(port: String) throws {
    let greeting = Greeting(session: 77, maximumFrame: 1040, gateway: ShortText("bench"), time: 0)
    end = PortEnd(
      descriptor: try TTY.open(port).release(),
      session: .gateway(
        greeting, limits: LinkLimits(maximumFrame: 1040, window: 32 * 1024), now: PortEnd.now()),
      maximumFrame: 1040)
  }

  /// Offers a model and waits until the board has stored it.
  func deliver(_ content: [UInt8]) throws -> Digest32 {
    let name = ObjectName(digest: SHA256.hash(of: content.span), length: UInt32(content.count))
    end.objects.outgoing = (name, content)
    offeredAt = PortEnd.now()
    _ = end.session.offer(ObjectOffer(kind: .model, name: name, round: 0), now: offeredAt)
    try wait(for: "delivery") { if case .delivered = $0 { true } else { false } }
    return name.digest
  }

  /// Lets the board train and waits for its update.
  func train(_ task: TrainTask) throws -> [UInt8] {
    _ = end.session.send(.train(task))
    var name: ObjectName?
    try wait(for: "update") { [end] event in
      switch event {
      case .offered(let transfer, let offer):
        end.objects.incoming = [UInt8](repeating: 0, count: Int(offer.name.length))
        _ = end.session.accept(transfer, offer, held: 0, now: PortEnd.now())
        return false
      case .received(let transfer, let offer):
        name = offer.name
        end.session.confirm(transfer)
        return true
      default: return false
      }
    }
    let update = end.objects.incoming
    guard name?.digest == SHA256.hash(of: update.span) else { throw BenchError.boardProblem("wrong digest") }
    return update
  }

  /// Waits until the board has answered the greeting.
  func greet() throws {
    try wait(for: "welcome") { if case .established = $0 { true } else { false } }
  }

  private func wait(for what: String, _ isIt: (SessionEvent) -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(20)
    var isDone = false
    while !isDone {
      guard ContinuousClock.now < deadline else { throw BenchError.noAnswer(what) }
      try end.turn(patience: 1000) { event in
        if case .message(.problem(let problem)) = event {
          throw BenchError.boardProblem(String(describing: problem.code))
        }
        if isIt(event) { isDone = true }
      }
    }
  }
}
