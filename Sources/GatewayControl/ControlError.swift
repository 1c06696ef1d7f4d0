/// What can go wrong on the control socket, on either side. Each case has a stable code, a cause and a remedy.
public enum ControlError: Error, Hashable, Sendable {
  /// The socket's path does not fit into an address.
  case pathTooLong(path: String)
  /// Another daemon listens there.
  case inUse(path: String, pid: Int32?)
  /// Something else lies where the socket is to be.
  case notASocket(path: String)
  /// The socket cannot be made.
  case cannotListen(path: String, detail: String)
  /// Nobody listens there.
  case noDaemon(path: String)
  /// The socket is somebody else's.
  case notPermitted(path: String)
  /// The socket is there, and cannot be connected to.
  case unreachable(path: String, detail: String)
  /// The daemon ended, or closed the connection, before the request was answered.
  case hungUp
  /// What the daemon said is no reply.
  case notUnderstood(detail: String)
  /// The other side speaks another version, or did not say which.
  case otherVersion(client: Int?, daemon: Int)
  /// The line is no JSON object.
  case garbage
  /// More bytes than this came without the end of a line.
  case lineTooLong(limit: Int)
  /// There is no such request.
  case unknownRequest(String)
  /// The request lacks something or has a value beyond its limits.
  case badRequest(String)
  /// So many clients are there already.
  case tooManyClients(limit: Int)
  /// The client's user may not speak with this daemon.
  case notAdmitted(user: UInt32)
  /// No request came in this many seconds.
  case noRequest(seconds: Int)
  /// The daemon had nothing to answer.
  case unanswered
}

extension ControlError: CustomStringConvertible {
  /// A code that never changes, for scripts.
  public var code: String {
    switch self {
    case .pathTooLong: "control-path-too-long"
    case .inUse: "control-in-use"
    case .notASocket: "control-not-a-socket"
    case .cannotListen: "control-cannot-listen"
    case .noDaemon: "control-no-daemon"
    case .notPermitted: "control-not-permitted"
    case .unreachable: "control-unreachable"
    case .hungUp: "control-hung-up"
    case .notUnderstood: "control-not-understood"
    case .otherVersion: "control-other-version"
    case .garbage: "control-garbage"
    case .lineTooLong: "control-line-too-long"
    case .unknownRequest: "control-unknown-request"
    case .badRequest: "control-bad-request"
    case .tooManyClients: "control-too-many-clients"
    case .notAdmitted: "control-not-admitted"
    case .noRequest: "control-no-request"
    case .unanswered: "control-unanswered"
    }
  }

  /// What happened.
  public var cause: String {
    switch self {
    case .pathTooLong(let path):
      "\(path) has \(path.utf8.count) bytes, and the path of a socket at most \(UnixSocket.longestPath)"
    case .inUse(let path, .some(let pid)): "the daemon with pid \(pid) listens on \(path)"
    case .inUse(let path, nil): "another daemon listens on \(path)"
    case .notASocket(let path): "\(path) is there and is not a socket"
    case .cannotListen(let path, let detail): "cannot listen on \(path) (\(detail))"
    case .noDaemon(let path): "no daemon listens on \(path)"
    case .notPermitted(let path): "the daemon of \(path) is another user's"
    case .unreachable(let path, let detail): "cannot connect to \(path) (\(detail))"
    case .hungUp: "the daemon went away before the request was answered"
    case .notUnderstood(let detail): "the daemon said what cannot be understood (\(detail))"
    case .otherVersion(.some(let client), let daemon):
      "the command speaks version \(client) of the control protocol, the daemon version \(daemon)"
    case .otherVersion(nil, let daemon):
      "the first line names no version of the control protocol; the daemon speaks version \(daemon)"
    case .garbage: "what came is not a JSON object of the control protocol on one line"
    case .lineTooLong(let limit): "a line has more than \(limit) bytes"
    case .unknownRequest(let name): "the daemon does not know the request \(name.debugDescription)"
    case .badRequest(let detail): "the request is not as it should be (\(detail))"
    case .tooManyClients(let limit): "\(limit) clients are being answered already"
    case .notAdmitted(let user): "user \(user) is neither the daemon's user nor root"
    case .noRequest(let seconds): "no request came within \(seconds) s"
    case .unanswered: "the daemon had no answer"
    }
  }

  /// What to do about it.
  public var remedy: String {
    switch self {
    case .pathTooLong: "use a shorter --state-dir"
    case .inUse(_, .some(let pid)): "stop it (kill \(pid)), or use another --state-dir"
    case .inUse(_, nil): "stop it, or use another --state-dir"
    case .notASocket: "move it away, or use another --state-dir"
    case .cannotListen: "give the gateway's user write access, or use another --state-dir"
    case .noDaemon: "start one with: fedbridge run; or name the --state-dir of the one that runs"
    case .notPermitted, .notAdmitted: "run the command as the daemon's user, or as root (sudo)"
    case .unreachable: "try again; if it stays so, restart the daemon"
    case .hungUp: "see whether it runs and what it logged, then try again"
    case .notUnderstood, .otherVersion:
      "restart the daemon if it was updated, and use the fedbridge program that it was started from"
    case .garbage, .lineTooLong, .badRequest: "speak as Protocols/control.md describes"
    case .unknownRequest: "update the daemon: a later one may know it"
    case .tooManyClients: "let one of them end, then try again"
    case .noRequest: "connect when there is something to ask"
    case .unanswered: "please report it, this is a mistake of the gateway"
    }
  }

  /// Cause, remedy and code in one line.
  public var description: String { "\(cause); \(remedy) [\(code)]" }
}
