import Glibc
public import SerialDevices

/// Where the board is that is to be flashed.
public enum FlashPlace: Hashable, Sendable {
  /// In a USB socket: as it runs, or in its bootloader.
  case usb(SerialPort)
  /// Behind a port that is no board's on USB, a pseudo-terminal or a UART; it has to be in its bootloader.
  case port(String)

  /// Digits that the beginning of a serial number must have.
  private static let shortestPrefix = 4

  /// Finds a board by what people call it: the path of its port, or its serial number (all of its digits or the first
  /// four and more; leading zeros may be left out).
  ///
  /// - Parameter present: the boards that are plugged in.
  public static func find(
    _ words: String, among present: [SerialPort]
  ) throws(FlashError) -> FlashPlace {
    if words.contains("/") {
      let node = canonical(words)
      if let port = present.first(where: { $0.node == node || $0.node == words }) { return .usb(port) }
      var status = stat()
      guard stat(words, &status) == 0 else {
        throw .port(.noSuchDevice(path: words))
      }
      return .port(words)
    }
    let matching = present.filter { isCalled(words, $0) }
    guard let port = matching.first else {
      throw .unknownBoard(words, present: present.map { "\($0.usb.serial) on \($0.node)" })
    }
    guard matching.count == 1 else { throw .ambiguousBoard(words, ports: matching.map(\.node)) }
    return .usb(port)
  }

  private static func isCalled(_ words: String, _ port: SerialPort) -> Bool {
    let digits = words.uppercased()
    let significant = String(digits.drop { $0 == "0" })
    if !significant.isEmpty, significant == port.usb.chipSerial { return true }
    guard digits.utf8.count >= shortestPrefix else { return false }
    // A bootloader pads the number to 32 digits, of which people know the last 16.
    let serial = String(port.usb.serial.uppercased().suffix(16))
    return serial.hasPrefix(digits)
  }

  /// Where a link leads; the path itself if it is none.
  private static func canonical(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What to open there now.
  public var node: String {
    switch self {
    case .usb(let port): port.node
    case .port(let path): path
    }
  }
}
