import Digests

/// A connected board as the coordinator sees it.
struct Member {
  /// What the board was asked to do last.
  enum Step: Equatable {
    /// Nothing: it has contributed, is excluded, or no round collects.
    case idle
    /// It is brought to the base model.
    case receiving(silentAt: MonotonicTime)
    /// It evaluates the base model.
    case evaluating(silentAt: MonotonicTime)
    /// It trains, or sends its update.
    case training(silentAt: MonotonicTime)
    /// It failed and is left alone for a while.
    case resting(until: MonotonicTime)
  }

  /// The model it holds, as far as known.
  var held: Digest32?
  var step: Step = .idle

  /// When something is due about this board.
  var deadline: MonotonicTime? {
    switch step {
    case .idle: nil
    case .receiving(let time), .evaluating(let time), .training(let time), .resting(let time): time
    }
  }

  /// Starts the time of silence over, for a board that works.
  mutating func heard(silentAt time: MonotonicTime) {
    switch step {
    case .idle, .resting: break
    case .receiving: step = .receiving(silentAt: time)
    case .evaluating: step = .evaluating(silentAt: time)
    case .training: step = .training(silentAt: time)
    }
  }
}
