import Glibc
import Synchronization

/// Where lines leave the process: one lock, one write(2) a line.
///
/// A log must never hold up an event loop. If the reader of a pipe or terminal does not keep up, a line waits at most
/// ``patience``; then it is dropped, and so is every following one at once, until the reader takes something again
/// and is told how many it missed. A line that was cut in the middle is finished first.
final class ConsoleSink: Sendable {
  /// How long one line may wait for its reader, in milliseconds.
  static let patience = 50

  /// The most bytes written at once: PIPE_BUF, up to which lines of several processes do not mix in a pipe, and
  /// which fits into a pipe that poll(2) calls writable.
  private static let chunk = 4096

  private struct State {
    var screen: LiveScreen
    var isScheduled = false
    /// The rest of a line of which the beginning was written.
    var rest: [UInt8] = []
    var lost = 0
  }

  private let descriptor: Int32
  private let hasScreen: Bool
  private let droppedNotice: @Sendable (Int) -> String
  private let state: Mutex<State>

  /// - Parameters:
  ///   - descriptor: borrowed; must stay open. Blocking or not.
  ///   - hasScreen: whether it is a terminal that understands ECMA-48.
  ///   - statusLines: the most status lines.
  ///   - droppedNotice: the line that tells how many lines were dropped.
  init(
    descriptor: Int32, hasScreen: Bool, statusLines: Int, droppedNotice: @escaping @Sendable (Int) -> String
  ) {
    self.descriptor = descriptor
    self.hasScreen = hasScreen
    self.droppedNotice = droppedNotice
    state = Mutex(State(screen: LiveScreen(limit: statusLines)))
  }

  /// Writes one line; `line` has no line end.
  func write(_ line: String) {
    state.withLock { state in
      let whole = (state.lost > 0 ? droppedNotice(state.lost) + "\n" : "") + line + "\n"
      if hasScreen {
        onScreen(&state, isLine: true) { $0.write(whole, now: steadyMilliseconds(), size: size()) }
      } else {
        send(whole, isLine: true, &state)
      }
    }
  }

  /// Sets or (nil) takes away a status line.
  func setStatus(_ key: String, _ line: String?) {
    guard hasScreen else { return }
    let wait: Int? = state.withLock { state in
      state.screen.set(key, line)
      guard !state.isScheduled, let wait = state.screen.redrawDue(now: steadyMilliseconds()) else {
        return nil
      }
      state.isScheduled = wait > 0
      if wait == 0 { redraw(&state) }
      return wait > 0 ? wait : nil
    }
    // Too early: the last change must show all the same, even if no other follows.
    if let wait {
      Task {
        try? await Task.sleep(for: .milliseconds(wait))
        state.withLock { state in
          state.isScheduled = false
          if state.screen.redrawDue(now: steadyMilliseconds()) != nil { redraw(&state) }
        }
      }
    }
  }

  /// Takes the status lines off the screen.
  func endStatus() {
    guard hasScreen else { return }
    state.withLock { state in onScreen(&state, isLine: false) { $0.end(size()) } }
  }

  private func redraw(_ state: inout State) {
    onScreen(&state, isLine: false) { $0.redraw(now: steadyMilliseconds(), size: size()) }
  }

  /// Writes what a change of the screen asks for. If the terminal takes nothing, the screen is as it was.
  private func onScreen(_ state: inout State, isLine: Bool, _ change: (inout LiveScreen) -> String) {
    var screen = state.screen
    let text = change(&screen)
    if send(text, isLine: isLine, &state) { state.screen = screen }
  }

  /// Writes a text, all of it or (for lack of a reader) nothing; the rest of a text that was begun is kept.
  ///
  /// - Returns: false if nothing was written.
  @discardableResult
  private func send(_ text: String, isLine: Bool, _ state: inout State) -> Bool {
    // Whoever did not read before is not waited for again.
    let patience = state.lost > 0 || !state.rest.isEmpty ? 0 : Self.patience
    output(&state.rest, patience)
    guard state.rest.isEmpty else {
      state.lost += isLine ? 1 : 0
      return false
    }
    var bytes = Array(text.utf8)
    let count = bytes.count
    output(&bytes, patience)
    if count > 0 && bytes.count == count {
      state.lost += isLine ? 1 : 0
      return false
    }
    state.rest = bytes
    if isLine { state.lost = 0 }
    return true
  }

  /// Writes as much of `bytes` as goes within `patience` milliseconds and removes it.
  private func output(_ bytes: inout [UInt8], _ patience: Int) {
    let deadline = steadyMilliseconds() + patience
    var written = 0
    defer { bytes.removeFirst(written) }
    while written < bytes.count {
      // Asked first, because the descriptor may be a blocking one, which is not ours to change: it is shared with the
      // shell.
      var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let answer = poll(&ready, 1, Int32(max(0, deadline - steadyMilliseconds())))
      if answer == 0 { return }
      if answer < 0 {
        if errno == EINTR { continue }
        written = bytes.count
        return
      }
      let part = min(bytes.count - written, Self.chunk)
      let result = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, part) }
      if result > 0 {
        written += result
      } else if result == 0 || errno == EAGAIN {
        // Writable for poll(2), yet not for this much: another process was faster. Tried again until the deadline.
        if steadyMilliseconds() >= deadline { return }
      } else if errno != EINTR {
        // EPIPE, EIO, EBADF: nobody is there to read, or to be told.
        written = bytes.count
      }
    }
  }

  private func size() -> TerminalSize {
    var window = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
      return TerminalSize(columns: 80, rows: 24)
    }
    return TerminalSize(columns: Int(window.ws_col), rows: Int(window.ws_row))
  }
}
