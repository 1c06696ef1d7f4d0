/// A point of P-256, y² = x³ − 3x + b, as (X : Y : Z) with x = X/Z and y = Y/Z; (0 : 1 : 0) is the point at infinity.
///
/// Sums and doubles are the complete formulas of Renes, Costello and Batina, "Complete addition formulas for prime order
/// elliptic curves" (EUROCRYPT 2016), algorithms 4 and 6: the same operations for all pairs of points, equal, opposite
/// or infinite ones too, so that there is no exception to be met, let alone to be seen from outside.
struct ProjectivePoint: Sendable {
  var x: FieldElement
  var y: FieldElement
  var z: FieldElement

  static var infinity: Self { Self(x: .zero, y: .one, z: .zero) }

  /// The curve's b, in Montgomery's form.
  static var b: FieldElement {
    FieldElement(words: [
      0x29c4_bddf, 0xd89c_df62, 0x7884_3090, 0xacf0_05cd, 0xf721_2ed6, 0xe5a2_20ab, 0x0487_4834, 0xdc30_061d,
    ])
  }

  /// Algorithm 4: 12 products and 2 with b.
  @inline(never)
  static func + (p: Self, q: Self) -> Self {
    let xx = p.x * q.x
    let yy = p.y * q.y
    let zz = p.z * q.z
    let xy = (p.x + p.y) * (q.x + q.y) - (xx + yy)
    let yz = (p.y + p.z) * (q.y + q.z) - (yy + zz)
    let xz = (p.x + p.z) * (q.x + q.z) - (xx + zz)
    let bzz = xz - b * zz
    let bzz3 = bzz + bzz + bzz
    let low = yy - bzz3
    let high = yy + bzz3
    let zz3 = zz + zz + zz
    let bxz = b * xz - zz3 - xx
    let bxz3 = bxz + bxz + bxz
    let xx3 = xx + xx + xx - zz3
    return Self(x: high * xy - yz * bxz3, y: high * low + xx3 * bxz3, z: yz * low + xy * xx3)
  }

  /// Algorithm 6: 3 squares, 8 products and 2 with b.
  @inline(never)
  func doubled() -> Self {
    let xx = x * x
    let yy = y * y
    let zz = z * z
    let xy = x * y
    let xy2 = xy + xy
    let xz = x * z
    let xz2 = xz + xz
    let bzz = Self.b * zz - xz2
    let bzz3 = bzz + bzz + bzz
    let low = yy - bzz3
    let high = yy + bzz3
    let zz3 = zz + zz + zz
    let bxz = Self.b * xz2 - zz3 - xx
    let bxz3 = bxz + bxz + bxz
    let xx3 = xx + xx + xx - zz3
    let yz = y * z
    let yz2 = yz + yz
    let yyyz = yz2 * yy
    let yyyz2 = yyyz + yyyz
    return Self(x: low * xy2 - yz2 * bxz3, y: low * high + xx3 * bxz3, z: yyyz2 + yyyz2)
  }

  /// `p` where `mask` is all ones, `q` where it is 0.
  @inline(__always)
  static func select(_ mask: UInt32, _ p: Self, _ q: Self) -> Self {
    Self(x: .select(mask, p.x, q.x), y: .select(mask, p.y, q.y), z: .select(mask, p.z, q.z))
  }
}
