/// What BlueZ asks of a person, or of a program in place of one, while a pairing is under way.
public enum PairingQuestion: Sendable {
  /// The six digits that the device shows, 0…999,999.
  case passkey
  /// Whether to go on without any proof of who the device is: Just Works.
  case unproven
}

/// What is answered.
public enum PairingReply: Sendable {
  /// The digits.
  case passkey(UInt32)
  /// Go on.
  case accept
  /// Do not.
  case refuse
}

/// The object that BlueZ calls while it pairs, `org.bluez.Agent1`: it answers for the one pairing that this program
/// has begun with a device, and refuses whatever else is asked.
final class PairingAgent {
  static let path = "/org/fedbridge/agent"
  static let interface = "org.bluez.Agent1"
  /// It can type digits and look at some, and so does not limit what a board can ask for.
  static let capability = "KeyboardDisplay"

  private static let rejected = "org.bluez.Error.Rejected"

  /// A pairing under way: which device, and who answers.
  struct Pairing {
    var device: String
    var answer: @Sendable (PairingQuestion) async -> PairingReply
  }

  /// By the device's path.
  private var pairings: [String: Pairing] = [:]
  /// Runs an answer's computation, and brings what it gave back to this thread.
  private let ask: (Pairing, PairingQuestion, @escaping (PairingReply) -> Void) -> Void

  init(ask: @escaping (Pairing, PairingQuestion, @escaping (PairingReply) -> Void) -> Void) { self.ask = ask }

  func begin(_ pairing: Pairing) { pairings[pairing.device] = pairing }
  func end(_ device: String) { pairings[device] = nil }

  /// Answers a call of BlueZ; false if there is no such method.
  func called(_ call: BusMessage) -> Bool {
    guard call.interface == Self.interface else { return false }
    let incoming = IncomingCall(call)
    switch call.member {
    case "Release", "Cancel":
      incoming.answer()
    case "RequestPasskey":
      question(.passkey, call, incoming) { reply in
        if case .passkey(let passkey) = reply, passkey <= 999_999 { [.uint32(passkey)] } else { nil }
      }
    case "RequestConfirmation", "RequestAuthorization":
      question(.unproven, call, incoming) { reply in
        if case .accept = reply { [] } else { nil }
      }
    case "DisplayPasskey":
      // The board would have to type: it has no keys, so this is none of ours.
      incoming.refuse(Self.rejected, "a board has no keyboard")
    case "DisplayPinCode", "RequestPinCode":
      incoming.refuse(Self.rejected, "legacy pairing is not supported")
    case "AuthorizeService":
      incoming.refuse(Self.rejected, "no service is offered")
    default:
      return false
    }
    return true
  }

  private func question(
    _ question: PairingQuestion, _ call: BusMessage, _ incoming: IncomingCall,
    _ arguments: @escaping (PairingReply) -> [BusArgument]?
  ) {
    guard let device = call.values().first?.text, let pairing = pairings[device] else {
      return incoming.refuse(Self.rejected, "this pairing was not begun here")
    }
    ask(pairing, question) { reply in
      if let arguments = arguments(reply) {
        incoming.answer(arguments)
      } else {
        incoming.refuse(Self.rejected, "refused")
      }
    }
  }
}
