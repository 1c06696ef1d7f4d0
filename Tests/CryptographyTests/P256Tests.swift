import Bytes
import PropertyTesting
import Testing

@testable import Cryptography

@Suite struct P256Tests {
  @Test func privateKeysHaveTheirPublicKeys() throws {
    for pair in try Vectors.load().keyPairs {
      let key = P256.PrivateKey(hex: pair.private)
      #expect(key.times(.base) == P256.PublicKey(hexX: pair.x, y: pair.y), "\(pair.private)")
    }
  }

  @Test func bothSidesShareTheSecret() throws {
    for vector in try Vectors.load().sharedSecrets {
      let peer = try #require(P256.PublicKey(hexX: vector.x, y: vector.y))
      #expect(P256.PrivateKey(hex: vector.private).times(peer).x == Words256(hex: vector.secret))
    }
  }

  @Test func coordinatesOfNoPointAreRefused() throws {
    for vector in try Vectors.load().noPoints {
      #expect(P256.PublicKey(hexX: vector.x, y: vector.y) == nil, "\(vector.why)")
    }
  }

  @Test func aPointWithAnyBitChangedIsRefused() {
    let base = P256.PublicKey.base
    for bit in 0..<256 {
      var (x, y) = (base.x, base.y)
      x.words[bit / 32] ^= 1 << UInt32(bit % 32)
      y.words[bit / 32] ^= 1 << UInt32(bit % 32)
      #expect(P256.PublicKey(x: x, y: base.y) == nil)
      #expect(P256.PublicKey(x: base.x, y: y) == nil)
    }
  }

  @Test func numbersOutsideTheRangeAreNoPrivateKeys() throws {
    for number in try Vectors.load().noPrivateKeys {
      #expect(P256.PrivateKey(Words256(hex: number)) == nil)
    }
  }

  @Test func keysTravelAsBluetoothSendsThem() throws {
    let pair = try Vectors.load().keyPairs[3]
    let key = try #require(P256.PublicKey(hexX: pair.x, y: pair.y))
    var octets = BoundedBytes(capacity: P256.PublicKey.octetCount)
    key.append(littleEndianTo: &octets)
    #expect(octets.copied() == unhex(pair.x).reversed() + unhex(pair.y).reversed())
    #expect(P256.PublicKey(littleEndian: octets.span) == key)
    octets.truncate(to: 63)
    #expect(P256.PublicKey(littleEndian: octets.span) == nil)
  }

  @Test func theWorkIsDoneInAFixedNumberOfSlices() {
    for scalar in [1, 2, 0x8000_0000] as [UInt32] {
      let key = P256.PrivateKey(Words256(words: [scalar, 0, 0, 0, 0, 0, 0, 0]))!
      var multiplication = P256.Multiplication(of: .base, by: key)
      var slices = 1
      while multiplication.advance() {
        #expect(multiplication.product == nil)
        slices += 1
      }
      #expect(slices == P256.Multiplication.slices)
      let product = multiplication.product
      #expect(product != nil)
      // More calls change nothing.
      #expect(!multiplication.advance() && multiplication.product == product)
    }
  }

  @Test func theCompleteFormulasHoldAtTheSpecialPoints() {
    let base = P256.PublicKey.base.point
    func affine(_ point: ProjectivePoint) -> (FieldElement, FieldElement) {
      var inverse = point.z
      inverse.invert()
      return (point.x * inverse, point.y * inverse)
    }
    func isInfinity(_ point: ProjectivePoint) -> Bool {
      point.x == .zero && point.z == .zero && point.y != .zero
    }
    var sum = ProjectivePoint.infinity
    sum += .infinity
    #expect(isInfinity(sum))
    sum.double()
    #expect(isInfinity(sum))
    sum += base
    #expect(affine(sum) == affine(base))
    var other = base
    other += .infinity
    #expect(affine(other) == affine(base))
    // A point and itself, by either way.
    other += base
    var doubled = base
    doubled.double()
    #expect(affine(other) == affine(doubled))
    // A point and its opposite.
    var opposite = doubled
    opposite.y = .zero - opposite.y
    doubled += opposite
    #expect(isInfinity(doubled))
  }

  @Test func theWholeGroupComesAroundToInfinity() {
    // n · G, bit by bit, which the multiplication itself refuses to do.
    var sum = ProjectivePoint.infinity
    let order = P256.order
    for bit in (0..<256).reversed() {
      sum.double()
      if order.words[bit / 32] >> UInt32(bit % 32) & 1 == 1 { sum += P256.PublicKey.base.point }
    }
    #expect(sum.x == .zero && sum.z == .zero)
  }

  @Test func twoStrangersAgree() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<10 {
      guard let a = P256.PrivateKey(random.words()), let b = P256.PrivateKey(random.words()) else { continue }
      #expect(a.times(b.times(.base)) == b.times(a.times(.base)), "seed \(seed)")
    }
  }
}
