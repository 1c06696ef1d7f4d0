/// A layer with where its parameters and outputs lie among those of all layers.
struct LayerPlace {
  let layer: Layer
  let parameters: Range<Int>
  let outputs: Range<Int>

  /// Where the outputs of the layer below lie, which are this one's inputs; empty for the first layer.
  let inputs: Range<Int>

  /// What this layer saw: the example, or the outputs of the layer below.
  @_lifetime(copy x, copy activations)
  func input(_ x: Span<Float>, _ activations: Span<Float>) -> Span<Float> {
    if inputs.isEmpty { return x }
    return activations.extracting(inputs)
  }
}

extension ModelDescription {
  /// Adds up the layers below: at most five.
  func place(ofLayer index: Int) -> LayerPlace {
    var parameters = 0
    var outputs = 0
    for l in 0..<index {
      parameters += layer(l).parameterCount
      outputs += layer(l).outputs
    }
    let layer = layer(index)
    return LayerPlace(
      layer: layer, parameters: parameters..<parameters + layer.parameterCount,
      outputs: outputs..<outputs + layer.outputs,
      inputs: (index == 0 ? outputs : outputs - layer.inputs)..<outputs)
  }

  /// Why an example cannot be run through the model, if so.
  func obstacle(width: Int, isQuantised: Bool, label: Int) -> ExampleFailure? {
    guard isQuantised == (input != .float32) else { return .inputFormat }
    guard width == inputWidth else { return .inputWidth(got: width, expected: inputWidth) }
    guard label >= 0, label < outputWidth else {
      return .labelOutOfRange(label: label, classes: outputWidth)
    }
    return nil
  }
}
