private let table: [UInt32] = (0..<256).map { index in
  (0..<8).reduce(UInt32(index)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : 0x82F6_3B78) }
}

/// CRC-32C (Castagnoli; RFC 3720 B.4) of `bytes`.
func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  let table = table
  var crc = ~UInt32(0)
  for byte in bytes { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
  return ~crc
}
