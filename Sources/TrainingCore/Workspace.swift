/// The regions of a ``MemoryPlan`` in a lent arena. Taken into variables of their own, each can be used
/// while the others are.
struct Workspace: ~Copyable, ~Escapable {
  var weights: MutableSpan<Float>
  var base: MutableSpan<Float>

  /// Velocity or gradient, whichever the plan has: what a batch's gradient is added into. May be empty.
  var update: MutableSpan<Float>
  var activations: MutableSpan<Float>
  var deltas: MutableSpan<Float>

  /// Divides everything before the plan's `input`, which stays apart: it is read while these change.
  @_lifetime(copy regions)
  init(_ regions: borrowing MutableSpan<Float>, _ plan: MemoryPlan) {
    var parts = DividedSpan(regions, at: plan.weights.count)
    weights = parts.head
    var rest = parts.tail
    parts = DividedSpan(rest, at: plan.base.count)
    base = parts.head
    rest = parts.tail
    parts = DividedSpan(rest, at: plan.velocity.count + plan.gradient.count)
    update = parts.head
    rest = parts.tail
    parts = DividedSpan(rest, at: plan.activations.count)
    activations = parts.head
    deltas = parts.tail
  }
}
