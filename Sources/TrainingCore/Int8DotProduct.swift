private import CDSP

/// Σ aᵢ · bᵢ of 8-bit numbers: exact, and so the same everywhere.
///
/// A Cortex-M4 takes two products in one instruction: SXTB16 spreads bytes over half-words, SMLAD multiplies and adds
/// two pairs of these (`CDSP`).
///
/// - Precondition: both are equally long. Up to 131,071 values the sum cannot leave `Int32`; beyond it wraps.
public func dotProduct(_ a: Span<Int8>, _ b: Span<Int8>) -> Int32 {
  let count = a.count
  precondition(b.count == count)
  let words = count / 4
  let (a, b) = (a.bytes, b.bytes)
  var sum: Int32 = 0
  // Safe, as offsets stay below `count`: checked, every load would take three more instructions.
  for word in 0..<words {
    let x = unsafe a.unsafeLoadUnaligned(fromUncheckedByteOffset: 4 &* word, as: UInt32.self)
    let y = unsafe b.unsafeLoadUnaligned(fromUncheckedByteOffset: 4 &* word, as: UInt32.self)
    sum = cdsp_multiply_add_pairs(cdsp_even_bytes(x), cdsp_even_bytes(y), sum)
    sum = cdsp_multiply_add_pairs(cdsp_odd_bytes(x), cdsp_odd_bytes(y), sum)
  }
  for i in 4 &* words..<count {
    let x = unsafe a.unsafeLoad(fromUncheckedByteOffset: i, as: Int8.self)
    let y = unsafe b.unsafeLoad(fromUncheckedByteOffset: i, as: Int8.self)
    sum &+= Int32(x) &* Int32(y)
  }
  return sum
}
