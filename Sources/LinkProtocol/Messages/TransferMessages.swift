import CBOR
import Digests

/// Either side: an object is there to be had.
public struct Offer: Sendable, Equatable {
  /// The number that the sender gave the transfer.
  public var transfer: TransferNumber
  /// What is offered.
  public var object: ObjectOffer

  init(transfer: TransferNumber, object: ObjectOffer) {
    self.transfer = transfer
    self.object = object
  }
}

extension Offer: MessageFields {
  static var requiredKeys: UInt32 { 4 }

  init() {
    self.init(
      transfer: 0,
      object: ObjectOffer(kind: .model, name: ObjectName(digest: .zero, length: 0), round: 0))
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: transfer)
      cbor.field(2, unsigned: object.kind.rawValue)
      cbor.field(3, bytes: object.name.digest.span)
      cbor.field(4, unsigned: object.name.length)
      if object.round != 0 { cbor.field(5, unsigned: object.round) }
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: transfer = try cbor.unsigned()
    case 2: object.kind = try cbor.value()
    case 3: object.name.digest = try cbor.digest()
    case 4: object.name.length = try cbor.unsigned(max: ObjectName.maximumLength)
    case 5: object.round = try cbor.unsigned()
    default: break
    }
  }
}

/// Either side: the answer to an offer.
public struct Answer: Sendable, Equatable {
  /// What the receiver says.
  public enum Outcome: Sendable, Equatable {
    /// It takes the object from byte `held` on, in chunks of `chunk` bytes, up to byte `creditLimit` for now.
    case accepted(held: UInt32, chunk: UInt16, creditLimit: UInt32)
    /// It does not take it.
    case declined(TransferRefusal)
  }

  /// The transfer.
  public var transfer: TransferNumber
  /// What the receiver says.
  public var outcome: Outcome
}

extension Answer: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  /// A refusal, or all of an acceptance.
  static func isComplete(_ keys: UInt32) -> Bool {
    keys & 0b11_1110 == 0b00_0110 || keys & 0b11_1110 == 0b11_1010
  }

  init() {
    self.init(transfer: 0, outcome: .declined(.busy))
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: transfer)
      switch outcome {
      case .declined(let refusal):
        cbor.field(2, unsigned: refusal.rawValue)
      case .accepted(let held, let chunk, let creditLimit):
        cbor.field(3, unsigned: held)
        cbor.field(4, unsigned: chunk)
        cbor.field(5, unsigned: creditLimit)
      }
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: transfer = try cbor.unsigned()
    case 2: outcome = .declined(try cbor.value())
    case 3:
      let held = try cbor.unsigned(max: ObjectName.maximumLength)
      outcome = .accepted(held: held, chunk: 0, creditLimit: 0)
    case 4:
      guard case .accepted(let held, _, _) = outcome else { throw .wrongType }
      let chunk: UInt16 = try cbor.unsigned()
      guard chunk > 0 else { throw .overflow }
      outcome = .accepted(held: held, chunk: chunk, creditLimit: 0)
    case 5:
      guard case .accepted(let held, let chunk, _) = outcome else { throw .wrongType }
      let creditLimit = try cbor.unsigned(max: ObjectName.maximumLength)
      outcome = .accepted(held: held, chunk: chunk, creditLimit: creditLimit)
    default: break
    }
  }
}

/// Either side: a received object is stored for good, or was not kept.
public struct Confirmation: Sendable, Equatable {
  /// The transfer.
  public var transfer: TransferNumber
  /// Why it was not kept; nil if it was.
  public var refusal: TransferRefusal?
}

extension Confirmation: MessageFields {
  static var requiredKeys: UInt32 { 1 }

  init() {
    self.init(transfer: 0, refusal: nil)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: transfer)
      if let refusal { cbor.field(2, unsigned: refusal.rawValue) }
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: transfer = try cbor.unsigned()
    case 2:
      let value: TransferRefusal = try cbor.value()
      refusal = value
    default: break
    }
  }
}

/// Either side: a transfer is over before its end.
public struct Cancellation: Sendable, Equatable {
  /// The transfer.
  public var transfer: TransferNumber
  /// Whether the object's sender says so; else its receiver. Each side numbers the transfers it sends.
  public var fromSender: Bool
  /// Why.
  public var reason: TransferRefusal
}

extension Cancellation: MessageFields {
  static var requiredKeys: UInt32 { 3 }

  init() {
    self.init(transfer: 0, fromSender: false, reason: .obsolete)
  }

  func encode(into cbor: inout CBOREncoder) {
    cbor.map { cbor in
      cbor.field(1, unsigned: transfer)
      cbor.field(2, bool: fromSender)
      cbor.field(3, unsigned: reason.rawValue)
    }
  }

  mutating func read(_ key: UInt32, from cbor: inout CBORDecoder) throws(CBORError) {
    switch key {
    case 1: transfer = try cbor.unsigned()
    case 2: fromSender = try cbor.bool()
    case 3: reason = try cbor.value()
    default: break
    }
  }
}
