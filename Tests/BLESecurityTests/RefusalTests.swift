import BLESecurity
import Bytes
import Cryptography
import LinkProtocol
import PropertyTesting
import Testing

@Suite struct RefusalTests {
  /// What the board says to this request.
  private func answer(
    _ features: [UInt8], _ policy: PairingPolicy = .justWorks, bond: Bond? = nil
  ) -> (pdus: [[UInt8]], refusals: [PairingFailedReason]) {
    var scene = PairingScene(policy, bond: bond)
    scene.say([0x01] + features)
    scene.collect()
    return (scene.pdus, scene.refusals)
  }

  private func bond(isAuthenticated: Bool) -> Bond {
    Bond(
      peerIdentity: PairingScene.centralAddress, peerResolvingKey: .zero, longTermKey: Block128(1, 2, 3, 4),
      isAuthenticated: isAuthenticated)
  }

  @Test func nobodyPairsOutsideTheWindow() {
    let (pdus, refusals) = answer([0x04, 0, 0x0d, 16, 2, 0], .refused)
    #expect(pdus == [[0x05, 0x05]])
    #expect(refusals == [.pairingNotSupported])
  }

  @Test(
    arguments: [
      // Legacy pairing; of it bonding alone, and with all bits but the one.
      ([0x04, 0, 0x01, 16, 2, 0], .authenticationRequirements),
      ([0x04, 0, 0x35, 16, 2, 0], .authenticationRequirements),
      // Short keys.
      ([0x04, 0, 0x09, 15, 2, 0], .encryptionKeySize), ([0x04, 0, 0x09, 7, 2, 0], .encryptionKeySize),
      // Data out of band.
      ([0x04, 1, 0x09, 16, 2, 0], .outOfBandNotAvailable),
      // Nothing that the specification knows.
      ([0x05, 0, 0x09, 16, 2, 0], .invalidParameters), ([0x04, 2, 0x09, 16, 2, 0], .invalidParameters),
      ([0x04, 0, 0x0a, 16, 2, 0], .invalidParameters), ([0x04, 0, 0x09, 17, 2, 0], .invalidParameters),
      ([0x04, 0, 0x09, 6, 2, 0], .invalidParameters), ([0x04, 0, 0x09, 16, 2], .invalidParameters),
      ([0x04, 0, 0x09, 16, 2, 0, 0], .invalidParameters), ([], .invalidParameters),
    ] as [([UInt8], PairingFailedReason)])
  func requestsThatWeDoNotTakeAreRefusedWithTheReason(_ features: [UInt8], _ reason: PairingFailedReason) {
    let (pdus, refusals) = answer(features)
    #expect(pdus == [[0x05, reason.rawValue]])
    #expect(refusals == [reason])
  }

  @Test func whoCannotTypeIsNotTakenWhereAProofIsAskedFor() {
    for inputOutput: UInt8 in [0, 1, 3] {
      #expect(
        answer([inputOutput, 0, 0x0d, 16, 2, 0], .displayedPasskey).refusals == [.authenticationRequirements])
    }
    for inputOutput: UInt8 in [2, 4] {
      let (pdus, refusals) = answer([inputOutput, 0, 0x09, 16, 2, 0], .displayedPasskey)
      #expect(refusals == [])
      #expect(pdus == [[0x02, 0x00, 0x00, 0x0d, 16, 0x02, 0x00]])
    }
  }

  @Test func aProvenBondIsNotReplacedByOneWithoutProof() {
    let request: [UInt8] = [0x03, 0, 0x09, 16, 2, 0]
    #expect(answer(request, bond: bond(isAuthenticated: true)).refusals == [.authenticationRequirements])
    #expect(answer(request, bond: bond(isAuthenticated: false)).refusals == [])
  }

  // CVE-2018-5383, CVE-2020-26558, and the key pair that everybody knows.
  @Test func publicKeysThatAreNoneOurOwnOrTheDebugKeyAreRefused() {
    let debug = P256.PrivateKey(
      Words256(hex: "3f49f6d4a3c55f3874c9b3e3d2103f504aff607beb40b7995899b8a6cd3c1abd"))!
    let honest = PairingScene(.justWorks).central.publicKey
    let zeroY = honest[..<32] + [UInt8](repeating: 0, count: 32)
    let negative = honest[..<63] + [honest[63] ^ 1]
    for key in [debug.times(.base).octets, Array(zeroY), Array(negative), [UInt8](repeating: 0, count: 64)] {
      var scene = PairingScene(.justWorks)
      scene.say(scene.central.request)
      scene.collect()
      scene.say([0x0c] + key)
      scene.collect()
      #expect(scene.failures == [.refused(.checkFailed)])
      #expect(scene.pdus.last == [0x05, 0x0b])
      // Nothing of our key or of a commitment was said.
      #expect(scene.pdus.count == 2)
    }
    // Our own key, known from an attempt on the same board with the same seed.
    var first = PairingScene(.justWorks, seed: 9)
    first.exchange(first.central.request)
    for flip in [0, 1] as [UInt8] {
      var scene = PairingScene(.justWorks, seed: 9)
      scene.say(scene.central.request)
      scene.collect()
      var reflected = first.central.boardKey
      if flip == 1 {
        // The opposite point has the same x.
        let prime = Words256(hex: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
        var borrow = 0
        for i in 32..<64 {
          let difference = Int(prime[byte: i - 32]) - Int(reflected[i]) - borrow
          reflected[i] = UInt8(truncatingIfNeeded: difference)
          borrow = difference < 0 ? 1 : 0
        }
      }
      scene.say([0x0c] + reflected)
      scene.collect()
      #expect(scene.failures == [.refused(.checkFailed)])
      #expect(scene.pdus.count == 2)
    }
  }

  @Test func thePauseAfterAFailureGrowsAndIsForgottenAfterASuccess() {
    var scene = PairingScene(.justWorks)
    func fail(_ scene: inout PairingScene) {
      scene.say(scene.central.request)
      scene.collect()
      scene.say([0x05, 0x01])
      scene.collect()
    }
    for pause: UInt64 in [1, 2, 4, 8, 16, 32, 64, 64] {
      let before = scene.failures.count
      fail(&scene)
      #expect(scene.failures.count == before + 1)
      // Another connection does not help.
      scene.connect()
      if pause > 1 { scene.advance(seconds: pause - 1) }
      scene.say(scene.central.request)
      scene.collect()
      #expect(scene.refusals.last == .repeatedAttempts)
      #expect(scene.pdus.last == [0x05, 0x09])
      scene.advance(seconds: 1)
    }
    scene.pair()
    #expect(scene.bond != nil)
    scene.connect()
    fail(&scene)
    scene.advance(seconds: 1)
    scene.renewCentral()
    scene.pair()
    #expect(scene.security.isEncrypted)
  }

  @Test func thePauseIsForgottenAfterAWhile() {
    var scene = PairingScene(.justWorks)
    for _ in 0..<3 {
      scene.say(scene.central.request)
      scene.collect()
      scene.say([0x05, 0x01])
      scene.collect()
      scene.advance(seconds: 240)
    }
    #expect(scene.failures.count == 3)
    scene.say(scene.central.request)
    scene.collect()
    scene.say([0x05, 0x01])
    scene.collect()
    scene.advance(seconds: 1)
    scene.say(scene.central.request)
    scene.collect()
    #expect(scene.refusals == [])
  }
}
