import BoardStorage
import Digests
import LinkProtocol
import TrainingCore
import UpdateCodec

/// What the board is busy with between frames, one slice a call.
enum Activity {
  /// Nothing.
  case idle
  /// Training.
  case training(TrainingJob)
  /// Turning what training gave into an update in flash. How far it is the workbench knows.
  case coding
  /// Evaluating a model.
  case evaluating(EvaluationJob)

  /// What to tell the gateway, and show.
  var phase: BoardPhase {
    switch self {
    case .idle: return .idle
    case .training, .coding: return .training
    case .evaluating: return .evaluating
    }
  }
}

/// An object that arrived and is read back from flash, to see whether it is what was named. This goes on beside
/// whatever else the board does.
struct Verification {
  var transfer: TransferNumber
  var object: StoredObject
  var kind: ObjectKind
  var offset = 0
  var digest = SHA256()
}

/// A delta that arrived and is added to its base.
struct DeltaApplication {
  var transfer: TransferNumber
  var delta: StoredObject
  var base: StoredObject
  /// Number of the version that results, and what its digest begins with.
  var version: UInt32
  var result: DigestTag
  /// Where the base's parameters begin, and how many there are.
  var headerLength: Int
  var parameterCount: Int
  /// Bytes of the delta that are done with.
  var consumed: Int
  /// Parameters that are done with.
  var produced = 0
  var digest = SHA256()
}

/// A training task in work.
struct TrainingJob {
  var task: TrainTask
  var base: StoredObject
  /// Where the base's parameters begin.
  var headerLength: Int
  var coding: UpdateCoding
  var run: TrainingRun
  var reported: Timestamp
}

/// An update that is being made of what training gave. Its values lie in the arena, where the weights were.
struct CodingJob {
  enum Stage {
    /// Subtracts the base from the weights.
    case subtracting
    /// Adds what earlier updates of the run left out.
    case adding
    /// Codes the difference; what the code leaves out stays.
    case encoding
    /// Looks for anything that was left out.
    case inspecting
    /// Writes what was left out.
    case keeping
    /// All bytes are in flash.
    case publishing
  }

  var stage = Stage.subtracting
  var task: TrainTask
  var base: StoredObject
  /// Where the base's parameters begin.
  var baseParameters: Int
  var header: UpdateHeader
  /// The place of the values in the arena.
  var values: Range<Int>
  /// Values that are done with in this stage.
  var done = 0
  var hasRest = false
  var digest = SHA256()
}

/// An evaluation task in work.
struct EvaluationJob {
  var model: Digest32
  var evaluation: Evaluation
  var next = 0
  var count: Int
}
