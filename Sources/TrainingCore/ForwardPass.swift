/// Outputs of all layers for one example, layer after layer, into `activations`.
///
/// - Parameters:
///   - model: what `parameters` are for.
///   - parameters: all of the model's parameters.
///   - x: the example, `inputWidth` values.
///   - activations: room for the outputs of all layers.
func forward(
  _ model: ModelDescription, _ parameters: Span<Float>, _ x: Span<Float>,
  into activations: inout MutableSpan<Float>
) {
  for l in 0..<model.layerCount {
    let place = model.place(ofLayer: l)
    let own = parameters.extracting(place.parameters)
    let parts = DividedSpan(
      activations._mutatingExtracting(0..<place.outputs.upperBound), at: place.outputs.lowerBound)
    let below = readOnly(parts.head)
    var outputs = parts.tail
    if l == 0 {
      place.layer.forward(own, x, into: &outputs)
    } else {
      place.layer.forward(own, below.extracting(place.inputs), into: &outputs)
    }
  }
}

/// Writes what the 8-bit values stand for, (q - zeroPoint) · scale, into `x`.
func dequantise(
  _ quantised: Span<Int8>, scale: Float, zeroPoint: Int8, into x: inout MutableSpan<Float>
) {
  precondition(quantised.count == x.count)
  let zero = Int(zeroPoint)
  for i in 0..<quantised.count {
    x[i] = Float(Int(quantised[i]) &- zero) * scale
  }
}
