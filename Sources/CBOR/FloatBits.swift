// The floats of CBOR as bit patterns (IEEE 754 binary16, binary32, binary64), converted by integer arithmetic:
// the target has neither half nor double precision, and every platform must give the same bits.

/// The only NaN in deterministic messages.
let canonicalHalfNaN: UInt16 = 0x7e00

/// The half-precision pattern of the same value, or nil if there is none. Every NaN becomes the canonical one.
func halfBits(ofSingle bits: UInt32) -> UInt16? {
  let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
  let exponent = Int(bits >> 23 & 0xff) - 127
  let fraction = bits & 0x7f_ffff
  switch exponent {
  case 128:
    return fraction == 0 ? sign | 0x7c00 : canonicalHalfNaN
  case -14...15:
    guard fraction & 0x1fff == 0 else { return nil }
    return sign | UInt16(exponent + 15) << 10 | UInt16(truncatingIfNeeded: fraction >> 13)
  case -24 ... -15:
    // A subnormal half counts in steps of 2^-24.
    let significand = 0x80_0000 | fraction
    let shift = UInt32(-1 - exponent)
    guard significand & (1 << shift - 1) == 0 else { return nil }
    return sign | UInt16(truncatingIfNeeded: significand >> shift)
  default:
    return bits & 0x7fff_ffff == 0 ? sign : nil
  }
}

/// The single-precision pattern of the same value, which there always is.
func singleBits(ofHalf bits: UInt16) -> UInt32 {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10 & 0x1f)
  let fraction = UInt32(bits & 0x3ff)
  switch exponent {
  case 0:
    guard fraction != 0 else { return sign }
    let leadingBit = UInt32(31 - fraction.leadingZeroBitCount)  // 0…9
    let significand = fraction << (23 - leadingBit)
    return sign | (leadingBit + 127 - 24) << 23 | significand & 0x7f_ffff
  case 31:
    return sign | 0x7f80_0000 | fraction << 13
  default:
    return sign | (exponent + 127 - 15) << 23 | fraction << 13
  }
}

/// Whether a double-precision pattern has a single-precision one of the same value. Every NaN has.
func fitsSingle(doubleBits bits: UInt64) -> Bool {
  let exponent = Int(bits >> 52 & 0x7ff) - 1023
  let fraction = bits & 0xf_ffff_ffff_ffff
  switch exponent {
  case 1024:
    return true
  case -126...127:
    return fraction & 0x1fff_ffff == 0
  case -149 ... -127:
    // A subnormal single counts in steps of 2^-149.
    return (1 << 52 | fraction) & (1 << UInt64(-97 - exponent) - 1) == 0
  default:
    return bits << 1 == 0
  }
}
