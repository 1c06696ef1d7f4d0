extension FrozenLayer {
  /// The largest absolute value of a weight. -128 stays unused, as its negative is no 8-bit number.
  private static var greatestWeight: Float { 127 }

  /// The largest absolute value of a bias before the zero point's part: with 4096 products below 2¹⁴, twice, it
  /// stays within `Int32`.
  private static var greatestBias: Float { 1_073_741_824 }

  /// Turns a trained layer on 8-bit inputs into integers.
  ///
  /// Each output has its own scale, by which its greatest weight becomes ±127, unless its bias is so much greater
  /// that it needs a larger one. A weight is off by at most half its row's scale. The inputs' zero point goes into
  /// the biases, so that running the layer does not need it.
  ///
  /// - Parameters:
  ///   - layer: the trained layer.
  ///   - parameters: its weights and biases as they lie in a model.
  ///   - scale: of the inputs (`InputFormat.int8`).
  ///   - zeroPoint: of the inputs.
  ///   - weights: room for the weights.
  ///   - biases: room for one an output.
  ///   - scales: room for one an output.
  /// - Throws: ``ModelError/malformed`` if a count does not fit the layer, a parameter is not finite, or an
  ///   output's scale would be no normal float. What was written until then means nothing.
  public static func quantise(
    _ layer: Layer, _ parameters: Span<Float>, scale: Float, zeroPoint: Int8,
    weights: inout MutableSpan<Int8>, biases: inout MutableSpan<Int32>, scales: inout MutableSpan<Float>
  ) throws(ModelError) {
    guard parameters.count == layer.parameterCount, weights.count == layer.weightCount,
      biases.count == layer.outputs, scales.count == layer.outputs, scale > 0
    else { throw .malformed }
    for i in 0..<parameters.count {
      guard parameters[i].isFinite else { throw .malformed }
    }
    for o in 0..<layer.outputs {
      let range = o * layer.inputs..<(o + 1) * layer.inputs
      let floats = parameters.extracting(range)
      let bias = parameters[layer.weightCount + o]

      var unit = max(greatest(of: floats) / greatestWeight, abs(bias) / (greatestBias * scale))
      if unit == 0 { unit = 1 }  // nothing but zeros
      guard (unit * scale).isNormal else { throw .malformed }
      scales[o] = unit * scale

      var row = weights._mutatingExtracting(range)
      var sum = 0
      for i in 0..<floats.count {
        let weight = nearest(min(max(floats[i] / unit, -greatestWeight), greatestWeight))
        row[i] = Int8(weight)
        sum += weight
      }
      let units = min(max(bias / scales[o], -greatestBias), greatestBias)
      biases[o] = Int32(nearest(units) - sum * Int(zeroPoint))
    }
  }

  private static func greatest(of floats: Span<Float>) -> Float {
    var greatest: Float = 0
    for i in 0..<floats.count { greatest = max(greatest, abs(floats[i])) }
    return greatest
  }

  /// The nearest integer, halves to the even one; `x` is within ±2³⁰. (`rounded()` would call the C library on a
  /// Cortex-M4.)
  private static func nearest(_ x: Float) -> Int {
    // From 2²² on the sum would be rounded to more than a unit.
    let rounder: Float = 12_582_912
    return Int(abs(x) < 4_194_304 ? (x + rounder) - rounder : x)
  }
}
