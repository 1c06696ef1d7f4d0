import CBluetooth
import Glibc

/// An address of a Bluetooth device: six octets, and whether it is a random one.
public struct BluetoothAddress: Sendable, Hashable {
  /// Least significant first, as on the air.
  public let octets: InlineOctets
  /// Whether it is a random one, static ones included.
  public let isRandom: Bool

  /// Six octets.
  public struct InlineOctets: Sendable, Hashable {
    var low: UInt32
    var high: UInt16

    subscript(index: Int) -> UInt8 {
      index < 4
        ? UInt8(truncatingIfNeeded: low >> UInt32(8 * index))
        : UInt8(truncatingIfNeeded: high >> UInt16(8 * (index - 4)))
    }
  }

  /// Reads `C0:00:C0:FF:EE:01`; nil for anything else.
  public init?(_ text: String, isRandom: Bool) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let octets = parts.compactMap {
      $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) ? UInt8($0, radix: 16) : nil
    }
    guard parts.count == 6, octets.count == 6 else { return nil }
    let number = octets.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    self.octets = InlineOctets(
      low: UInt32(truncatingIfNeeded: number), high: UInt16(truncatingIfNeeded: number >> 32))
    self.isRandom = isRandom
  }

  /// As a number of 48 bits.
  public var number: UInt64 { UInt64(octets.high) << 32 | UInt64(octets.low) }

  var kind: UInt8 { isRandom ? cbluetooth_random : cbluetooth_public }
}

/// LE credit-based channels of the kernel (Core specification Vol 3 Part A §10.1; Linux net/bluetooth/l2cap_sock.c).
public enum L2CAPChannel {
  /// A channel that is open: one datagram of its socket is one SDU.
  public struct Open: Sendable {
    /// A SOCK_SEQPACKET socket, non-blocking; whoever takes it closes it.
    public let descriptor: CInt
    /// The longest SDU that the board takes.
    public let sendMTU: Int
  }

  /// Opens a channel over the connection with a board that BlueZ has made. Blocks for up to `patience`.
  ///
  /// The connection is encrypted first where it is not, with the bond's key; the kernel would pair by itself if there were
  /// none, so pair before.
  ///
  /// - Parameters:
  ///   - adapter: the adapter's address.
  ///   - psm: 0x80…0xFF.
  ///   - receiveMTU: the longest SDU taken.
  ///   - isProven: whether the key must be one of an authenticated pairing.
  ///   - patience: milliseconds.
  /// - Throws: ``BlueZError/socket(call:errno:)``.
  public static func open(
    adapter: BluetoothAddress, board: BluetoothAddress, psm: UInt16, receiveMTU: UInt16, isProven: Bool,
    patience: CInt
  ) throws(BlueZError) -> Open {
    let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(cbluetooth_family, type, cbluetooth_l2cap)
    guard descriptor >= 0 else { throw .socket(call: "L2CAP socket", errno: errno) }
    do throws(BlueZError) {
      // Bound first: the kind of address makes it a socket of LE channels.
      try check("bind", withAddress(adapter, 0) { bind(descriptor, $0, $1) })
      var mtu = receiveMTU
      try check(
        "MTU",
        setsockopt(
          descriptor, cbluetooth_level, cbluetooth_receive_mtu, &mtu,
          socklen_t(MemoryLayout.size(ofValue: mtu))))
      // Level, and no key size asked for.
      var security = [isProven ? cbluetooth_security_high : cbluetooth_security_medium, 0]
      try check("security", setsockopt(descriptor, cbluetooth_level, cbluetooth_security, &security, 2))
      try finish(
        connection: withAddress(board, psm) { connect(descriptor, $0, $1) }, of: descriptor, patience)
      var sendMTU: UInt16 = 0
      var length = socklen_t(MemoryLayout.size(ofValue: sendMTU))
      try check("MTU", getsockopt(descriptor, cbluetooth_level, cbluetooth_send_mtu, &sendMTU, &length))
      return Open(descriptor: descriptor, sendMTU: Int(sendMTU))
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func withAddress(
    _ address: BluetoothAddress, _ psm: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    let octets = (0..<6).map { address.octets[$0] }
    var name = cbluetooth_address(octets, address.kind, psm)
    return withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_l2>.size))
      }
    }
  }

  private static func check(_ call: String, _ result: CInt) throws(BlueZError) {
    guard result >= 0 else { throw .socket(call: "L2CAP \(call)", errno: errno) }
  }

  private static func finish(connection result: CInt, of descriptor: CInt, _ patience: CInt)
    throws(BlueZError)
  {
    if result == 0 { return }
    guard errno == EINPROGRESS else { throw .socket(call: "L2CAP connect", errno: errno) }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&waiting, 1, patience) > 0 else { throw .socket(call: "L2CAP connect", errno: ETIMEDOUT) }
    var failure: CInt = 0
    var length = socklen_t(MemoryLayout.size(ofValue: failure))
    try check("connect", getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length))
    guard failure == 0 else { throw .socket(call: "L2CAP connect", errno: failure) }
  }
}
