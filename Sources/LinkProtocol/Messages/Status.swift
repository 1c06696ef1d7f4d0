import CBOR
public import Digests

/// What a board is doing.
public enum BoardPhase: UInt8, Sendable, Equatable {
  /// Nothing; it waits for the gateway.
  case idle = 0
  /// It receives an object.
  case receiving = 1
  /// It trains.
  case training = 2
  /// It evaluates a model.
  case evaluating = 3
  /// It has an update that the gateway did not confirm yet.
  case holdingUpdate = 4
}

/// Board to gateway: how it is.
public struct Status: Sendable, Equatable {
  /// What it is doing.
  public var phase: BoardPhase
  /// Seconds since it was reset.
  public var uptime: UInt32
  /// Examples it can train on.
  public var examples: UInt32
  /// The model it holds; nil if none.
  public var model: Digest32?
  /// The round it works on; nil if none.
  public var round: UInt32?

  /// A message with these fields.
  public init(
    phase: BoardPhase, uptime: UInt32, examples: UInt32, model: Digest32? = nil, round: UInt32? = nil
  ) {
    self.phase = phase
    self.uptime = uptime
    self.examples = examples
    self.model = model
    self.round = round
  }
}

extension Status: MessageFields {
  static var requiredKeys: UInt32 { 3 }

  init() {
    self.init(phase: .idle, uptime: 0, examples: 0)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: phase.rawValue)
      cbor.field(2, unsigned: uptime)
      cbor.field(3, unsigned: examples)
      if let model { cbor.field(4, bytes: model.span) }
      if let round { cbor.field(5, unsigned: round) }
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: phase = try cbor.value()
    case 2: uptime = try cbor.unsigned()
    case 3: examples = try cbor.unsigned()
    case 4: model = try cbor.digest()
    case 5: round = try cbor.unsigned(as: UInt32.self)
    default: break
    }
  }
}
