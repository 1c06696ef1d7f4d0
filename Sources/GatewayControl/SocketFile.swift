import Glibc

/// The socket that a server listens on, as a file: made without a moment in which others could connect to it, removed
/// when the server stops.
struct SocketFile: Sendable {
  /// Where it is.
  let path: String
  /// Who may connect.
  let access: PeerAccess
  /// The socket, which listens. It belongs to whoever made this value.
  let descriptor: CInt
  private let device: dev_t
  private let inode: ino_t

  /// Clients that the kernel keeps until they are accepted.
  private static let backlog: CInt = 32

  /// Makes the socket and listens.
  ///
  /// A socket that nobody listens on any more is replaced. Two daemons that do this at the same moment are kept apart by
  /// the state directory's lock, which whoever calls this holds.
  ///
  /// - Parameter group: members of this group may connect if it owns the folder.
  init(path: String, group: String) throws(ControlError) {
    try Self.clear(path)
    let descriptor = try UnixSocket.bind(to: path)
    let folderGroup = Self.folderGroup(of: path, named: group)
    // A group that its owner does not belong to cannot be given a file; then it stays private.
    let shared = folderGroup.flatMap { lchown(path, uid_t.max, $0) == 0 ? $0 : nil }
    var status = stat()
    guard chmod(path, shared == nil ? 0o600 : 0o660) == 0, lstat(path, &status) == 0,
      listen(descriptor, Self.backlog) == 0
    else {
      let problem = errno
      unlink(path)
      close(descriptor)
      throw .cannotListen(path: path, detail: UnixSocket.text(problem))
    }
    self.path = path
    self.descriptor = descriptor
    access = PeerAccess(user: geteuid(), group: shared)
    device = status.st_dev
    inode = status.st_ino
  }

  /// Removes the file, unless another is there meanwhile.
  func remove() {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
    unlink(path)
  }

  /// Makes room: a socket that was left behind goes, one that is in use and what is no socket stays.
  private static func clear(_ path: String) throws(ControlError) {
    var status = stat()
    // A path that is too long is told before anything else.
    let attempt = try UnixSocket.connect(to: path)
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      if case .connected(let descriptor) = attempt { close(descriptor) }
      throw .notASocket(path: path)
    }
    switch attempt {
    case .connected(let descriptor):
      let pid = PeerCredentials(of: descriptor)?.pid
      close(descriptor)
      throw .inUse(path: path, pid: pid)
    // So many wait to be accepted that there is no room for one more.
    case .failed(EAGAIN): throw .inUse(path: path, pid: nil)
    case .failed(let problem): throw .cannotListen(path: path, detail: UnixSocket.text(problem))
    case .nobody:
      guard unlink(path) == 0 || errno == ENOENT else {
        throw .cannotListen(path: path, detail: UnixSocket.text(errno))
      }
    }
  }

  /// The group that owns the folder, if it has this name.
  private static func folderGroup(of path: String, named name: String) -> gid_t? {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    var status = stat()
    guard stat(folder, &status) == 0 else { return nil }
    return groupID(of: name) == status.st_gid ? status.st_gid : nil
  }

  private static func groupID(of name: String) -> gid_t? {
    // A group's entry holds the names of its members.
    var size = 1024
    while size <= 1_048_576 {
      var entry = group()
      var found: UnsafeMutablePointer<group>?
      var buffer = [CChar](repeating: 0, count: size)
      let problem = getgrnam_r(name, &entry, &buffer, size, &found)
      if problem == 0 { return found.map { $0.pointee.gr_gid } }
      guard problem == ERANGE else { return nil }
      size *= 4
    }
    return nil
  }
}
