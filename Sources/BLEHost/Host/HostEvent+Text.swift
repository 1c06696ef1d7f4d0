import BLESecurity
public import Bytes

extension HostEvent {
  /// Room for any line of ``appendLine(to:)``.
  public static let longestLine = 64

  /// Appends what a person at the board would see on its display, without a line feed; nothing if this event is none
  /// for people.
  public func appendLine(to text: inout BoundedBytes) {
    switch self {
    case .displayPasskey(let passkey):
      Self.append("passkey ", to: &text)
      Self.append(passkey, digits: 6, to: &text)
    case .hidePasskey: Self.append("passkey hidden", to: &text)
    case .paired(let isAuthenticated): Self.append("paired", isAuthenticated, to: &text)
    case .encrypted(let isAuthenticated): Self.append("encrypted", isAuthenticated, to: &text)
    case .pairingFailed(let failure):
      Self.append("pairing failed: ", to: &text)
      Self.append(failure, to: &text)
    case .pairingRefused(let reason):
      Self.append("pairing refused: ", to: &text)
      Self.append(reason.name, to: &text)
    case .controllerFailed(let fault):
      Self.append("controller failed: ", to: &text)
      Self.append(fault, to: &text)
    case .started, .connected, .disconnected, .bondChanged, .carrierOpened, .carrierClosed: break
    }
  }

  private static func append(_ what: StaticString, to text: inout BoundedBytes) {
    for i in 0..<what.utf8CodeUnitCount { text.append(what.utf8Start[i]) }
  }

  private static func append(_ what: StaticString, _ isAuthenticated: Bool, to text: inout BoundedBytes) {
    append(what, to: &text)
    if isAuthenticated { append(", authenticated", to: &text) }
  }

  /// At least so many decimal digits.
  private static func append(_ number: UInt32, digits: Int, to text: inout BoundedBytes) {
    var unit: UInt32 = 1_000_000_000
    var left = 10
    while unit > 0 {
      if number >= unit || left <= digits {
        text.append(0x30 + UInt8(truncatingIfNeeded: number / unit % 10))
      }
      unit /= 10
      left -= 1
    }
  }

  private static func append(_ failure: PairingFailure, to text: inout BoundedBytes) {
    switch failure {
    case .refused(let reason):
      append("refused, ", to: &text)
      append(reason.name, to: &text)
    case .refusedByPeer(let reason):
      append("refused by the gateway, reason ", to: &text)
      append(UInt32(reason), digits: 1, to: &text)
    case .timedOut: append("timed out", to: &text)
    case .connectionLost: append("connection lost", to: &text)
    case .notEncrypted: append("not encrypted", to: &text)
    }
  }

  private static func append(_ fault: ControllerFault, to text: inout BoundedBytes) {
    switch fault {
    case .noAnswer(let opcode):
      append("no answer to command ", to: &text)
      append(UInt32(opcode), digits: 1, to: &text)
    case .unusable(let opcode):
      append("cannot be used, command ", to: &text)
      append(UInt32(opcode), digits: 1, to: &text)
    case .hardware(let code):
      append("hardware error ", to: &text)
      append(UInt32(code), digits: 1, to: &text)
    }
  }
}
