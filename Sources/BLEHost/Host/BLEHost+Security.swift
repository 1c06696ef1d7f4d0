public import BLESecurity
import Bytes
import Cryptography
import LinkProtocol

extension BLEHost {
  /// How many bonds are kept. A fifth takes the place of the one that was not used for longest.
  public static let bondCapacity = BondTable.capacity

  /// Who may pair from now on. Nobody at first; whoever is bonded may encrypt at any time.
  public var pairingPolicy: PairingPolicy {
    get { security.policy }
    set {
      security.policy = newValue
      describePairing()
    }
  }

  /// The bond in a slot, 0..<``bondCapacity``; nil if there is none.
  public mutating func bond(at slot: Int) -> BondedPeer? { bonds[slot] }

  /// Puts a bond into a slot, as it was kept, or takes it out. A connection that is encrypted with it stays so.
  public mutating func setBond(_ peer: BondedPeer?, at slot: Int) {
    bonds[slot] = peer
    if peer == nil, link?.bond == slot {
      link?.bond = nil
      link?.security.isBonded = false
    }
  }

  /// Asks the peer to encrypt with the key that it has, or to pair if it has none.
  public mutating func requestSecurity() { security.requestSecurity() }

  /// What the attributes say about pairing, as things have become.
  private mutating func describePairing() {
    server.identity.flags.subtract([.pairingAllowed, .pairingByCable])
    server.boardNonce = nil
    switch security.policy {
    case .refused: break
    case .justWorks, .displayedPasskey: server.identity.flags.insert(.pairingAllowed)
    case .cable:
      server.identity.flags.insert(.pairingByCable)
      server.boardNonce = security.boardNonce
    }
  }

  @inline(never)
  mutating func beginSecurity(_ peer: DeviceAddress, now: Timestamp) {
    let slot = bonds.slot(of: peer)
    link?.bond = slot
    link?.security.isBonded = slot != nil
    if let slot { bonds.used(slot) }
    security.connected(
      local: configuration.address ?? setup.facts.publicAddress, peer: peer,
      bond: slot.flatMap { bonds[$0]?.bond },
      now: now)
    describePairing()
  }

  /// Takes what the Security Manager has to tell, and what follows of it.
  @inline(never)
  mutating func settleSecurity(now: Timestamp) {
    while let event = security.takeEvent() {
      switch event {
      case .displayPasskey(let passkey): events.append(.displayPasskey(passkey))
      case .hidePasskey: events.append(.hidePasskey)
      case .encrypted(let isAuthenticated):
        restoreConfiguration()
        events.append(.encrypted(isAuthenticated: isAuthenticated))
      case .paired(let bond):
        keep(bond)
        events.append(.paired(isAuthenticated: security.isAuthenticated))
      case .failed(let failure): events.append(.pairingFailed(failure))
      case .pairingRefused(let reason): events.append(.pairingRefused(reason))
      }
    }
    // An attempt that began has used the nonces.
    describePairing()
    link?.security.isEncrypted = security.isEncrypted
    link?.security.isAuthenticated = security.isAuthenticated
    if channel.state == .open, let link, link.security.lack(for: configuration.dataRequirement) != nil {
      closeChannel(.linkLost, now: now)
    }
    updateCarrier(now: now, end: .linkLost)
  }

  /// What the peer configured when it was last here holds again.
  private mutating func restoreConfiguration() {
    guard let slot = link?.bond, let peer = bonds[slot] else { return }
    server.configuration = ClientConfiguration(
      rawValue: server.configuration.rawValue | peer.configuration.rawValue)
  }

  private mutating func keep(_ bond: Bond?) {
    link?.security.isBonded = bond != nil
    guard let bond else { return }
    let slot = bonds.slot(for: bond)
    bonds[slot] = BondedPeer(bond: bond, configuration: server.configuration)
    bonds.used(slot)
    link?.bond = slot
    events.append(.bondChanged(slot: slot))
  }

  /// The peer has configured something: if it is bonded, that is kept.
  mutating func keepConfiguration() {
    guard security.isEncrypted, let slot = link?.bond, bonds[slot]?.configuration != server.configuration
    else {
      return
    }
    bonds[slot]?.configuration = server.configuration
    events.append(.bondChanged(slot: slot))
  }

  // MARK: Keys for the controller

  mutating func keyRequested(random: UInt64, diversifier: UInt16) {
    requestedKey = security.longTermKeyRequested(random: random, diversifier: diversifier)
    pending.insert(.keyReply)
  }

  mutating func writeKeyReply(_ handle: UInt16, into packet: inout BoundedBytes) -> Opcode {
    guard let key = requestedKey else {
      HCICommand.write(.leLongTermKeyNegativeReply, UInt64(handle), width: 2, into: &packet)
      return .leLongTermKeyNegativeReply
    }
    requestedKey = nil
    HCICommand.begin(.leLongTermKeyReply, length: 18, into: &packet)
    packet.append(littleEndian: UInt64(handle), width: 2)
    key.append(littleEndianTo: &packet)
    return .leLongTermKeyReply
  }
}
