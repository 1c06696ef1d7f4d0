import Bytes
import Digests
import LinkProtocol
import Testing

/// What a peer does that joins and then misbehaves.
enum Mischief: String, CaseIterable, CustomTestStringConvertible {
  case fallsSilent = "falls silent after its welcome"
  case offersHugeUpdate = "offers an update larger than any"
  case sendsNoUpdate = "sends bytes that are no update"
  case sendsCutUpdate = "sends an update that ends too early"
  case sendsOtherModel = "sends an update of another model's size"
  case sendsWrongBase = "sends an update trained from another model"
  case sendsNotFinite = "sends an update with NaN in it"
  case sendsWrongDigest = "sends other bytes than it offered"
  case claimsBytesNeverSent = "acknowledges bytes that were never sent"
  case saysNonsense = "sends control messages that are none"

  var testDescription: String { rawValue }

  /// Words of the line that the gateway says about it.
  var line: [String] {
    switch self {
    case .fallsSilent: ["fell silent"]
    case .offersHugeUpdate: ["its update of \(ObjectName.maximumLength) bytes is not taken"]
    case .sendsNoUpdate: ["its update cannot be read: it is no update"]
    case .sendsCutUpdate: ["its update cannot be read: its code has", "bytes instead of"]
    case .sendsOtherModel: ["not counted", "the update has 7 parameters"]
    case .sendsWrongBase: ["not counted", "trained from model"]
    case .sendsNotFinite: ["not counted", "parameter 3 of the update is not finite"]
    case .sendsWrongDigest: ["not the object that was named"]
    case .claimsBytesNeverSent: ["sent or acknowledged bytes of an object that nobody asked for"]
    case .saysNonsense: ["message that cannot be read"]
    }
  }

  /// Plays it.
  func act(on stage: inout ScriptedPeer.Stage, _ event: SessionEvent, _ now: Timestamp) {
    switch (self, event) {
    case (.fallsSilent, .offered):
      stage.isDead = true
      return
    case (.saysNonsense, .offered):
      for number in 0..<3 as Range<UInt8> {
        stage.rawFrames.append(stage.rawFrame(.control, [number, 0, 0xff, 0x17, 0x9f]))
      }
    case (.claimsBytesNeverSent, .arriving(let transfer)):
      if let progress = stage.session.progress(ofIncoming: transfer) {
        stage.acknowledge(transfer, upTo: progress.offer.name.length)
      }
    default:
      break
    }
    stage.takeModel(event, now)
    guard case .message(.train(let task)) = event else { return }
    let count = stage.parameterCount(of: task.model)
    let honest = [Float](repeating: 0.001, count: count)
    switch self {
    case .fallsSilent, .claimsBytesNeverSent, .saysNonsense:
      break
    case .offersHugeUpdate:
      let name = ObjectName(digest: task.model, length: ObjectName.maximumLength)
      _ = stage.session.offer(ObjectOffer(kind: .update, name: name, round: task.round), now: now)
    case .sendsNoUpdate:
      stage.offer(update: [UInt8](repeating: 0x55, count: 9000), round: task.round, now)
    case .sendsCutUpdate:
      stage.offer(update: updateBytes(task, delta: honest).dropLast(400), round: task.round, now)
    case .sendsOtherModel:
      stage.offer(update: updateBytes(task, delta: [1, 2, 3, 4, 5, 6, 7]), round: task.round, now)
    case .sendsWrongBase:
      let update = updateBytes(task, base: SHA256.hash(of: [1, 2, 3].span), delta: honest)
      stage.offer(update: update, round: task.round, now)
    case .sendsNotFinite:
      var delta = honest
      delta[3] = .nan
      stage.offer(update: updateBytes(task, delta: delta), round: task.round, now)
    case .sendsWrongDigest:
      let update = updateBytes(task, delta: honest)
      stage.offer(update: update, round: task.round, now)
      stage.objects.offered[SHA256.hash(of: update.span)] = update.reversed()
    }
  }
}

extension ScriptedPeer.Stage {
  /// Claims to have all bytes of a transfer up to `offset`.
  fileprivate mutating func acknowledge(_ transfer: TransferNumber, upTo offset: UInt32) {
    var body = BoundedBytes(capacity: 12)
    body.append(littleEndian: UInt64(transfer), width: 2)
    body.append(littleEndian: 0, width: 2)
    body.append(littleEndian: UInt64(offset), width: 4)
    body.append(littleEndian: UInt64(offset), width: 4)
    rawFrames.append(rawFrame(.chunkAcknowledgement, body.span.copy))
  }
}
