import Glibc

/// The system's words for an errno.
func systemMessage(_ number: Int32) -> String {
  // The POSIX variant of strerror_r(3), because strerror(3) shares one buffer among all threads.
  withScratch { strerror_r(number, $0, $1) == 0 ? String(cString: $0) : nil } ?? "errno \(number)"
}

/// The name of a group, or its number where it has none.
func groupName(_ id: gid_t) -> String {
  withScratch { text, size in
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    return getgrgid_r(id, &entry, text, size, &found) == 0 && found != nil
      ? String(cString: entry.gr_name) : nil
  } ?? String(id)
}

/// The name of a user, or its number where it has none.
func userName(_ id: uid_t) -> String {
  withScratch { text, size in
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return getpwuid_r(id, &entry, text, size, &found) == 0 && found != nil
      ? String(cString: entry.pw_name) : nil
  } ?? String(id)
}

/// Room for the texts of one entry. A group of thousands of members does not fit, and is then shown by its number.
private func withScratch(_ body: (UnsafeMutablePointer<CChar>, Int) -> String?) -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { body($0.baseAddress!, $0.count) }
}
