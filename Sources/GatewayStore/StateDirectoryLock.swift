import Foundation
import Glibc
import Synchronization

/// The right to serve a state directory, held until it is released or the value goes away.
///
/// It is an advisory `flock` on `fedbridge.lock`: the kernel releases it when the process ends in whatever way,
/// so that no stale lock is ever in the way. The file holds the pid for people and for the error message only.
final class StateDirectoryLock: Sendable {
  /// The open lock file, nil once released.
  private let descriptor: Mutex<Int32?>

  /// Takes the lock.
  ///
  /// - Parameter directory: an existing directory.
  /// - Throws: ``StoreError/locked(path:pid:)`` when another gateway has it,
  ///   ``StoreError/notWritable(path:detail:)`` or ``StoreError/diskFull(path:)``.
  init(directory: String) throws(StoreError) {
    let path = directory + "/fedbridge.lock"
    // Close-on-exec: a virtual board started by the gateway must not keep the lock when the gateway dies.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw StoreError(errno: errno, path: path) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let problem = errno
      if problem == EINTR { continue }
      let pid = Self.pid(in: descriptor)
      close(descriptor)
      throw problem == EWOULDBLOCK
        ? .locked(path: directory, pid: pid) : StoreError(errno: problem, path: path)
    }
    // The pid is a courtesy: on a full disk the lock holds all the same.
    let text = "\(getpid())\n"
    if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.utf8.count, 0) }
    self.descriptor = Mutex(descriptor)
  }

  deinit {
    release()
  }

  /// Gives the directory free; a second time it does nothing.
  func release() {
    descriptor.withLock { held in
      if let descriptor = held { close(descriptor) }
      held = nil
    }
  }

  private static func pid(in descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    return Int32(text.prefix { $0.isNumber })
  }
}

extension StoreError {
  /// What a failed system call on a file of the state means.
  init(errno code: Int32, path: String) {
    let detail = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT: self = .diskFull(path: path)
    case EIO: self = .ioFailure(path: path, detail: detail)
    default: self = .notWritable(path: path, detail: detail)
    }
  }
}
