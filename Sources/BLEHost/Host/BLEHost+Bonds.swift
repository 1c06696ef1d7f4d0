import BLESecurity
public import Bytes

extension BLEHost {
  private static let slotLength = Bond.encodedLength + 1

  /// Number of octets of ``encodeBonds(into:)``.
  public static let encodedBondsLength = bondCapacity * slotLength

  /// Appends all bonds and what their peers configured, as Protocols/pairing-by-cable.md has them:
  /// ``encodedBondsLength`` octets.
  @inline(never)
  public mutating func encodeBonds(into octets: inout BoundedBytes) {
    for slot in 0..<Self.bondCapacity {
      if let peer = bond(at: slot) {
        peer.bond.encode(into: &octets)
        octets.append(peer.configuration.rawValue)
      } else {
        octets.appendZeros(Self.slotLength)
      }
    }
  }

  /// Takes bonds that were kept. What cannot be read is no bond: its peer pairs again.
  @inline(never)
  public mutating func restoreBonds(_ octets: Span<UInt8>) {
    for slot in 0..<min(Self.bondCapacity, octets.count / Self.slotLength) {
      let start = slot * Self.slotLength
      let end = start + Bond.encodedLength
      guard let bond = Bond(decoding: octets.extracting(start..<end)) else { continue }
      setBond(BondedPeer(bond: bond, configuration: ClientConfiguration(rawValue: octets[end])), at: slot)
    }
  }
}
