/// Softmax cross entropy in nats, computed as log Σ exp(zᵢ - max) - (z_label - max), which cannot overflow.
enum SoftmaxCrossEntropy {
  /// The loss of `logits` for `label`; not finite exactly when the logits are of no use.
  static func loss(_ logits: Span<Float>, label: Int) -> Float {
    let top = maximum(logits)
    var sum: Float = 0
    for c in 0..<logits.count { sum += ElementaryFunctions.exp(logits[c] - top) }
    return ElementaryFunctions.log(sum) - (logits[label] - top)
  }

  /// The loss, and its derivatives by the logits, softmax - one-hot(label), in `delta`.
  static func loss(_ logits: Span<Float>, label: Int, delta: inout MutableSpan<Float>) -> Float {
    let top = maximum(logits)
    var sum: Float = 0
    for c in 0..<logits.count {
      let e = ElementaryFunctions.exp(logits[c] - top)
      delta[c] = e
      sum += e
    }
    let inverse = 1 / sum
    for c in 0..<logits.count { delta[c] = delta[c] * inverse }
    delta[label] -= 1
    return ElementaryFunctions.log(sum) - (logits[label] - top)
  }

  /// The class with the greatest logit, the first one of several.
  static func prediction(_ logits: Span<Float>) -> Int {
    var best = 0
    for c in 1..<max(1, logits.count) where logits[c] > logits[best] { best = c }
    return best
  }

  // NaN loses every comparison; it comes back as NaN in the sum.
  private static func maximum(_ logits: Span<Float>) -> Float {
    var top = -Float.infinity
    for c in 0..<logits.count where logits[c] > top { top = logits[c] }
    return top
  }
}
