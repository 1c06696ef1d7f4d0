import Glibc

/// The kernel's switches that keep a radio silent, rfkill(8), as /sys shows them.
public struct RadioSwitch: Sendable, Hashable {
  /// Blocked by a program; `rfkill unblock bluetooth` undoes it.
  public let isSoftBlocked: Bool
  /// Blocked by a switch or a key of the machine.
  public let isHardBlocked: Bool

  /// Whether it keeps the radio silent.
  public var isBlocked: Bool { isSoftBlocked || isHardBlocked }

  /// The switch of an adapter, e.g. of `hci0`; nil if it has none.
  ///
  /// - Parameter root: where sysfs is mounted.
  public static func of(adapter: String, root: String = "/sys") -> RadioSwitch? {
    let folder = "\(root)/class/bluetooth/\(adapter)"
    guard let directory = opendir(folder) else { return nil }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("rfkill") else { continue }
      return RadioSwitch(
        isSoftBlocked: isSet("\(folder)/\(name)/soft"), isHardBlocked: isSet("\(folder)/\(name)/hard"))
    }
    return nil
  }

  private static func isSet(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var digit: UInt8 = 0
    return read(descriptor, &digit, 1) == 1 && digit == UInt8(ascii: "1")
  }
}
