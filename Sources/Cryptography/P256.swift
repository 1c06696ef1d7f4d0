public import Bytes

/// Elliptic-curve Diffie–Hellman on the curve P-256 (NIST SP 800-186 §3.2.1.3, SP 800-56A §5.7.1.2).
///
/// ```swift
/// var making = P256.Multiplication(of: .base, by: privateKey)
/// while making.advance() {}
/// let publicKey = making.product
/// ```
public enum P256 {
  /// A number from 1 to the order of the curve less 1.
  public struct PrivateKey: Sendable {
    let scalar: Words256

    /// Takes 256 random bits, or a key that is known; nil if they are 0 or not below the order.
    ///
    /// To make a key, draw again after nil: every key is then as likely as the others (SP 800-56A §5.6.1.2.2). One
    /// draw in 2^32 is refused. Which one was, tells nothing of the one that was taken.
    public init?(_ number: Words256) {
      guard number.zeroMask == 0, number.lessMask(P256.order) != 0 else { return nil }
      scalar = number
    }
  }

  /// A point of the curve, not that at infinity.
  public struct PublicKey: Sendable, Equatable {
    /// Number of octets of the form that Bluetooth sends: x, then y, each least significant octet first.
    public static let octetCount = 64

    /// The first coordinate. Of a product with the own private key, it is the secret that both sides share.
    public let x: Words256
    /// The second coordinate.
    public let y: Words256

    /// Takes the coordinates of a point; nil if they are not reduced or the point does not lie on the curve.
    ///
    /// The check keeps the private key from those who send points of other curves, whose orders have small factors
    /// (Biham and Neumann, "Breaking the Bluetooth pairing", 2018; CVE-2018-5383). As the order of P-256 is prime, a
    /// point on it needs no further check.
    public init?(x: Words256, y: Words256) {
      guard let a = FieldElement(x), let b = FieldElement(y) else { return nil }
      let cube = (a * a * a - (a + a + a)) + ProjectivePoint.b
      guard b * b == cube else { return nil }
      self.x = x
      self.y = y
    }

    /// Takes the 64 octets that Bluetooth sends (Core specification, Vol 3 Part H §3.5.6); nil for another number of
    /// octets and as ``init(x:y:)`` says.
    public init?(littleEndian octets: Span<UInt8>) {
      guard octets.count == Self.octetCount,
        let x = Words256(littleEndian: octets.extracting(0..<32)),
        let y = Words256(littleEndian: octets.extracting(32..<64))
      else { return nil }
      self.init(x: x, y: y)
    }

    /// Of a product that was computed here.
    init(computedX x: Words256, y: Words256) {
      self.x = x
      self.y = y
    }

    /// The generator of the group: a private key times it is the public one.
    public static var base: Self {
      Self(
        computedX: Words256(words: [
          0xd898_c296, 0xf4a1_3945, 0x2deb_33a0, 0x7703_7d81, 0x63a4_40f2, 0xf8bc_e6e5, 0xe12c_4247,
          0x6b17_d1f2,
        ]),
        y: Words256(words: [
          0x37bf_51f5, 0xcbb6_4068, 0x6b31_5ece, 0x2bce_3357, 0x7c0f_9e16, 0x8ee7_eb4a, 0xfe1a_7f9b,
          0x4fe3_42e2,
        ]))
    }

    /// Appends the 64 octets that Bluetooth sends.
    public func append(littleEndianTo octets: inout BoundedBytes) {
      x.append(littleEndianTo: &octets)
      y.append(littleEndianTo: &octets)
    }

    var point: ProjectivePoint {
      // Both were checked to be reduced, or computed.
      ProjectivePoint(x: FieldElement(x) ?? .zero, y: FieldElement(y) ?? .zero, z: .one)
    }
  }

  /// The number of points.
  static var order: Words256 {
    Words256(words: [
      0xfc63_2551, 0xf3b9_cac2, 0xa717_9e84, 0xbce6_faad, 0xffff_ffff, 0xffff_ffff, 0, 0xffff_ffff,
    ])
  }
}
