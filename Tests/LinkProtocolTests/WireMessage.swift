import Bytes
import Digests
import PropertyTesting

@testable import LinkProtocol

/// Any message of the protocol, by the name it has in the vectors.
enum WireMessage {
  case greeting(Greeting)
  case welcome(Welcome)
  case refusal(Refusal)
  case control(ControlMessage)

  static let names = [
    "greeting", "welcome", "refusal", "statusRequest", "status", "offer", "answer", "confirmation",
    "cancellation", "train", "trainingProgress", "stopTraining", "evaluate", "evaluation", "problem",
    "logLine", "cableSecret",
  ]

  var encoded: [UInt8] {
    switch self {
    case .greeting(let message): return written { message.encode(into: &$0) }
    case .welcome(let message): return written { message.encode(into: &$0) }
    case .refusal(let message): return written { message.encode(into: &$0) }
    case .control(let message): return written { message.encode(into: &$0) }
    }
  }

  /// Reads a message that travels as the named one does.
  init(named name: String?, reading bytes: [UInt8]) throws(ControlMessageError) {
    switch name {
    case "greeting":
      guard let message = Greeting(parsing: bytes.span) else { throw .malformed }
      self = .greeting(message)
    case "welcome":
      guard let message = Welcome(parsing: bytes.span) else { throw .malformed }
      self = .welcome(message)
    case "refusal":
      guard let message = Refusal(parsing: bytes.span) else { throw .malformed }
      self = .refusal(message)
    default:
      self = .control(try ControlMessage(parsing: bytes.span))
    }
  }

  /// The message with the fields of a vector.
  init(named name: String, fields f: some Fields) {
    switch name {
    case "greeting":
      var greeting = Greeting(
        session: f.integer("session"), maximumFrame: f.integer("maximum_frame"), gateway: f.text("gateway"),
        time: f.integer("time"))
      greeting.minimumVersion = f.integer("minimum_version")
      greeting.maximumVersion = f.integer("maximum_version")
      self = .greeting(greeting)
    case "welcome":
      var welcome = Welcome(
        board: f.integer("board"), maximumFrame: f.integer("maximum_frame"),
        capabilities: Capabilities(rawValue: f.integer("capabilities")), firmware: f.text("firmware"),
        hardware: f.text("hardware"), boot: f.integer("boot"), examples: f.integer("examples"),
        maximumParameters: f.integer("maximum_parameters"))
      welcome.version = f.integer("version")
      welcome.session = f.integer("session")
      welcome.model = f.has("model") ? f.digest("model") : nil
      welcome.codings = f.integer("codings")
      self = .welcome(welcome)
    case "refusal":
      self = .refusal(
        Refusal(
          minimumVersion: f.integer("minimum_version"), maximumVersion: f.integer("maximum_version")))
    default:
      self = .control(Self.control(name, f))
    }
  }

  private static func control(_ name: String, _ f: some Fields) -> ControlMessage {
    switch name {
    case "statusRequest":
      return .statusRequest
    case "status":
      return .status(
        Status(
          phase: f.value("phase"), uptime: f.integer("uptime"), examples: f.integer("examples"),
          model: f.has("model") ? f.digest("model") : nil, round: f.optional("round")))
    case "offer":
      return .offer(
        Offer(
          transfer: f.integer("transfer"),
          object: ObjectOffer(
            kind: f.value("kind"),
            name: ObjectName(digest: f.digest("digest"), length: f.integer("length")),
            round: f.optional("round") ?? 0)))
    case "answer":
      let outcome: Answer.Outcome =
        f.has("refusal")
        ? .declined(f.value("refusal"))
        : .accepted(
          held: f.integer("held"), chunk: f.integer("chunk"), creditLimit: f.integer("credit_limit"))
      return .answer(Answer(transfer: f.integer("transfer"), outcome: outcome))
    case "confirmation":
      return .confirmation(
        Confirmation(
          transfer: f.integer("transfer"), refusal: f.has("refusal") ? f.value("refusal") : nil))
    case "cancellation":
      return .cancellation(
        Cancellation(
          transfer: f.integer("transfer"), fromSender: f.bool("from_sender"), reason: f.value("reason")))
    case "train":
      var task = TrainTask(
        round: f.integer("round"), model: f.digest("model"), epochs: f.integer("epochs"),
        batchSize: f.integer("batch_size"), learningRate: f.float("learning_rate"),
        momentum: f.float("momentum"), weightDecay: f.float("weight_decay"),
        proximal: f.float("proximal"), seed: f.integer("seed"))
      task.coding = f.optional("coding") ?? 0
      task.codingParameter = f.optional("coding_parameter") ?? 0
      task.run = f.optional("run") ?? 0
      return .train(task)
    case "trainingProgress":
      return .trainingProgress(
        TrainingReport(
          round: f.integer("round"), epoch: f.integer("epoch"), epochs: f.integer("epochs"),
          step: f.integer("step"), steps: f.integer("steps"), loss: f.float("loss")))
    case "stopTraining":
      return .stopTraining(StopTraining(round: f.integer("round")))
    case "evaluate":
      return .evaluate(EvaluationTask(model: f.digest("model")))
    case "evaluation":
      return .evaluation(
        EvaluationReport(
          model: f.digest("model"), count: f.integer("count"), correct: f.integer("correct"),
          loss: f.float("loss")))
    case "problem":
      return .problem(
        Problem(
          code: f.value("code"), about: f.optional("about"), needed: f.optional("needed"),
          available: f.optional("available")))
    case "logLine":
      return .logLine(LogLine(level: f.value("level"), text: f.text("text")))
    case "cableSecret":
      return .cableSecret(CableSecretMessage(secret: f.octets16("secret")))
    default:
      preconditionFailure("no message is named \(name)")
    }
  }
}

/// Where the fields of a message come from.
protocol Fields {
  func has(_ name: String) -> Bool
  func integer<T: FixedWidthInteger>(_ name: String) -> T
  func text(_ name: String) -> ShortText
  func digest(_ name: String) -> Digest32
  func octets16(_ name: String) -> Octets16
  func float(_ name: String) -> Float
  func bool(_ name: String) -> Bool
  func value<T: RawRepresentable<UInt8>>(_ name: String) -> T
}

extension Fields {
  func optional<T: FixedWidthInteger>(_ name: String) -> T? {
    has(name) ? integer(name) : nil
  }
}

/// Fields as a vector states them.
struct StatedFields: Fields {
  let fields: [String: Any]

  func has(_ name: String) -> Bool { fields[name] != nil }

  func integer<T: FixedWidthInteger>(_ name: String) -> T {
    if let digits = fields[name] as? String { return T(digits)! }
    return fields.integer(name)
  }

  func text(_ name: String) -> ShortText { ShortText(fields.bytes(name).span) }
  func digest(_ name: String) -> Digest32 { Digest32(fields.bytes(name).span)! }
  func octets16(_ name: String) -> Octets16 { Octets16(fields.bytes(name).span)! }
  func float(_ name: String) -> Float { Float(bitPattern: UInt32(fields.text(name), radix: 16)!) }
  func bool(_ name: String) -> Bool { fields[name] as! Bool }
  func value<T: RawRepresentable<UInt8>>(_ name: String) -> T { T(rawValue: integer(name))! }
}

/// Random fields, the edges of every range being frequent.
final class RandomFields: Fields {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  func has(_ name: String) -> Bool { random.next() & 1 == 0 }

  func integer<T: FixedWidthInteger>(_ name: String) -> T {
    let bits = random.next() >> (random.next() & 63)
    switch (name, random.next() % 8) {
    case ("length", _), ("held", _), ("credit_limit", _):
      return T(truncatingIfNeeded: min(bits & 0x7fff_ffff, UInt64(ObjectName.maximumLength)))
    case ("chunk", _): return max(1, T(truncatingIfNeeded: bits))
    case (_, 0): return .max
    case (_, 1): return 0
    default: return T(truncatingIfNeeded: bits)
    }
  }

  func text(_ name: String) -> ShortText {
    // A character can be cut in two at the end.
    var text: [UInt8] = []
    for _ in 0..<random.next() % 40 { text += Self.characters[Int(random.next() % 11)] }
    return ShortText(text.span)
  }

  private static let characters = "aZ9 -äß水👋\u{0}\n".unicodeScalars.map { Array(String($0).utf8) }

  func digest(_ name: String) -> Digest32 {
    let bytes = (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return Digest32(bytes.span)!
  }

  func octets16(_ name: String) -> Octets16 {
    let octets = (0..<16).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return Octets16(octets.span)!
  }

  func float(_ name: String) -> Float {
    random.next() & 1 == 0
      ? Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      : Float(Int(random.next() % 4096)) / 64
  }

  func bool(_ name: String) -> Bool { random.next() & 1 == 0 }

  func value<T: RawRepresentable<UInt8>>(_ name: String) -> T {
    while true {
      if let value = T(rawValue: UInt8(random.next() % 12)) { return value }
    }
  }
}
