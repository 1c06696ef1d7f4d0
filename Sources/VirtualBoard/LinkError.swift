/// Why a board's end of a link cannot be had.
enum LinkError: Error, CustomStringConvertible {
  case pseudoTerminal(String)
  case symbolicLink(path: String, reason: String)
  case notALink(path: String)
  case cannotOpen(path: String, reason: String)

  /// Cause and remedy.
  var description: String {
    switch self {
    case .pseudoTerminal(let reason):
      return "no pseudo-terminal can be made: \(reason); is /dev/pts mounted?"
    case .symbolicLink(let path, let reason):
      return "cannot make the link \(path): \(reason); is its directory there and writable?"
    case .notALink(let path):
      return "\(path) is neither a terminal nor a socket nor a link of ours; name another path"
    case .cannotOpen(let path, let reason):
      return "cannot open \(path): \(reason)"
    }
  }
}
