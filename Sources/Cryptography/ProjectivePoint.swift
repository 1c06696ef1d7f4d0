/// A point of P-256, y² = x³ − 3x + b, as (X : Y : Z) with x = X/Z and y = Y/Z; (0 : 1 : 0) is the point at infinity.
///
/// Sums are by the complete formula of Renes, Costello and Batina, "Complete addition formulas for prime order elliptic
/// curves" (EUROCRYPT 2016), algorithm 4: the same operations for all pairs of points, equal, opposite or infinite ones
/// too, so that there is no exception to be met, let alone to be seen from outside.
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

  /// 14 products, two of them with b.
  @inline(never)
  static func += (p: inout Self, q: Self) {
    var xx = p.x
    xx *= q.x
    var yy = p.y
    yy *= q.y
    var zz = p.z
    zz *= q.z
    // The mixed products, each by one: (x + y)(x' + y') − xx' − yy'.
    var xy = p.x
    xy += p.y
    var t = q.x
    t += q.y
    xy *= t
    xy -= xx
    xy -= yy
    var yz = p.y
    yz += p.z
    t = q.y
    t += q.z
    yz *= t
    yz -= yy
    yz -= zz
    var xz = p.x
    xz += p.z
    t = q.x
    t += q.z
    xz *= t
    xz -= xx
    xz -= zz
    p.combine(xx: xx, yy: yy, zz: zz, xy: xy, yz: yz, xz: xz)
  }

  /// The same for a point and itself, where the mixed products come by one multiplication each: 14 products as well, one
  /// more than algorithm 6 of the paper, for less code.
  @inline(never)
  mutating func double() {
    var xx = x
    xx.square()
    var yy = y
    yy.square()
    var zz = z
    zz.square()
    var xy = x
    xy *= y
    xy += xy
    var yz = y
    yz *= z
    yz += yz
    var xz = x
    xz *= z
    xz += xz
    combine(xx: xx, yy: yy, zz: zz, xy: xy, yz: yz, xz: xz)
  }

  /// Becomes `p` where `mask` is all ones, stays what it is where it is 0.
  mutating func take(_ p: Self, if mask: UInt32) {
    x = .select(mask, p.x, x)
    y = .select(mask, p.y, y)
    z = .select(mask, p.z, z)
  }

  /// What both have in common: the result from the products of coordinates, xy meaning x y' + y x' and so on.
  @inline(never)
  private mutating func combine(
    xx: FieldElement, yy: FieldElement, zz: FieldElement, xy: FieldElement, yz: FieldElement, xz: FieldElement
  ) {
    // low, high = yy ∓ 3 (xz − b zz)
    var t = zz
    t *= Self.b
    var low = xz
    low -= t
    t = low
    t += low
    t += low
    low = yy
    low -= t
    var high = yy
    high += t
    // u = 3 (b xz − 3 zz − xx), v = 3 xx − 3 zz
    var zz3 = zz
    zz3 += zz
    zz3 += zz
    t = xz
    t *= Self.b
    t -= zz3
    t -= xx
    var u = t
    u += t
    u += t
    var v = xx
    v += xx
    v += xx
    v -= zz3
    x = high
    x *= xy
    t = yz
    t *= u
    x -= t
    y = high
    y *= low
    t = v
    t *= u
    y += t
    z = yz
    z *= low
    t = xy
    t *= v
    z += t
  }
}
