// The inner loops. Their results are the same bits on every processor, because every sum has one fixed
// order, and a product is rounded before it is added (Swift never contracts a * b + c).
//
// Two habits make them as fast as C at -O3 on a Cortex-M4: a row is taken out of its span before the loop
// over it, with the loop's bound equal to its count, so that the bounds checks leave the loop; and two or four
// rows are worked on together, which loads each input once for all of them. Rows do not mix, so grouping them
// does not change a result.

extension Layer {
  /// Writes activation(weights · x + biases) into `y`.
  ///
  /// - Parameters:
  ///   - parameters: this layer's weights and biases.
  ///   - x: ``inputs`` values.
  ///   - y: ``outputs`` values.
  func forward(_ parameters: Span<Float>, _ x: Span<Float>, into y: inout MutableSpan<Float>) {
    let biases = parameters.extracting(weightCount..<parameterCount)
    var o = 0
    while o &+ 3 < outputs {
      let first = row(o, of: parameters)
      let second = row(o &+ 1, of: parameters)
      let third = row(o &+ 2, of: parameters)
      let fourth = row(o &+ 3, of: parameters)
      var (a, b, c, d) = (biases[o], biases[o &+ 1], biases[o &+ 2], biases[o &+ 3])
      precondition(first.count == x.count && second.count == x.count)
      precondition(third.count == x.count && fourth.count == x.count)
      for i in 0..<x.count {
        let value = x[i]
        a += first[i] * value
        b += second[i] * value
        c += third[i] * value
        d += fourth[i] * value
      }
      y[o] = activate(a)
      y[o &+ 1] = activate(b)
      y[o &+ 2] = activate(c)
      y[o &+ 3] = activate(d)
      o &+= 4
    }
    if o &+ 1 < outputs {
      let first = row(o, of: parameters)
      let second = row(o &+ 1, of: parameters)
      var (a, b) = (biases[o], biases[o &+ 1])
      precondition(first.count == x.count && second.count == x.count)
      for i in 0..<x.count {
        let value = x[i]
        a += first[i] * value
        b += second[i] * value
      }
      y[o] = activate(a)
      y[o &+ 1] = activate(b)
      o &+= 2
    }
    if o < outputs {
      let only = row(o, of: parameters)
      var a = biases[o]
      precondition(only.count == x.count)
      for i in 0..<x.count { a += only[i] * x[i] }
      y[o] = activate(a)
    }
  }

  /// The weights of output `o`.
  @_lifetime(copy parameters)
  private func row(_ o: Int, of parameters: Span<Float>) -> Span<Float> {
    parameters.extracting(o &* inputs..<(o &+ 1) &* inputs)
  }

  // Written so that NaN stays NaN: a ReLU by max() would hide a model that has diverged.
  private func activate(_ sum: Float) -> Float {
    activation == .relu && sum < 0 ? 0 : sum
  }

  /// Turns derivatives by this layer's outputs into derivatives by its sums.
  func passActivation(_ y: Span<Float>, _ delta: inout MutableSpan<Float>) {
    guard activation == .relu else { return }
    for o in 0..<outputs where !(y[o] > 0) { delta[o] = 0 }
  }

  /// Writes the derivatives by this layer's inputs, deltaᵀ · weights, into `inputDelta`.
  func backward(
    _ parameters: Span<Float>, _ delta: Span<Float>, into inputDelta: inout MutableSpan<Float>
  ) {
    let width = inputs
    inputDelta.update(repeating: 0)
    for o in 0..<outputs where delta[o] != 0 {
      let factor = delta[o]
      let row = parameters.extracting(o &* width..<(o &+ 1) &* width)
      precondition(row.count == inputDelta.count)
      for i in 0..<row.count { inputDelta[i] += factor * row[i] }
    }
  }

  /// Adds `scale` times the gradient for one example, delta · xᵀ and delta, to `target`, which is laid out
  /// like this layer's parameters. Rows of an output that does not matter to the loss (a ReLU at rest) are
  /// left out.
  func addGradient(
    to target: inout MutableSpan<Float>, scale: Float, _ delta: Span<Float>, _ x: Span<Float>
  ) {
    let width = inputs
    var o = 0
    while o &+ 1 < outputs {
      let factors = (scale * delta[o], scale * delta[o &+ 1])
      if factors.0 != 0 && factors.1 != 0 {
        let rows = DividedSpan(target._mutatingExtracting(o &* width..<(o &+ 2) &* width), at: width)
        addScaled(factors, x, to: rows)
      } else {
        addScaled(factors.0, x, to: target._mutatingExtracting(o &* width..<(o &+ 1) &* width))
        addScaled(factors.1, x, to: target._mutatingExtracting((o &+ 1) &* width..<(o &+ 2) &* width))
      }
      o &+= 2
    }
    if o < outputs {
      addScaled(scale * delta[o], x, to: target._mutatingExtracting(o &* width..<(o &+ 1) &* width))
    }
    var biases = target._mutatingExtracting(weightCount..<parameterCount)
    for o in 0..<outputs { biases[o] += scale * delta[o] }
  }

  private func addScaled(_ factors: (Float, Float), _ x: Span<Float>, to rows: consuming DividedSpan) {
    var first = rows.head
    var second = rows.tail
    precondition(first.count == x.count && second.count == x.count)
    for i in 0..<x.count {
      let value = x[i]
      first[i] += factors.0 * value
      second[i] += factors.1 * value
    }
  }

  private func addScaled(_ factor: Float, _ x: Span<Float>, to sums: consuming MutableSpan<Float>) {
    guard factor != 0 else { return }
    precondition(sums.count == x.count)
    for i in 0..<x.count { sums[i] += factor * x[i] }
  }

  /// One whole step of plain gradient descent for one example: w -= rate · δ · x + decay · w, biases without
  /// decay. The bits are those of summing the two terms apart and subtracting the sum.
  func descend(
    _ parameters: inout MutableSpan<Float>, rate: Float, decay: Float, _ delta: Span<Float>, _ x: Span<Float>
  ) {
    let width = inputs
    for o in 0..<outputs {
      let factor = rate * delta[o]
      var row = parameters._mutatingExtracting(o &* width..<(o &+ 1) &* width)
      precondition(row.count == x.count)
      for i in 0..<row.count { row[i] -= factor * x[i] + decay * row[i] }
      parameters[weightCount &+ o] -= factor
    }
  }
}
