import BLEHost
import BLESecurity
import Bytes
import Foundation

/// The bonds of a virtual board, in a file beside the one that serves as flash.
///
/// For each slot an octet that says whether there is a bond, the bond, and what its peer configured; nothing else.
struct BondFile {
  private static let slotLength = 1 + Bond.encodedLength + 1

  let path: String

  /// Hands every bond to the host. What cannot be read is no bond: its peer pairs again.
  func load(into host: inout BLEHost) {
    guard let data = FileManager.default.contents(atPath: path) else { return }
    let octets = [UInt8](data)
    for slot in 0..<min(BLEHost.bondCapacity, octets.count / Self.slotLength) {
      let start = slot * Self.slotLength
      guard octets[start] == 1 else { continue }
      let encoded = Array(octets[(start + 1)..<(start + 1 + Bond.encodedLength)])
      guard let bond = Bond(decoding: encoded.span) else { continue }
      let configuration = ClientConfiguration(rawValue: octets[start + Self.slotLength - 1])
      host.setBond(BondedPeer(bond: bond, configuration: configuration), at: slot)
    }
  }

  /// Keeps all bonds of the host; readable by the owner only, since they are keys.
  func save(_ host: borrowing BLEHost) throws {
    var octets = BoundedBytes(capacity: BLEHost.bondCapacity * Self.slotLength)
    for slot in 0..<BLEHost.bondCapacity {
      if let peer = host.bond(at: slot) {
        octets.append(1)
        peer.bond.encode(into: &octets)
        octets.append(peer.configuration.rawValue)
      } else {
        octets.appendZeros(Self.slotLength)
      }
    }
    let temporary = path + ".new"
    try? FileManager.default.removeItem(atPath: temporary)
    guard
      FileManager.default.createFile(
        atPath: temporary, contents: Data(octets.copied()), attributes: [.posixPermissions: 0o600]),
      rename(temporary, path) == 0
    else { throw LinkError.cannotOpen(path: path, reason: "the bonds cannot be written there") }
  }
}
