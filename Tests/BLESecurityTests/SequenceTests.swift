import Bytes
import Cryptography
import LinkProtocol
import PropertyTesting
import Testing

@testable import BLESecurity

/// What is out of turn, too late or nothing at all.
@Suite struct SequenceTests {
  /// The board in every state that a pairing goes through: before each word of the central, and before the encryption
  /// and the words after it. With each, the code that is due then, 0 for none.
  private func states(_ policy: PairingPolicy) -> [(scene: PairingScene, due: UInt8)] {
    var states: [(PairingScene, UInt8)] = []
    var scene = PairingScene(policy, seed: 77)
    var waiting = [scene.central.request]
    while !waiting.isEmpty {
      let next = waiting.removeFirst()
      states.append((scene, next[0]))
      scene.say(next)
      for said in scene.collect() { waiting += scene.central.answer(said) }
    }
    states.append((scene, 0))
    _ = scene.key(0, 0)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    for pdu in scene.central.identity {
      scene.collect()
      states.append((scene, pdu[0]))
      scene.say(pdu)
    }
    scene.collect()
    #expect(scene.bond != nil)
    return states
  }

  /// The same with the window closed, which a pairing under way does not notice: or the board would make keys for the
  /// next one, which takes its time without optimisation.
  private func withoutWindow(_ state: PairingScene) -> PairingScene {
    var scene = state
    scene.security.policy = .refused
    return scene
  }

  private func length(of code: UInt8) -> Int {
    SecurityCommand(rawValue: code)!.length
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func whatIsOutOfTurnEndsThePairing(_ policy: PairingPolicy) {
    for (state, due) in states(policy) {
      for code: UInt8 in 1...0x0e where code != due && code != 0x05 {
        var scene = withoutWindow(state)
        let isUnderWay = scene.security.attempt != nil
        scene.say([code] + [UInt8](repeating: 0, count: length(of: code) - 1))
        let said = scene.collect()
        guard isUnderWay else {
          // Before the request, nothing else is answered.
          #expect(said == [] && scene.failures == [])
          continue
        }
        let reason: PairingFailedReason =
          [0x02, 0x06, 0x07, 0x0a, 0x0b, 0x0e].contains(code) ? .commandNotSupported : .unspecified
        #expect(scene.failures == [.refused(reason)], "\(code) for \(due)")
        #expect(said == [[0x05, reason.rawValue]], "\(code) for \(due)")
        #expect(scene.key(0, 0) == nil)
      }
    }
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func aWrongLengthEndsThePairing(_ policy: PairingPolicy) {
    for (state, due) in states(policy) where due != 0 {
      for length in [1, self.length(of: due) - 1, self.length(of: due) + 1, 200] {
        var scene = withoutWindow(state)
        scene.say([due] + [UInt8](repeating: 0, count: length - 1))
        #expect(scene.collect() == [[0x05, 0x0a]])
      }
    }
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func reservedCodesAndEmptyPDUsAreIgnored(_ policy: PairingPolicy) {
    for (state, _) in states(policy) {
      var scene = state
      scene.say([])
      for code: UInt8 in [0, 0x0f, 0x10, 0x80, 0xff] { scene.say([code, 1, 2, 3]) }
      #expect(scene.collect() == [])
      #expect(scene.failures == [])
      #expect(scene.security.phase == state.security.phase)
    }
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func thePeerMayEndItAtAnyTime(_ policy: PairingPolicy) {
    for (state, _) in states(policy) where state.security.attempt != nil {
      for pdu: [UInt8] in [[0x05, 0x0c], [0x05], [0x05, 0x0c, 0x00]] {
        var scene = withoutWindow(state)
        scene.say(pdu)
        #expect(scene.collect() == [])
        #expect(scene.failures == [.refusedByPeer(pdu.count > 1 ? 0x0c : 0)])
        #expect(scene.security.nextDeadline == nil)
      }
    }
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func anAnswerBeforeOursWasSentIsOutOfTurn(_ policy: PairingPolicy) {
    for (state, due) in states(policy) where due != 0 {
      // Say what is due, and at once what would be due next, without taking what the board has to say.
      var scene = state
      var honest = state
      let pdu =
        due == 0x01
        ? scene.central.request : [due] + [UInt8](repeating: 0, count: length(of: due) - 1)
      guard due == 0x01 || due == 0x03 else { continue }
      scene.say(pdu)
      honest.say(pdu)
      scene.say(due == 0x01 ? [0x0c] + scene.central.publicKey : [0x04] + [UInt8](repeating: 0, count: 16))
      #expect(scene.collect() == [[0x05, 0x08]])
      // And it is the haste that was wrong.
      let answer = honest.collect()
      #expect(answer.count == 1 && answer[0][0] == (due == 0x01 ? 0x02 : 0x03))
    }
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func thirtySecondsOfSilenceEndItAndTheConnectionIsOfNoUseForPairing(_ policy: PairingPolicy) {
    for (state, _) in states(policy) where state.security.attempt != nil {
      var scene = state
      scene.advance(seconds: 29)
      #expect(scene.failures == [])
      scene.advance(seconds: 1)
      #expect(scene.failures == [.timedOut])
      #expect(scene.key(0, 0) == nil)
      scene.advance(seconds: 300)
      scene.say(scene.central.request)
      #expect(scene.collect() == [])
      #expect(scene.security.nextDeadline == nil)
    }
    var scene = PairingScene(policy)
    scene.say(scene.central.request)
    scene.collect()
    scene.advance(seconds: 30)
    scene.connect()
    scene.advance(seconds: 2)
    scene.renewCentral()
    scene.pair()
    #expect(scene.bond != nil)
  }

  @Test(arguments: [PairingPolicy.justWorks, .displayedPasskey])
  func aConnectionLostAtAnyPointLeavesNothing(_ policy: PairingPolicy) {
    for (number, (state, _)) in states(policy).enumerated() where state.security.attempt != nil {
      var scene = state
      scene.security.disconnected(now: scene.now)
      #expect(scene.collect() == [])
      #expect(scene.failures == [.connectionLost])
      #expect(!scene.security.isEncrypted)
      #expect(scene.key(0, 0) == nil)
      scene.say(scene.central.request)
      #expect(scene.collect() == [])
      // Pairing takes long without optimisation, so not after every one.
      guard number % 9 == 1 else { continue }
      scene.connect()
      scene.advance(seconds: 2)
      scene.renewCentral()
      scene.pair()
      #expect(scene.bond != nil)
    }
  }

  @Test func anyBytesInAnyStateTrapNothingAndMakeNoBond() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for policy in [PairingPolicy.justWorks, .displayedPasskey, .refused] {
      let all = policy == .refused ? [(PairingScene(.refused), UInt8(0))] : states(policy)
      for (state, _) in all {
        // After the encryption an identity of any bits is as good as another.
        if state.security.isEncrypted || random.chance(0.5) { continue }
        var scene = state
        for _ in 0..<12 {
          let code = random.chance(0.9) ? UInt8(random.next() % 16) : UInt8(truncatingIfNeeded: random.next())
          let known = SecurityCommand(rawValue: code)?.length ?? 5
          let length = random.chance(0.8) ? known : Int(random.next() % 80)
          scene.say(Array(([code] + random.bytes(length)).prefix(length)))
          if random.chance(0.7) { scene.collect() }
          if random.chance(0.1) { scene.advance(seconds: random.next() % 40) }
          if random.chance(0.1) { scene.security.encryptionChanged(isOn: random.chance(0.5), now: scene.now) }
        }
        scene.collect()
        #expect(scene.bond == nil && !scene.security.isEncrypted, "seed \(seed)")
      }
    }
  }
}

@Suite struct EncryptionTests {
  private let bond = Bond(
    peerIdentity: PairingScene.centralAddress, peerResolvingKey: .zero, longTermKey: Block128(1, 2, 3, 4),
    isAuthenticated: true)

  @Test func aBondedCentralEncryptsAtAnyTimeAndIsWhatItsBondSays() {
    for isAuthenticated in [true, false] {
      var bond = bond
      bond.isAuthenticated = isAuthenticated
      var scene = PairingScene(.refused, bond: bond)
      #expect(scene.key(0, 0) == bond.longTermKey)
      #expect(!scene.security.isEncrypted)
      scene.security.encryptionChanged(isOn: true, now: scene.now)
      scene.collect()
      #expect(scene.events == [.encrypted(isAuthenticated: isAuthenticated)])
      #expect(scene.security.isEncrypted && scene.security.isAuthenticated == isAuthenticated)
      scene.security.encryptionChanged(isOn: false, now: scene.now)
      #expect(!scene.security.isEncrypted && !scene.security.isAuthenticated)
    }
  }

  @Test func theNewKeyIsGivenOnceItsCheckValueIsOut() {
    var scene = PairingScene(.justWorks)
    var check: [UInt8] = []
    scene.exchange(scene.central.request) { _, pdu in
      guard pdu[0] == 0x0d else { return pdu }
      check = pdu
      return []
    }
    #expect(scene.security.phase == .check)
    scene.say(check)
    while scene.slice() {}
    #expect(scene.security.phase == .encryption)
    #expect(scene.key(0, 0) == nil)
    #expect(scene.collect().count == 1)
    #expect(scene.key(0, 0) != nil)
  }

  @Test func onlyKeysOfSecureConnectionsAreGiven() {
    var scene = PairingScene(.refused, bond: bond)
    #expect(scene.key(1, 0) == nil)
    #expect(scene.key(0, 1) == nil)
    var strange = PairingScene(.justWorks)
    #expect(strange.key(0, 0) == nil)
  }

  @Test func encryptionWithoutAKeyOfOursCountsForNothing() {
    var scene = PairingScene(.justWorks)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    scene.collect()
    #expect(!scene.security.isEncrypted && scene.events == [])
    // Nor does the key of the bond finish a pairing: it must be the new one.
    scene.exchange(scene.central.request)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    scene.collect()
    #expect(!scene.security.isEncrypted && scene.bond == nil)
  }

  @Test func aPairingWhoseEncryptionFailsHasFailed() {
    var scene = PairingScene(.justWorks)
    scene.exchange(scene.central.request)
    #expect(scene.key(0, 0) != nil)
    scene.security.encryptionChanged(isOn: false, now: scene.now)
    scene.collect()
    #expect(scene.failures == [.notEncrypted])
    #expect(scene.key(0, 0) == nil)
  }

  @Test func theNewKeyEncryptsTheSameConnectionAgain() throws {
    var scene = PairingScene(.displayedPasskey)
    scene.pair()
    let bond = try #require(scene.bond)
    scene.security.encryptionChanged(isOn: false, now: scene.now)
    #expect(scene.key(0, 0) == bond.longTermKey)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    #expect(scene.security.isAuthenticated)
  }

  @Test func anIdentityThatIsNoneIsRefused() {
    var scene = PairingScene(.justWorks)
    scene.exchange(scene.central.request)
    _ = scene.key(0, 0)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    scene.say(scene.central.identity[0])
    // A private address, and a kind that there is not.
    for pdu: [UInt8] in [[0x09, 1, 1, 0, 0, 0, 0, 0x40], [0x09, 2, 1, 0, 0, 0, 0, 0xc0]] {
      var other = scene
      other.say(pdu)
      #expect(other.collect() == [[0x05, 0x0a]])
      #expect(other.bond == nil)
    }
  }

  @Test func theBoardAsksForSecurityOnce() {
    var scene = PairingScene(.displayedPasskey)
    scene.security.requestSecurity()
    scene.security.requestSecurity()
    #expect(scene.collect() == [[0x0b, 0x0d]])
    scene = PairingScene(.justWorks, isBondable: false)
    scene.security.requestSecurity()
    #expect(scene.collect() == [[0x0b, 0x08]])
    scene = PairingScene(.refused, bond: bond)
    scene.security.requestSecurity()
    #expect(scene.collect() == [[0x0b, 0x0d]])
    _ = scene.key(0, 0)
    scene.security.encryptionChanged(isOn: true, now: scene.now)
    scene.security.requestSecurity()
    #expect(scene.collect() == [])
  }

  @Test func aRequestOfTheCentralMakesOursNeedless() {
    var scene = PairingScene(.justWorks)
    scene.security.requestSecurity()
    scene.say(scene.central.request)
    let said = scene.collect()
    #expect(said.count == 1 && said[0][0] == 0x02)
  }

  @Test func keysAreMadeBeforeTheyAreAskedFor() {
    var scene = PairingScene(.justWorks)
    var slices = 0
    while scene.security.work(now: scene.now) { slices += 1 }
    #expect(slices == P256.Multiplication.slices - 1)
    scene.say(scene.central.request)
    #expect(scene.slice() == false)
    // A board that nobody may pair with, or that is bonded already, makes none.
    var idle = PairingScene(.refused)
    #expect(idle.slice() == false)
    idle = PairingScene(.justWorks, bond: bond)
    #expect(idle.slice() == false)
  }
}
