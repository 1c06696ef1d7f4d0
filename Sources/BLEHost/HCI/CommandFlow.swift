import LinkProtocol

/// Whether a command may go to the controller, and which one it has not answered: never more than one at a time, and
/// only when the controller has room for it (Core specification, Vol 4 Part E §4.4).
struct CommandFlow {
  /// How long a controller may take to answer.
  static let timeout: UInt64 = .seconds(2)

  /// What was sent and is not answered; none if there is no such command.
  private(set) var outstanding = Opcode.none
  private var credits = 1
  private(set) var deadline: Timestamp?

  /// Whether a command may be sent.
  var isOpen: Bool { outstanding == .none && credits > 0 }

  /// A command goes to the controller.
  mutating func sent(_ opcode: Opcode, now: Timestamp) {
    outstanding = opcode
    credits -= 1
    deadline = now + Self.timeout
  }

  /// The controller answered, or said how many commands it takes (with no opcode).
  ///
  /// - Returns: whether this is the answer to what is outstanding.
  mutating func answered(_ opcode: Opcode, credits: UInt8, now: Timestamp) -> Bool {
    self.credits = Int(credits)
    let isAwaited = opcode == outstanding && opcode != .none
    if isAwaited { outstanding = .none }
    // A controller that takes no more commands is given as long to take one again.
    deadline = isOpen ? nil : isAwaited || deadline == nil ? now + Self.timeout : deadline
    return isAwaited
  }
}
