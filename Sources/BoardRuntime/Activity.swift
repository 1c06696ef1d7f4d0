import Digests
import LinkProtocol
import TrainingCore

/// What the board is busy with between frames, one slice a call.
enum Activity {
  /// Nothing.
  case idle
  /// Training.
  case training(TrainingJob)
  /// Computing the digest of the update that training made.
  case naming(Naming)
  /// Evaluating a model.
  case evaluating(EvaluationJob)

  /// What to tell the gateway, and show.
  var phase: BoardPhase {
    switch self {
    case .idle: return .idle
    case .training, .naming: return .training
    case .evaluating: return .evaluating
    }
  }
}

/// A model that arrived and is read back from flash, to see whether it is what was named. This goes on beside
/// whatever else the board does.
struct Verification {
  var transfer: TransferNumber
  var place: Int
  var name: ObjectName
  var offset = 0
  var digest = SHA256()
}

/// A training task in work.
struct TrainingJob {
  var task: TrainTask
  var base: ModelShelf.Held
  var run: TrainingRun
  var reported: Timestamp
}

/// An update whose digest is being computed.
struct Naming {
  var offset = 0
  var digest = SHA256()
}

/// An evaluation task in work.
struct EvaluationJob {
  var model: Digest32
  var evaluation: Evaluation
  var next = 0
  var count: Int
}
