public import Rounds
public import UpdateCodec

/// Why a coding was chosen, for people.
public struct CodingChoice: Sendable, Hashable {
  /// The coding.
  public var coding: UpdateCoding
  /// In words.
  public var reason: String
}

/// Chooses how differences are coded, by what the links cost and by what it does to the learning. No I/O.
///
/// ## How it works
///
/// Codings form a ladder from all bits to few. A board's link is known by the bytes a second that its transfers
/// made. A board gets the first rung on which its update would take no more than a tenth of the time that its
/// training takes, or a tenth of a second: what is less nobody would notice. The way down is the same for all
/// boards, as all get the same delta: the slowest link decides.
///
/// Compression is believed to be harmless until the loss says otherwise. When the loss of the models stays above
/// the best one seen by 5 % for three rounds in which something was left out, the ladder is cut one rung lower for ten
/// rounds: then the next rung up may be tried again.
public struct CompressionPolicy: Sendable {
  /// The ladder of the automatic choice.
  static let ladder: [UpdateCoding] = [.lossless, .step(sixteenths: 16), .defaultStep, .defaultSTC]
  /// float32's bytes over the rung's, as long as none were seen.
  private static let usualRatios = [1.15, 15.0, 22, 72]
  /// A transfer may take this share of the training,
  private static let shareOfTraining = 0.1
  /// or these seconds.
  private static let unnoticed = 0.1
  /// A transfer of fewer bytes tells the round trip rather than the rate.
  private static let tellingBytes = 2048.0
  /// Losses are the same when they differ by less than this share.
  private static let lossTolerance = 0.05
  private static let roundsToConvince = 3
  private static let roundsOfCaution = 10

  private let choice: CompressionChoice
  private var ratios = usualRatios
  private var bytesPerSecond: [BoardID: Double] = [:]
  private var trainingSeconds: [BoardID: Double] = [:]
  /// The highest rung that the loss allows.
  private var highest = ladder.count - 1
  private var bestLoss = Double.infinity
  private var roundsWorse = 0
  private var cautionLeft = 0
  /// The highest rung used since the last loss.
  private var used = 0

  /// A policy that knows nothing of links yet.
  public init(_ choice: CompressionChoice) {
    self.choice = choice
  }

  // MARK: What is seen

  /// An object moved over the board's link.
  ///
  /// - Parameters:
  ///   - bytes: that moved.
  ///   - seconds: that it took.
  public mutating func transferred(_ board: BoardID, bytes: Double, seconds: Double) {
    guard bytes > 0, seconds > 0 else { return }
    let rate = bytes / seconds
    guard let known = bytesPerSecond[board] else {
      bytesPerSecond[board] = rate
      return
    }
    bytesPerSecond[board] = bytes >= Self.tellingBytes ? (known + rate) / 2 : max(known, rate)
  }

  /// A board trained for a round.
  public mutating func trained(_ board: BoardID, seconds: Double) {
    guard seconds >= 0 else { return }
    trainingSeconds[board] = trainingSeconds[board].map { ($0 + seconds) / 2 } ?? seconds
  }

  /// A difference of so many parameters took so many bytes.
  public mutating func coded(_ coding: UpdateCoding, parameters: Int, bytes: Int) {
    guard let rung = Self.ladder.firstIndex(of: coding), parameters > 0, bytes > 0 else { return }
    ratios[rung] = (ratios[rung] + 4 * Double(parameters) / Double(bytes)) / 2
  }

  /// A round's model has this loss, on held-out examples if there are any.
  ///
  /// - Returns: words for people if that changes what may be chosen.
  public mutating func scored(loss: Double) -> String? {
    guard case .automatic = choice, loss.isFinite else { return nil }
    defer { used = 0 }
    if cautionLeft > 0 {
      cautionLeft -= 1
      if cautionLeft == 0, highest < Self.ladder.count - 1 { highest += 1 }
    }
    if loss <= bestLoss * (1 + Self.lossTolerance) {
      bestLoss = min(bestLoss, loss)
      roundsWorse = 0
      return nil
    }
    guard used > 0 else { return nil }
    roundsWorse += 1
    guard roundsWorse >= Self.roundsToConvince else { return nil }
    roundsWorse = 0
    highest = max(0, min(used, highest) - 1)
    cautionLeft = Self.roundsOfCaution
    return "the loss stays above the best one: nothing coarser than \(Self.ladder[highest].words) for "
      + "\(Self.roundsOfCaution) rounds"
  }

  // MARK: What is chosen

  /// The coding of a board's update.
  public mutating func uplink(
    of board: BoardID, parameters: Int, codings: CodingSet
  ) -> CodingChoice {
    choose(parameters: parameters, codings: codings, boards: [board])
  }

  /// The coding of the delta to the next model, which all boards get that know it; the others get the whole model.
  ///
  /// - Parameter codings: those that any of the boards knows.
  public mutating func downlink(
    to boards: [BoardID], parameters: Int, codings: CodingSet
  ) -> CodingChoice {
    choose(parameters: parameters, codings: codings, boards: boards)
  }

  private mutating func choose(parameters: Int, codings: CodingSet, boards: [BoardID]) -> CodingChoice {
    switch choice {
    case .fixed(let coding):
      guard codings.contains(coding) else {
        return CodingChoice(coding: .float32, reason: "\(coding.words) is not known to any board there")
      }
      return CodingChoice(coding: coding, reason: "as it was asked for")
    case .automatic:
      return automatic(parameters: parameters, codings: codings, boards: boards)
    }
  }

  private mutating func automatic(
    parameters: Int, codings: CodingSet, boards: [BoardID]
  ) -> CodingChoice {
    let known = boards.compactMap { board in bytesPerSecond[board].map { (board, $0) } }
    guard let (slowest, rate) = known.min(by: { $0.1 < $1.1 }) else {
      return CodingChoice(
        coding: codings.contains(.lossless) ? .lossless : .float32, reason: "the link is not known yet")
    }
    let training = trainingSeconds[slowest] ?? 0
    let budget = max(Self.unnoticed, Self.shareOfTraining * training)
    func seconds(_ rung: Int) -> Double { 4 * Double(parameters) / ratios[rung] / rate }
    let possible = Self.ladder.indices.filter { codings.contains(Self.ladder[$0]) && $0 <= highest }
    guard let rung = possible.first(where: { seconds($0) <= budget }) ?? possible.last else {
      return CodingChoice(coding: .float32, reason: "the board knows no other")
    }
    used = max(used, rung)
    let plain = 4 * Double(parameters) / rate
    return CodingChoice(
      coding: Self.ladder[rung],
      reason: "about \(Self.words(seconds(rung))) at \(Self.words(bytesPerSecond: rate)), "
        + "float32 would take \(Self.words(plain))")
  }

  private static func words(_ seconds: Double) -> String {
    seconds < 1 ? "\(Int((seconds * 1000).rounded(.up))) ms" : "\((seconds * 10).rounded() / 10) s"
  }

  private static func words(bytesPerSecond rate: Double) -> String {
    rate < 10_000 ? "\((rate / 100).rounded() / 10) kB/s" : "\(Int(rate / 1000)) kB/s"
  }
}
