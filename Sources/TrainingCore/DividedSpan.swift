/// A mutable span taken apart at an index, so that its two parts can be used at the same time.
///
/// This file and Int8DotProduct.swift are the places of this module that use unsafe memory: Swift's exclusivity
/// cannot tell two parts of one `MutableSpan` from each other.
///
/// Whole and part are borrowed and not consumed, as compiled code keeps a consumed span in a box on the heap.
struct DividedSpan: ~Copyable, ~Escapable {
  /// The elements before the index.
  var head: MutableSpan<Float>

  /// The elements from the index on.
  var tail: MutableSpan<Float>

  /// - Precondition: `index` is in 0...`whole.count`.
  @_lifetime(copy whole)
  init(_ whole: borrowing MutableSpan<Float>, at index: Int) {
    let count = whole.count
    precondition(index >= 0 && index <= count, "a span cannot be divided outside of itself")
    // Safe: the parts do not overlap, lie inside `whole`, and take over its lifetime; `whole` is consumed.
    let start = unsafe whole.span.withUnsafeBufferPointer { UnsafeMutablePointer(mutating: $0.baseAddress) }
    let first = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(start: start, count: index))
    let rest = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(
        start: start.map { pointer in unsafe pointer + index }, count: count - index))
    head = unsafe _overrideLifetime(first, copying: whole)
    tail = unsafe _overrideLifetime(rest, copying: whole)
  }
}

/// `part`, of which nothing is written any more: to be read while others of the same memory are written.
@_lifetime(copy part)
func readOnly(_ part: borrowing MutableSpan<Float>) -> Span<Float> {
  // Safe: the caller has no other name for this memory and writes none of it.
  let elements = unsafe part.span.withUnsafeBufferPointer { $0 }
  return unsafe _overrideLifetime(Span(_unsafeElements: elements), copying: part)
}
