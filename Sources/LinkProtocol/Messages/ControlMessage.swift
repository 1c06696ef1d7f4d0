public import Bytes
import CBOR

/// Why bytes are no control message.
public enum ControlMessageError: Error, Sendable, Equatable {
  /// They are no CBOR of the expected form.
  case malformed
  /// The message is of a type that this side does not know.
  case unknownType(UInt64)
}

/// Everything that is said within a session, besides the pieces of objects. Each message is the CBOR array
/// `[type, fields]`; `Protocols/messages.cddl` is its schema.
public enum ControlMessage: Sendable, Equatable {
  /// Gateway to board: how are you?
  case statusRequest
  /// Board to gateway: the answer.
  case status(Status)
  /// Either side: an object is there to be had.
  case offer(Offer)
  /// Either side: the answer to an offer.
  case answer(Answer)
  /// Either side: a received object is stored for good, or was not kept.
  case confirmation(Confirmation)
  /// Either side: a transfer is over before its end.
  case cancellation(Cancellation)
  /// Gateway to board: train.
  case train(TrainTask)
  /// Board to gateway: how training goes.
  case trainingProgress(TrainingReport)
  /// Gateway to board: stop training, its result is not wanted.
  case stopTraining(StopTraining)
  /// Gateway to board: evaluate a model on your held-out examples.
  case evaluate(EvaluationTask)
  /// Board to gateway: the result.
  case evaluation(EvaluationReport)
  /// Either side: something that was asked for cannot be done.
  case problem(Problem)
  /// Board to gateway: a line for the log.
  case logLine(LogLine)
  /// Gateway to board, over a cable only: by what both pair over the air.
  case cableSecret(CableSecretMessage)

  /// The longest message, in bytes.
  public static let maximumEncodedLength = 192

  /// Appends the CBOR of this message.
  public func encode(into buffer: inout BoundedBytes) {
    CBOREncoder.append(to: &buffer) { cbor in
      cbor.array(count: 2)
      cbor.unsigned(type)
      switch self {
      case .statusRequest: NoFields().encode(into: &cbor)
      case .status(let message): message.encode(into: &cbor)
      case .offer(let message): message.encode(into: &cbor)
      case .answer(let message): message.encode(into: &cbor)
      case .confirmation(let message): message.encode(into: &cbor)
      case .cancellation(let message): message.encode(into: &cbor)
      case .train(let message): message.encode(into: &cbor)
      case .trainingProgress(let message): message.encode(into: &cbor)
      case .stopTraining(let message): message.encode(into: &cbor)
      case .evaluate(let message): message.encode(into: &cbor)
      case .evaluation(let message): message.encode(into: &cbor)
      case .problem(let message): message.encode(into: &cbor)
      case .logLine(let message): message.encode(into: &cbor)
      case .cableSecret(let message): message.encode(into: &cbor)
      }
    }
  }

  private var type: UInt8 {
    switch self {
    case .statusRequest: return 1
    case .status: return 2
    case .offer: return 10
    case .answer: return 11
    case .confirmation: return 12
    case .cancellation: return 13
    case .train: return 20
    case .trainingProgress: return 21
    case .stopTraining: return 22
    case .evaluate: return 23
    case .evaluation: return 24
    case .problem: return 30
    case .logLine: return 31
    case .cableSecret: return CableSecretMessage.type
    }
  }

  /// Reads the CBOR of a message.
  public init(parsing bytes: Span<UInt8>) throws(ControlMessageError) {
    var type: UInt64 = 0
    do throws(CBORError) {
      var cbor = CBORDecoder(bytes)
      guard try cbor.arrayCount() == 2 else { throw .wrongType }
      type = try cbor.unsigned()
      let known = try Self.read(type, from: &cbor)
      if known == nil { try cbor.skipValue() }
      try cbor.finish()
      if let known {
        self = known
        return
      }
    } catch {
      throw .malformed
    }
    throw .unknownType(type)
  }

  /// The message of this type; nil, and nothing read, if the type is unknown.
  private static func read(_ type: UInt64, from cbor: inout CBORDecoder) throws(CBORError) -> Self? {
    switch type {
    case 1:
      _ = try NoFields(from: &cbor)
      return .statusRequest
    case 2: return .status(try Status(from: &cbor))
    case 10: return .offer(try Offer(from: &cbor))
    case 11: return .answer(try Answer(from: &cbor))
    case 12: return .confirmation(try Confirmation(from: &cbor))
    case 13: return .cancellation(try Cancellation(from: &cbor))
    case 20: return .train(try TrainTask(from: &cbor))
    case 21: return .trainingProgress(try TrainingReport(from: &cbor))
    case 22: return .stopTraining(try StopTraining(from: &cbor))
    case 23: return .evaluate(try EvaluationTask(from: &cbor))
    case 24: return .evaluation(try EvaluationReport(from: &cbor))
    case 30: return .problem(try Problem(from: &cbor))
    case 31: return .logLine(try LogLine(from: &cbor))
    case UInt64(CableSecretMessage.type): return .cableSecret(try CableSecretMessage(from: &cbor))
    default: return nil
    }
  }
}
