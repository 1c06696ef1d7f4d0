/// Holds back ports that udev's rules have not run over yet, without I/O.
///
/// Until its rules ran, a node may have the wrong group, and the monitor tells when they did. But a daemon that was not
/// there when the device came never runs them, and such a port would stay unknown for ever: after a while it counts
/// as it is, and opening it says what is wrong.
struct PortSettling {
  /// How long a listed port may wait for its rules, in µs.
  static let patience: UInt64 = 10_000_000

  private var since: [Plugging: UInt64] = [:]

  /// Whether a port waits, so that listing again is worth while.
  var isWaiting: Bool { !since.isEmpty }

  /// The ports of a complete listing that count.
  ///
  /// - Parameters:
  ///   - listing: every port that is there, and whether udev is done with it.
  ///   - known: those that counted before. They go on to count: a daemon that starts has run no rules yet.
  ///   - now: in µs.
  mutating func admit(
    _ listing: [(port: SerialPort, isReady: Bool)], known: Set<Plugging>, now: UInt64
  ) -> [SerialPort] {
    var waiting: [Plugging: UInt64] = [:]
    var admitted: [SerialPort] = []
    for (port, isReady) in listing {
      let first = since[port.plugging] ?? now
      if isReady || known.contains(port.plugging) || now &- first >= Self.patience {
        admitted.append(port)
      } else {
        waiting[port.plugging] = first
      }
    }
    since = waiting
    return admitted
  }
}
