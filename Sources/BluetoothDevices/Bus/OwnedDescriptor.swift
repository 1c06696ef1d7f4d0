import Glibc

/// A file descriptor that is closed when nobody needs it any more.
public final class OwnedDescriptor: Sendable {
  /// The descriptor, for as long as this object lives.
  public let descriptor: CInt

  /// Takes a descriptor over.
  public init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Another descriptor of the same file, for who closes what it was given.
  ///
  /// - Throws: errno when the process has no descriptor left.
  public func duplicate() throws(Errno) -> CInt {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw Errno(code: errno) }
    return copy
  }

  /// The number of an error of the system.
  public struct Errno: Error, Sendable {
    /// As in errno(3).
    public var code: CInt
  }
}
