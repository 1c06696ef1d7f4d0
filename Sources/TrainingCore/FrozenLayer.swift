/// A dense layer that is not trained any more: 8-bit weights on 8-bit inputs, summed as integers.
///
///     featureₒ = activation(scaleₒ · (biasₒ + Σᵢ weightₒᵢ · xᵢ))
///
/// What comes out is what a model of `InputFormat.float32` learns from: a head that is trained on a board, upon an
/// extractor that is not. A board's examples are then the features: what loads an example runs the layer. The sum is
/// exact and the one multiplication is rounded once, so features are the same bits on every processor.
///
/// The layer borrows its numbers, which may lie in flash. They take about a quarter of the floats' memory.
/// ``quantise(_:_:scale:zeroPoint:weights:biases:scales:)`` makes them from a layer that was trained as floats; the
/// scheme is that of Jacob et al., "Quantization and Training of Neural Networks for Efficient
/// Integer-Arithmetic-Only Inference" (2018), symmetric and with a scale for each output.
public struct FrozenLayer: ~Escapable {
  /// Values that come in, 1…4096.
  public let inputs: Int

  /// Features that go out, 1…4096.
  public let outputs: Int

  /// What is applied to each feature.
  public let activation: Activation

  private let weights: Span<Int8>
  private let biases: Span<Int32>
  private let scales: Span<Float>

  /// A layer of numbers that stay where they are.
  ///
  /// - Parameters:
  ///   - inputs: values of an example.
  ///   - activation: what is applied to each feature.
  ///   - weights: row-major as [outputs][inputs].
  ///   - biases: one for each output, in units of its scale.
  ///   - scales: what a unit of each output's sum stands for.
  /// - Throws: ``ModelError/widthOutOfRange(_:)``, or ``ModelError/malformed`` if the counts do not agree.
  @_lifetime(copy weights, copy biases, copy scales)
  public init(
    inputs: Int, activation: Activation, weights: Span<Int8>, biases: Span<Int32>, scales: Span<Float>
  ) throws(ModelError) {
    let widths = 1...ModelDescription.maximumWidth
    guard widths.contains(inputs) else { throw .widthOutOfRange(inputs) }
    guard widths.contains(biases.count) else { throw .widthOutOfRange(biases.count) }
    guard scales.count == biases.count, weights.count == inputs * biases.count else { throw .malformed }
    self.inputs = inputs
    outputs = biases.count
    self.activation = activation
    self.weights = weights
    self.biases = biases
    self.scales = scales
  }

  /// Computes an example's features. A sum beyond `Int32`, which no quantised layer has, wraps.
  ///
  /// - Parameters:
  ///   - x: ``inputs`` values.
  ///   - features: room for ``outputs`` values.
  /// - Throws: ``ExampleFailure/inputWidth(got:expected:)`` for either; the features are then unchanged.
  public func forward(_ x: Span<Int8>, into features: inout MutableSpan<Float>) throws(ExampleFailure) {
    guard x.count == inputs else { throw .inputWidth(got: x.count, expected: inputs) }
    guard features.count == outputs else { throw .inputWidth(got: features.count, expected: outputs) }
    for o in 0..<outputs {
      let row = weights.extracting(o &* inputs..<(o &+ 1) &* inputs)
      let sum = biases[o] &+ dotProduct(row, x)
      features[o] = activation == .relu && sum < 0 ? 0 : Float(Int(sum)) * scales[o]
    }
  }
}
