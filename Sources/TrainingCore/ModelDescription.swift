/// How the examples of a model come in.
public enum InputFormat: Sendable, Equatable {
  /// Values as they are.
  case float32

  /// Values as 8-bit integers q that stand for (q - zeroPoint) * scale; `scale` is positive and finite.
  case int8(scale: Float, zeroPoint: Int8)
}

/// What a layer does to its sums.
public enum Activation: UInt8, Sendable {
  /// Nothing.
  case none = 0

  /// Negative sums become zero.
  case relu = 1
}

/// What training makes small.
public enum Loss: UInt8, Sendable {
  /// Cross entropy of the softmax of the last layer's outputs, in nats; one output a class.
  case softmaxCrossEntropy = 0
}

/// A dense layer: outputs = activation(weights · inputs + biases).
public struct Layer: Sendable, Equatable {
  /// Values that come in, 1…4096.
  public let inputs: Int

  /// Values that go out, 1…4096.
  public let outputs: Int

  /// What is applied to each output.
  public let activation: Activation

  /// inputs × outputs.
  public var weightCount: Int { inputs * outputs }

  /// Weights and biases.
  public var parameterCount: Int { weightCount + outputs }
}

/// A model as data: the shape of a stack of dense layers, without its parameters.
///
/// The parameters lie layer by layer in one block of floats: each layer's weights row-major as
/// [outputs][inputs], then its biases. A value of this type holds no heap memory.
public struct ModelDescription: Sendable, Equatable {
  /// The most layers a model can have.
  public static let maximumLayers = 6

  /// The widest layer or input.
  public static let maximumWidth = 4096

  /// Number of values of an example, 1…4096.
  public let inputWidth: Int

  /// How examples come in.
  public let input: InputFormat

  /// What training makes small.
  public let loss: Loss

  /// Number of layers, 0…6; a model is of use from one layer on.
  public private(set) var layerCount = 0

  /// Weights and biases of all layers.
  public private(set) var parameterCount = 0

  // A layer's inputs are the outputs below it. One half-word a layer, as descriptions are copied in every
  // training step, and the whole array whenever a layer is looked up.
  private struct Stored: Sendable {
    private let packed: UInt16

    /// - Parameter outputs: at most ``maximumWidth``, which leaves the top bits free.
    init(outputs: Int, activation: Activation) {
      packed = UInt16(truncatingIfNeeded: outputs) | UInt16(activation.rawValue) << 15
    }

    var outputs: Int { Int(packed & 0x7fff) }
    var activation: Activation { packed >> 15 == Activation.relu.rawValue ? .relu : .none }
  }

  private var stored: InlineArray<6, Stored>

  /// A model without layers, to be completed with ``append(outputs:activation:)``.
  ///
  /// - Throws: ``ModelError/widthOutOfRange(_:)``, or ``ModelError/malformed`` for an int8 scale that is not a
  ///   positive finite number.
  public init(
    inputWidth: Int, input: InputFormat = .float32, loss: Loss = .softmaxCrossEntropy
  ) throws(ModelError) {
    try Self.check(width: inputWidth)
    if case .int8(let scale, _) = input {
      guard scale.isFinite, scale > 0 else { throw .malformed }
    }
    self.inputWidth = inputWidth
    self.input = input
    self.loss = loss
    stored = .init(repeating: Stored(outputs: 0, activation: .none))
  }

  /// A stack of dense layers with ReLU between them; the last one gives the classes' logits.
  ///
  /// - Parameters:
  ///   - inputWidth: values of an example.
  ///   - widths: outputs of each layer, first to last; the last is the number of classes.
  ///   - input: how examples come in.
  public init(inputWidth: Int, widths: Span<Int>, input: InputFormat = .float32) throws(ModelError) {
    try self.init(inputWidth: inputWidth, input: input)
    for i in 0..<widths.count {
      try append(outputs: widths[i], activation: i + 1 < widths.count ? .relu : .none)
    }
    guard layerCount > 0 else { throw .noLayers }
  }

  /// Logistic regression: one dense layer from the inputs to the classes.
  public init(inputWidth: Int, classes: Int, input: InputFormat = .float32) throws(ModelError) {
    try self.init(inputWidth: inputWidth, input: input)
    try append(outputs: classes, activation: .none)
  }

  /// One hidden layer with ReLU, then the classes.
  public init(inputWidth: Int, hidden: Int, classes: Int, input: InputFormat = .float32) throws(ModelError) {
    try self.init(inputWidth: inputWidth, input: input)
    try append(outputs: hidden, activation: .relu)
    try append(outputs: classes, activation: .none)
  }

  /// Puts a dense layer on top.
  ///
  /// - Throws: ``ModelError/tooManyLayers`` or ``ModelError/widthOutOfRange(_:)``; the model is then unchanged.
  public mutating func append(outputs: Int, activation: Activation) throws(ModelError) {
    guard layerCount < Self.maximumLayers else { throw .tooManyLayers }
    try Self.check(width: outputs)
    let layer = Layer(inputs: outputWidth, outputs: outputs, activation: activation)
    stored[layerCount] = Stored(outputs: outputs, activation: activation)
    layerCount += 1
    parameterCount += layer.parameterCount
  }

  /// The layer at `index`, 0 being the one nearest to the input.
  ///
  /// - Precondition: `index` is in 0..<``layerCount``.
  public func layer(_ index: Int) -> Layer {
    precondition(index >= 0 && index < layerCount, "no such layer")
    let own = stored[index]
    return Layer(
      inputs: index == 0 ? inputWidth : stored[index &- 1].outputs, outputs: own.outputs,
      activation: own.activation)
  }

  /// Outputs of the last layer: the number of classes.
  public var outputWidth: Int { layerCount == 0 ? inputWidth : stored[layerCount - 1].outputs }

  /// Outputs of all layers together.
  var activationCount: Int {
    var sum = 0
    for i in 0..<layerCount { sum += stored[i].outputs }
    return sum
  }

  /// Whether both describe the same model.
  public static func == (a: Self, b: Self) -> Bool {
    guard a.inputWidth == b.inputWidth, a.input == b.input, a.loss == b.loss, a.layerCount == b.layerCount
    else { return false }
    for i in 0..<a.layerCount where a.layer(i) != b.layer(i) { return false }
    return true
  }

  private static func check(width: Int) throws(ModelError) {
    guard width >= 1, width <= maximumWidth else { throw .widthOutOfRange(width) }
  }
}
