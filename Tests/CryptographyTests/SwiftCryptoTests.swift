import Crypto
import Foundation
import PropertyTesting
import Testing

@testable import Cryptography

/// Against an implementation of others: swift-crypto, which is BoringSSL here.
@Suite struct SwiftCryptoTests {
  @Test func keyPairsAndSecretsAreThoseOfSwiftCrypto() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    var compared = 0
    for _ in 0..<40 {
      let drawn = random.words()
      guard let ours = Cryptography.P256.PrivateKey(drawn) else { continue }
      let theirs = try Crypto.P256.KeyAgreement.PrivateKey(rawRepresentation: drawn.bytes)
      let key = ours.times(.base)
      #expect(key.x.bytes + key.y.bytes == [UInt8](theirs.publicKey.rawRepresentation), "seed \(seed)")

      let peer = Crypto.P256.KeyAgreement.PrivateKey().publicKey
      let coordinates = [UInt8](peer.rawRepresentation)
      let point = try #require(self.point(coordinates))
      let secret = try theirs.sharedSecretFromKeyAgreement(with: peer)
      #expect(ours.times(point).x.bytes == secret.withUnsafeBytes { [UInt8]($0) }, "seed \(seed)")
      compared += 1
    }
    #expect(compared > 0)
  }

  @Test func pointsAreAcceptedIfSwiftCryptoAcceptsThem() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let (x, y) = (random.words(), random.words())
      let theirs = try? Crypto.P256.KeyAgreement.PublicKey(rawRepresentation: x.bytes + y.bytes)
      #expect((Cryptography.P256.PublicKey(x: x, y: y) != nil) == (theirs != nil), "seed \(seed)")
      // Points of which the first coordinate is drawn, so that half of them exist.
      let compressed = try? Crypto.P256.KeyAgreement.PublicKey(compressedRepresentation: [2] + x.bytes)
      guard let compressed else { continue }
      let coordinates = [UInt8](compressed.rawRepresentation)
      #expect(point(coordinates) != nil, "seed \(seed)")
    }
  }

  private func point(_ coordinates: [UInt8]) -> Cryptography.P256.PublicKey? {
    guard let x = Words256(bigEndian: coordinates.span.extracting(0..<32)),
      let y = Words256(bigEndian: coordinates.span.extracting(32..<64))
    else { return nil }
    return Cryptography.P256.PublicKey(x: x, y: y)
  }
}
