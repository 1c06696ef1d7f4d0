/// SplitMix64, the generator of Steele, Lea and Flood ("Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014) with the constants of Sebastiano Vigna's splitmix64.c. For weights and tests, not for secrets.
public struct SplitMix64: Sendable {
  private var state: UInt64

  /// Starts the sequence of `seed`.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state = state &+ 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A uniform float in [-1, 1): a multiple of 2⁻²³, so that it is exact.
  public mutating func nextSigned() -> Float {
    Float(Int(next() >> 40) - 8_388_608) / 8_388_608
  }
}

/// Fills `parameters` with a starting point: biases 0, weights uniform in ±√(6 / inputs) before a ReLU (He
/// et al. 2015) and in ±√(6 / (inputs + outputs)) elsewhere (Glorot and Bengio 2010).
///
/// The same seed gives the same bits everywhere.
///
/// - Precondition: `parameters` holds exactly the model's `parameterCount` floats.
public func initialiseWeights(
  of model: ModelDescription, seed: UInt64, into parameters: inout MutableSpan<Float>
) {
  precondition(parameters.count == model.parameterCount, "the span is not as long as the parameters")
  var random = SplitMix64(seed: seed)
  var at = 0
  for l in 0..<model.layerCount {
    let layer = model.layer(l)
    let fan = layer.activation == .relu ? layer.inputs : layer.inputs + layer.outputs
    let limit = (6 / Float(fan)).squareRoot()
    for _ in 0..<layer.weightCount {
      parameters[at] = random.nextSigned() * limit
      at += 1
    }
    for _ in 0..<layer.outputs {
      parameters[at] = 0
      at += 1
    }
  }
}
