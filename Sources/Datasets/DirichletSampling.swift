import Glibc

extension SplitMix64 {
  /// A standard normal variate by the polar method (Marsaglia & Bray 1964).
  private mutating func nextNormal() -> Double {
    while true {
      let u = 2 * nextUnit() - 1
      let v = 2 * nextUnit() - 1
      let square = u * u + v * v
      if square < 1 && square > 0 { return u * (-2 * log(square) / square).squareRoot() }
    }
  }

  /// The logarithm of a Gamma(shape, 1) variate, shape > 0 (Marsaglia & Tsang 2000).
  ///
  /// Below a shape of 1 their boost is used, in logarithms: U^(1/shape) underflows where shapes are small.
  private mutating func nextLogGamma(shape: Double) -> Double {
    let boosted = shape < 1
    let d = (boosted ? shape + 1 : shape) - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = nextNormal()
      let cubeRoot = 1 + c * x
      guard cubeRoot > 0 else { continue }
      let v = cubeRoot * cubeRoot * cubeRoot
      if log(nextUnit()) < x * x / 2 + d - d * v + d * log(v) {
        return log(d * v) + (boosted ? log(nextUnit()) / shape : 0)
      }
    }
  }

  /// A point of the simplex from Dirichlet(concentrations), all > 0: independent gammas over their sum.
  mutating func nextDirichlet(_ concentrations: [Double]) -> [Double] {
    var logs: [Double] = []
    for concentration in concentrations { logs.append(nextLogGamma(shape: concentration)) }
    let largest = logs.max() ?? 0
    let weights = logs.map { exp($0 - largest) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }
}
