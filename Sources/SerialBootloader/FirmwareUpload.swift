public import FirmwareImage

/// An upload to the bootloader, without I/O: bytes and the time go in, bytes come out.
///
/// Nothing that the bootloader says is trusted. It answers a write alike whether it succeeded or not, and it checks
/// nothing; so every page is verified by its checksum, and once more when all are written, because a command that lost a
/// byte on its way may have written elsewhere. What is not answered in time is taken up again from a state that is
/// known, and no more than a few times.
///
/// The bootloader starts whatever has a vector table. So the first page, which holds it, is blanked before anything else
/// is written, and written when all others are verified: whenever the cable is pulled, the board either has a whole
/// program or stays in its bootloader, where the next upload finds it.
public struct FirmwareUpload: Sendable {
  /// Bytes that are erased, written and verified at a time.
  static let pageLength = 4096
  /// How long is waited for an answer, in µs: one that takes no work, a page's checksum, erasing and writing a page.
  /// nRF52840 product specification 1.1, 6.12: at most 85 ms for an erasure and 42 ms for a page of words.
  static let askPatience: UInt64 = 1_000_000
  static let checkPatience: UInt64 = 2_000_000
  static let writePatience: UInt64 = 5_000_000
  /// How long it must be quiet before a conversation begins.
  static let quiet: UInt64 = 50_000
  static let longestNoise: UInt64 = 1_000_000
  /// How long a board may take from the command to reset until its port goes.
  static let restartPatience: UInt64 = 3_000_000
  /// How often something is tried.
  static let attempts = 5
  /// How often pages may be mended after all were written.
  static let mendings = 3

  private enum State {
    case ready
    case waiting(ReplyScanner.Expected, until: UInt64)
    case settling(until: UInt64, atMost: UInt64)
    case restarting(until: UInt64)
    case over
  }

  private enum Step {
    case hello, version, device, load, write, verify, restart
  }

  /// Something to be done with a page.
  private enum PageTask {
    case blank
    case write(page: Int)
    case check(page: Int)

    var page: Int {
      switch self {
      case .blank: 0
      case .write(let page), .check(let page): page
      }
    }
  }

  private let image: FirmwareImage
  private let pageCount: Int
  private var state = State.ready
  private var step = Step.hello
  private var tasks: [PageTask] = []
  private var position = 0
  /// Pages that did not hold what they were found to hold before.
  private var wrong: [Int] = []
  /// Whether the first page is written, and whether that had to be tried again: then it may have gone elsewhere.
  private var isSealed = false
  private var isDoubtful = false
  private var isIntroduced = false
  private var helloTries = 0
  private var tries = 0
  private var mended = 0
  private var restarts = 0
  private var bytesHeard = 0
  private var scanner = ReplyScanner()
  private var outgoing: [UInt8] = []
  private var outgoingStart = 0

  /// How it ended: nil while it has not.
  public private(set) var outcome: Result<Void, UploadError>?
  /// How far it is.
  public private(set) var progress: UploadProgress

  /// An upload of an image.
  public init(of image: FirmwareImage) {
    self.image = image
    pageCount = (image.bytes.count + Self.pageLength - 1) / Self.pageLength
    progress = UploadProgress(phase: .greeting, done: 0, total: image.bytes.count, repeated: 0)
    let others = Array(1..<max(1, pageCount))
    tasks = [.blank] + others.map(PageTask.write) + others.map(PageTask.check) + [.write(page: 0)]
  }

  // MARK: What goes out

  /// Bytes to be sent next.
  public var output: ArraySlice<UInt8> { outgoing[outgoingStart...] }

  /// So many of ``output`` are sent.
  public mutating func sent(_ count: Int) {
    outgoingStart = min(outgoingStart + max(0, count), outgoing.count)
  }

  /// When ``timePassed(now:)`` has something to do, in µs of the caller's clock.
  public var nextDeadline: UInt64? {
    switch state {
    case .waiting(_, let until), .settling(let until, _), .restarting(let until): until
    case .ready, .over: nil
    }
  }

  // MARK: What happens

  /// The port is open.
  public mutating func start(now: UInt64) {
    guard case .ready = state else { return }
    ask(.hello, now)
  }

  /// The bootloader said something.
  public mutating func received(_ bytes: some Collection<UInt8>, now: UInt64) {
    bytesHeard = min(bytesHeard + bytes.count, 1 << 30)
    switch state {
    case .waiting(let expected, _):
      scanner.append(bytes)
      if let reply = scanner.take(expected) { answered(reply, now) }
    case .settling(_, let atMost):
      state = .settling(until: min(now + Self.quiet, atMost), atMost: atMost)
    case .ready, .restarting, .over:
      break
    }
  }

  /// Time passed.
  public mutating func timePassed(now: UInt64) {
    guard let due = nextDeadline, due <= now else { return }
    switch state {
    case .waiting: unanswered(now)
    case .settling: settled(now)
    case .restarting:
      restarts += 1
      if restarts < Self.attempts { ask(.restart, now) } else { end(.failure(.notRestarted)) }
    case .ready, .over: break
    }
  }

  /// The port is gone.
  public mutating func portLost() {
    switch state {
    case .over: break
    // That is what the command to reset was for.
    case .restarting where output.isEmpty: end(.success(()))
    default:
      let done = progress.phase == .writing ? progress.done : progress.phase == .greeting ? 0 : progress.total
      end(.failure(.portLost(written: done, total: progress.total)))
    }
  }

  private mutating func end(_ outcome: Result<Void, UploadError>) {
    self.outcome = outcome
    state = .over
    outgoing = []
    outgoingStart = 0
  }

  // MARK: Asking

  private mutating func ask(_ step: Step, _ now: UInt64) {
    self.step = step
    scanner.clear()
    let page = position < tasks.count ? tasks[position].page : 0
    let address = page * Self.pageLength
    switch step {
    case .hello:
      // An upload that broke off may have left the bootloader waiting for the rest of a page: it takes whatever comes
      // for that. Beyond it a lone # is a command that does nothing.
      let filler = helloTries == 0 ? 0 : Self.pageLength + BootloaderCommand.source.bytes.count
      say(.hello, after: Array(repeating: UInt8(ascii: "#"), count: filler))
      state = .waiting(.emptyLine, until: now + Self.askPatience)
    case .version:
      say(.version)
      state = .waiting(.text, until: now + Self.askPatience)
    case .device:
      say(.device)
      state = .waiting(.text, until: now + Self.askPatience)
    case .load:
      // The buffer's content is answered to no more than the command before it; what follows it is, and only if the
      // bootloader has got every byte.
      say(.source, after: BootloaderCommand.load(length: Self.pageLength).bytes + content)
      state = .waiting(.acknowledgement, until: now + Self.checkPatience)
    case .write:
      say(.write(address: address, length: Self.pageLength))
      state = .waiting(.acknowledgement, until: now + Self.writePatience)
    case .verify:
      say(.checksum(address: address, length: Self.pageLength))
      state = .waiting(.checksum, until: now + Self.checkPatience)
    case .restart:
      progress.phase = .restarting
      say(.reset)
      state = .restarting(until: now + Self.restartPatience)
    }
  }

  /// What was not sent yet is not sent any more.
  private mutating func say(_ command: BootloaderCommand, after data: [UInt8] = []) {
    outgoing = data + command.bytes
    outgoingStart = 0
  }

  /// What the page of the present task is to hold: whole pages, because no other is erased.
  private var content: [UInt8] {
    let blank = [UInt8](repeating: 0xff, count: Self.pageLength)
    guard position < tasks.count else { return blank }
    if case .blank = tasks[position] { return blank }
    let start = tasks[position].page * Self.pageLength
    return Array((image.bytes[start...].prefix(Self.pageLength) + blank).prefix(Self.pageLength))
  }

  // MARK: Answers

  private mutating func answered(_ reply: ReplyScanner.Reply, _ now: UInt64) {
    switch (step, reply) {
    case (.hello, _):
      // What comes late belongs to what was asked before.
      state = .settling(until: now + Self.quiet, atMost: now + Self.longestNoise)
    case (.version, .text(let text)):
      // These three are used here; which it has it says in brackets.
      guard let can = text.split(separator: "[Arduino:").last, text.contains("[Arduino:"),
        "KYZ".allSatisfy({ can.contains($0) })
      else { return end(.failure(.otherBootloader(text))) }
      ask(.device, now)
    case (.device, .text(let text)):
      guard text.contains("nRF52840") else { return end(.failure(.otherChip(text))) }
      isIntroduced = true
      helloTries = 0
      progress.phase = .writing
      begin(now)
    case (.load, _): ask(.write, now)
    case (.write, _): ask(.verify, now)
    case (.verify, .checksum(let checksum)): verified(checksum == UInt32(crc16(content)), now)
    case (.version, _), (.device, _), (.verify, _), (.restart, _): break
    }
  }

  private mutating func settled(_ now: UInt64) {
    if isIntroduced { begin(now) } else { ask(.version, now) }
  }

  private mutating func unanswered(_ now: UInt64) {
    if step == .hello || !isIntroduced {
      helloTries += 1
      guard helloTries < Self.attempts else {
        return end(.failure(isIntroduced ? .fellSilent : .noBootloader(bytesHeard: bytesHeard)))
      }
    } else {
      guard isWorthATry() else { return end(.failure(.fellSilent)) }
      helloTries = 1
    }
    ask(.hello, now)
  }

  /// Counts another attempt at the present task.
  private mutating func isWorthATry() -> Bool {
    tries += 1
    progress.repeated += 1
    return tries < Self.attempts
  }

  // MARK: Tasks

  /// Begins the present task, from its first step.
  private mutating func begin(_ now: UInt64) {
    guard position < tasks.count else { return allDone(now) }
    switch tasks[position] {
    case .write(page: 0) where !wrong.isEmpty:
      mend(now)
    case .blank, .write:
      ask(.load, now)
    case .check:
      ask(.verify, now)
    }
  }

  private mutating func verified(_ isRight: Bool, _ now: UInt64) {
    let task = tasks[position]
    switch task {
    case .blank, .write:
      guard isRight || isWorthATry() else {
        return end(.failure(.notVerified(address: address(of: task.page))))
      }
      guard isRight else { return ask(.load, now) }
    case .check(let page):
      if progress.phase != .verifying || page == 0 { progress.done = 0 }
      progress.phase = .verifying
      if !isRight { wrong.append(page) }
    }
    switch task {
    case .blank: isSealed = false
    case .write(page: 0):
      isSealed = true
      isDoubtful = tries > 0
    case .write, .check: break
    }
    // The first page is written in two halves, so to speak: blanked at first, and its content at the end.
    progress.done = min(progress.done + length(of: task.page), progress.total)
    position += 1
    tries = 0
    begin(now)
  }

  private func address(of page: Int) -> UInt32 {
    image.target.loadAddress + UInt32(page * Self.pageLength)
  }

  /// Bytes of the image in a page.
  private func length(of page: Int) -> Int {
    min(Self.pageLength, image.bytes.count - page * Self.pageLength)
  }

  /// Writes once more what is wrong, the first page last.
  private mutating func mend(_ now: UInt64) {
    mended += 1
    guard mended < Self.mendings else {
      return end(.failure(.notVerified(address: address(of: wrong[0]))))
    }
    progress.phase = .writing
    let again = Set(wrong).union(isSealed ? [0] : [])
    progress.done = progress.total - again.reduce(0) { $0 + length(of: $1) }
    progress.repeated += wrong.count
    let blanking: [PageTask] = isSealed ? [.blank] : []
    tasks =
      blanking + wrong.filter { $0 != 0 }.map(PageTask.write) + (1..<max(1, pageCount)).map(PageTask.check)
      + [.write(page: 0)]
    wrong = []
    position = 0
    begin(now)
  }

  private mutating func allDone(_ now: UInt64) {
    if !wrong.isEmpty { return mend(now) }
    guard isDoubtful else { return ask(.restart, now) }
    isDoubtful = false
    tasks = (0..<pageCount).map(PageTask.check)
    position = 0
    begin(now)
  }
}
