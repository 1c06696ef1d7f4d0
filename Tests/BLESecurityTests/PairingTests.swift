import BLESecurity
import Bytes
import Cryptography
import PropertyTesting
import Testing

@Suite struct PairingTests {
  private let secret = CableSecret(Block128(hex: "00112233445566778899aabbccddeeff"))

  @Test func anybodyPairsWithJustWorksAndIsNotAuthenticated() throws {
    var scene = PairingScene(.justWorks)
    scene.central.features[2] = 0x09
    scene.pair()
    let bond = try #require(scene.bond)
    #expect(bond.longTermKey == scene.central.longTermKey)
    #expect(!bond.isAuthenticated)
    #expect(bond.peerIdentity == scene.central.address && bond.peerResolvingKey == scene.central.identityKey)
    #expect(scene.events == [.encrypted(isAuthenticated: false), .paired(bond)])
    #expect(scene.security.isEncrypted && !scene.security.isAuthenticated)
    #expect(scene.security.nextDeadline == nil)
  }

  @Test func whoeverTypesTheDisplayedNumberIsAuthenticated() throws {
    var scene = PairingScene(.displayedPasskey)
    scene.pair()
    let bond = try #require(scene.bond)
    #expect(bond.isAuthenticated && bond.longTermKey == scene.central.longTermKey)
    #expect(
      scene.events == [
        .displayPasskey(scene.central.passkey), .encrypted(isAuthenticated: true), .hidePasskey,
        .paired(bond),
      ])
    #expect(scene.central.passkey <= 999_999)
    #expect(scene.security.isAuthenticated)
  }

  @Test func whoeverKnowsTheSecretOfTheCableIsAuthenticatedAndNothingIsDisplayed() throws {
    var scene = PairingScene(.cable(secret))
    scene.pair()
    let bond = try #require(scene.bond)
    #expect(bond.isAuthenticated && bond.longTermKey == scene.central.longTermKey)
    #expect(scene.events == [.encrypted(isAuthenticated: true), .paired(bond)])
  }

  @Test func anotherSecretDoesNotPair() {
    var scene = PairingScene(.cable(secret))
    scene.security.received(gatewayNonce: 7)
    let other = CableSecret(Block128(hex: "00112233445566778899aabbccddeefe"))
    scene.central.passkey = other.passkey(boardNonce: scene.security.boardNonce, gatewayNonce: 7)
    scene.exchange(scene.central.request)
    #expect(scene.failures == [.refused(.confirmValueFailed)])
    #expect(scene.central.longTermKey == nil && scene.bond == nil)
  }

  @Test func everyAttemptByCableNeedsNewNoncesAndHasAnotherPasskey() {
    var scene = PairingScene(.cable(secret))
    // Without the gateway's nonce nothing begins.
    scene.exchange(scene.central.request)
    #expect(scene.refusals == [.outOfBandNotAvailable])
    #expect(scene.pdus == [[0x05, 0x02]])

    var boardNonces: Set<UInt64> = [scene.security.boardNonce]
    var passkeys: Set<UInt32> = []
    for attempt in 1...3 {
      // What was recorded of the attempt before is said again: the same nonce of the gateway, the same central.
      scene.security.received(gatewayNonce: 42)
      passkeys.insert(secret.passkey(boardNonce: scene.security.boardNonce, gatewayNonce: 42))
      scene.exchange([0x01] + scene.central.features)
      #expect(scene.failures.count == attempt)
      boardNonces.insert(scene.security.boardNonce)
      // The nonce is spent.
      scene.advance(seconds: 100)
      scene.exchange(scene.central.request)
      #expect(scene.refusals.last == .outOfBandNotAvailable)
    }
    #expect(boardNonces.count == 4 && passkeys.count == 3)
    // Nor does one of before a reconnection count.
    scene.security.received(gatewayNonce: 42)
    scene.connect()
    #expect(!boardNonces.contains(scene.security.boardNonce))
    scene.exchange(scene.central.request)
    #expect(scene.refusals.last == .outOfBandNotAvailable)
  }

  @Test func aCentralThatDoesNotBondLeavesNoBondButIsEncrypted() {
    var scene = PairingScene(.justWorks)
    scene.central.features[2] = 0x08
    scene.pair()
    #expect(scene.events == [.encrypted(isAuthenticated: false), .paired(nil)])
    // Nothing is distributed then (§3.6.1).
    #expect(scene.pdus[0] == [0x02, 0x03, 0x00, 0x08, 16, 0x00, 0x00])
    scene = PairingScene(.justWorks, isBondable: false)
    scene.pair()
    #expect(scene.events == [.encrypted(isAuthenticated: false), .paired(nil)])
    #expect(scene.pdus[0] == [0x02, 0x03, 0x00, 0x08, 16, 0x00, 0x00])
  }

  @Test func aCentralThatDistributesNothingIsKnownByItsAddress() throws {
    var scene = PairingScene(.justWorks)
    scene.central.features[4] = 0x01
    scene.pair()
    let bond = try #require(scene.bond)
    #expect(bond.peerIdentity == scene.central.address && bond.peerResolvingKey == .zero)
  }

  @Test func everyAttemptHasKeysOfItsOwn() {
    var scene = PairingScene(.justWorks)
    var keys: Set<[UInt8]> = []
    for _ in 0..<3 {
      scene.exchange(scene.central.request)
      // The central thinks better of it.
      scene.say([0x05, 0x08])
      scene.collect()
      scene.advance(seconds: 300)
      keys.insert(scene.central.boardKey)
      scene.renewCentral()
    }
    #expect(keys.count == 3)
    #expect(scene.failures == [PairingFailure](repeating: .refusedByPeer(8), count: 3))
  }

  // Of a wrong passkey the board must say nothing after the first bit that differs: that is the one bit that an attempt
  // tells.
  @Test func aWrongPasskeyFailsAtItsFirstWrongBit() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for bit in [0, 1, 19] + (0..<4).map({ _ in Int(random.next() % 20) }) {
      var scene = PairingScene(.displayedPasskey, seed: random.next())
      scene.say(scene.central.request)
      let response = scene.collect()[0]
      // Wrong at this bit, and perhaps at later ones.
      scene.central.passkey ^= 1 << UInt32(bit) | UInt32(truncatingIfNeeded: random.next()) << UInt32(bit + 1)
      for pdu in scene.central.answer(response) { scene.exchange(pdu) }
      #expect(scene.failures == [.refused(.confirmValueFailed)], "seed \(seed)")
      #expect(scene.pdus.last == [0x05, 0x04], "seed \(seed)")
      #expect(scene.pdus.count { $0[0] == 0x04 } == bit, "seed \(seed)")
      #expect(scene.pdus.count { $0[0] == 0x03 } == bit + 1, "seed \(seed)")
      #expect(scene.key(0, 0) == nil, "seed \(seed)")
      #expect(Array(scene.events.suffix(2)) == [.hidePasskey, .failed(.refused(.confirmValueFailed))])
    }
  }

  @Test func displayedPasskeysAreAllOverTheRange() {
    var scene = PairingScene(.displayedPasskey)
    var shown: [UInt32] = []
    for _ in 0..<30 {
      scene.say(scene.central.request)
      scene.collect()
      shown.append(scene.central.passkey)
      scene.say([0x05, 0x01])
      scene.collect()
      scene.advance(seconds: 300)
    }
    #expect(Set(shown).count == shown.count)
    #expect(
      shown.allSatisfy { $0 <= 999_999 } && shown.contains { $0 < 300_000 } && shown.contains { $0 > 700_000 }
    )
  }

  // The check value binds features, addresses, nonces and passkey of both sides.
  @Test func whateverAThirdPartyChangesOnTheWayTheyDoNotPair() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for policy in [PairingPolicy.justWorks, .displayedPasskey] {
      var whole = PairingScene(policy, seed: seed)
      var said = 0
      whole.pair { index, pdu in
        said = max(said, index + 1)
        return pdu
      }
      #expect(whole.bond != nil)
      for _ in 0..<12 {
        let target = Int(random.next() % UInt64(said))
        // The keys to be distributed, at the end of the request, enter no check value: of them hangs only whether an
        // identity is sent.
        let draw = target == 0 ? random.next() % 40 : random.next()
        var scene = PairingScene(policy, seed: seed)
        scene.pair { index, pdu in
          guard index == target else { return pdu }
          var changed = pdu
          let bit = Int(draw % UInt64(8 * pdu.count))
          changed[bit / 8] ^= 1 << UInt8(bit % 8)
          return changed
        }
        #expect(scene.bond == nil, "seed \(seed), PDU \(target)")
        #expect(scene.central.longTermKey == nil, "seed \(seed), PDU \(target)")
      }
    }
  }
}
