/// A mutable span taken apart at an index, so that its two parts can be used at the same time.
///
/// The one place of this module that uses unsafe memory: Swift's exclusivity cannot tell two parts of one
/// `MutableSpan` from each other.
struct DividedSpan: ~Copyable, ~Escapable {
  /// The elements before the index.
  var head: MutableSpan<Float>

  /// The elements from the index on.
  var tail: MutableSpan<Float>

  /// - Precondition: `index` is in 0...`whole.count`.
  @_lifetime(copy whole)
  init(_ whole: consuming MutableSpan<Float>, at index: Int) {
    let count = whole.count
    precondition(index >= 0 && index <= count, "a span cannot be divided outside of itself")
    // Safe: the parts do not overlap, lie inside `whole`, and take over its lifetime; `whole` is consumed.
    let start = unsafe whole.withUnsafeMutableBufferPointer { $0.baseAddress }
    let first = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(start: start, count: index))
    let rest = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(
        start: start.map { pointer in unsafe pointer + index }, count: count - index))
    head = unsafe _overrideLifetime(first, copying: whole)
    tail = unsafe _overrideLifetime(rest, copying: whole)
  }
}
