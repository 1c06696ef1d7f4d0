import Foundation
import Glibc
import Synchronization

/// A program of ours as a process of its own: what it says is collected, how it ends is known.
final class RunningProgram: Sendable {
  /// How a process ended.
  enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  let pid: pid_t
  /// What it says on standard error, and on standard output.
  let log = LineCollector()
  let output = LineCollector()
  private let name: String
  private let lifeline: Int32?
  private let ending = Mutex<Ending?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - path: the program; looked for in PATH when there is no slash in it.
  ///   - hasLifeline: whether its standard input is a pipe that ends with this process, or when it is killed.
  init(_ path: String, _ arguments: [String], hasLifeline: Bool = false) throws {
    name = String(path.split(separator: "/").last ?? "program")
    let (errors, errorsWriter) = try Self.pair()
    let (lines, linesWriter) = try Self.pair()
    let input: (reader: Int32, writer: Int32?)
    if hasLifeline {
      let (reader, writer) = try Self.pair()
      input = (reader, writer)
    } else {
      input = (open("/dev/null", O_RDONLY | O_CLOEXEC), nil)
    }
    defer { for descriptor in [errorsWriter, linesWriter, input.reader] { close(descriptor) } }
    pid = try Self.spawn(
      path, arguments, descriptors: [input.reader, linesWriter, errorsWriter])
    lifeline = input.writer
    log.collect(from: errors)
    output.collect(from: lines)
    Thread.detachNewThread { self.awaitEnd() }
  }

  private static func pair() throws -> (reader: Int32, writer: Int32) {
    // Closed on exec from the first moment, which Swift's Glibc offers for sockets only.
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure("no pair of sockets to be had") }
    return (ends[0], ends[1])
  }

  private static func spawn(_ path: String, _ arguments: [String], descriptors: [Int32]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, descriptor) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    // Threads of a test runner block signals, and a program would begin with them blocked.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let result = posix_spawnp(&pid, path, &actions, &attributes, words, environ)
    guard result == 0 else { throw Failure("cannot start \(path): \(String(cString: strerror(result)))") }
    return pid
  }

  private func awaitEnd() {
    var information = siginfo_t()
    while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
    // The process number is given free and its end noted in one step, so that no signal goes to a stranger.
    ending.withLock { ending in
      var status: Int32 = 0
      waitpid(pid, &status, 0)
      let signal = status & 0x7f
      ending = signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
    }
    ended.signal()
  }

  /// Sends a signal, if the process is still there.
  func send(_ signal: Int32) {
    ending.withLock { if $0 == nil { kill(pid, signal) } }
  }

  /// Waits for the end.
  func end(within seconds: Double) throws -> Ending {
    guard ended.wait(timeout: .now() + seconds) == .success else {
      throw Failure("\(name) (pid \(pid)) did not end within \(seconds) s; it said last:\n\(log.tail)")
    }
    ended.signal()
    return ending.withLock { $0 ?? .exit(-1) }
  }

  /// Whether it runs.
  var isRunning: Bool { ending.withLock { $0 == nil } }

  /// Ends it in whatever state it is.
  func destroy() {
    send(SIGCONT)
    send(SIGKILL)
    _ = try? end(within: 10)
    if let lifeline { close(lifeline) }
  }
}

/// What a test needed and did not get, with what helps to find out why.
struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
