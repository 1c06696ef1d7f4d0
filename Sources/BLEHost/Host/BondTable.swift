public import BLESecurity

/// A bond, and what its peer has configured here.
public struct BondedPeer: Sendable, Equatable {
  /// The keys.
  public var bond: Bond
  /// What was configured when the peer was last there.
  public var configuration: ClientConfiguration

  /// A bond with a configuration.
  public init(bond: Bond, configuration: ClientConfiguration) {
    self.bond = bond
    self.configuration = configuration
  }
}

/// The bonds that a board keeps, in slots that the owner stores one by one.
struct BondTable {
  static let capacity = 4

  private var peers: InlineArray<4, BondedPeer?> = .init(repeating: nil)
  /// When each was last used: the higher the later.
  private var uses: InlineArray<4, UInt32> = .init(repeating: 0)
  private var lastUse: UInt32 = 0

  subscript(slot: Int) -> BondedPeer? {
    get { peers[slot] }
    set { peers[slot] = newValue }
  }

  /// The slot of the peer that connects from this address, which may be a private one.
  func slot(of address: DeviceAddress) -> Int? {
    for slot in 0..<Self.capacity {
      if let peer = peers[slot], peer.bond.matches(address) { return slot }
    }
    return nil
  }

  /// Where a new bond goes: in the place of an old one with the same peer, else in a free slot, else in that of the
  /// peer that was not here for longest.
  func slot(for bond: Bond) -> Int {
    var best = 0
    for slot in 0..<Self.capacity {
      guard let peer = peers[slot] else {
        if peers[best] != nil { best = slot }
        continue
      }
      if peer.bond.peerIdentity == bond.peerIdentity { return slot }
      if peers[best] != nil, uses[slot] < uses[best] { best = slot }
    }
    return best
  }

  mutating func used(_ slot: Int) {
    lastUse &+= 1
    uses[slot] = lastUse
  }
}
