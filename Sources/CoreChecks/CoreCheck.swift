/// A computation whose result must be the same bits on every processor and in every build.
///
/// The host's tests and the firmware's CoreCheck image run the same ones; `Firmware/expected-checks.txt`
/// holds the hashes that both compare with.
public struct CoreCheck: Sendable {
  /// Its name in `expected-checks.txt`: no spaces.
  public let name: StaticString

  /// Computes and gives the FNV-1a hash of the result.
  public let run: @Sendable () -> UInt32

  /// How many there are.
  public static let count = 18

  /// The check at `index`, which is in 0..<``count``.
  public static func at(_ index: Int) -> CoreCheck {
    switch index {
    case 0: CoreCheck(name: "exp-log", run: elementaryFunctionsHash)
    case 1: CoreCheck(name: "epoch-order", run: epochOrderHash)
    case 2: CoreCheck(name: "train-256x10-batch1", run: logisticRegressionHash)
    case 3: CoreCheck(name: "train-30x16x7-momentum-decay-prox-batch8", run: hiddenLayerHash)
    case 4: CoreCheck(name: "train-int8-64x10-decay", run: quantisedInputHash)
    case 5: CoreCheck(name: "train-on-frozen-int8-70x30", run: frozenLayerHash)
    case 6: CoreCheck(name: "digests", run: digestsHash)
    case 7: CoreCheck(name: "cbor", run: cborHash)
    case 8: CoreCheck(name: "framing", run: framingHash)
    case 9: CoreCheck(name: "messages", run: messagesHash)
    case 10: CoreCheck(name: "update-headers", run: updateHeadersHash)
    case 11: CoreCheck(name: "code-lossless", run: losslessCodeHash)
    case 12: CoreCheck(name: "code-step", run: stepCodeHash)
    case 13: CoreCheck(name: "code-stc", run: ternaryCodeHash)
    case 14: CoreCheck(name: "aes-cmac", run: cipherHash)
    case 15: CoreCheck(name: "p256", run: curveHash)
    case 16: CoreCheck(name: "pairing", run: pairingHash)
    case 17: CoreCheck(name: "ble-host", run: bleHostHash)
    default: preconditionFailure("no such check")
    }
  }
}

/// The 32-bit FNV-1a hash (Fowler, Noll, Vo) of 32-bit words, each taken least significant byte first.
struct FNV1a {
  private(set) var value: UInt32 = 2_166_136_261

  mutating func add(_ word: UInt32) {
    var rest = word
    for _ in 0..<4 {
      value = (value ^ (rest & 0xff)) &* 16_777_619
      rest >>= 8
    }
  }

  mutating func add(_ number: Float) {
    add(number.bitPattern)
  }

  mutating func add(_ bytes: Span<UInt8>) {
    for i in 0..<bytes.count { value = (value ^ UInt32(bytes[i])) &* 16_777_619 }
  }
}
