import Glibc

/// Who is at the other end of a Unix socket, as the kernel noted it when the connection was made.
struct PeerCredentials: Hashable, Sendable {
  /// The process.
  var pid: Int32
  /// Its effective user.
  var user: UInt32
  /// Its effective group and its supplementary ones.
  var groups: Set<UInt32>

  init(pid: Int32, user: UInt32, groups: Set<UInt32>) {
    self.pid = pid
    self.user = user
    self.groups = groups
  }

  /// Reads them of a connected socket. Of one that was connected to, they are of the process that listens.
  ///
  /// - Returns: nil if the kernel does not tell.
  init?(of descriptor: CInt) {
    // struct ucred of unix(7), which the C library shows to _GNU_SOURCE only: pid, uid and gid of 32 bits each.
    guard let owner = Self.words(SO_PEERCRED, of: descriptor, room: 3), owner.count == 3 else { return nil }
    pid = Int32(bitPattern: owner[0])
    user = owner[1]
    groups = [owner[2]]
    // A user can be in 65,536 groups (NGROUPS_MAX).
    groups.formUnion(Self.words(Self.peerGroups, of: descriptor, room: 65_536) ?? [])
  }

  /// SO_PEERGROUPS of asm-generic/socket.h, since Linux 4.13.
  private static let peerGroups: CInt = 59

  private static func words(_ option: CInt, of descriptor: CInt, room: Int) -> [UInt32]? {
    var length = socklen_t(room * MemoryLayout<UInt32>.size)
    var isKnown = false
    let words = [UInt32](unsafeUninitializedCapacity: room) { buffer, count in
      isKnown = getsockopt(descriptor, SOL_SOCKET, option, buffer.baseAddress, &length) == 0
      count = isKnown ? Int(length) / MemoryLayout<UInt32>.size : 0
    }
    return isKnown ? words : nil
  }
}

/// Who may speak with the daemon.
struct PeerAccess: Hashable, Sendable {
  /// The user the daemon runs as.
  var user: UInt32
  /// The group whose members may, if there is one.
  var group: UInt32?

  /// Whether this process may: root's, the daemon's user's, or one of the group.
  func admits(_ peer: PeerCredentials) -> Bool {
    if peer.user == 0 || peer.user == user { return true }
    guard let group else { return false }
    return peer.groups.contains(group)
  }
}
