import Cryptography
import Testing

@testable import BLESecurity

@Suite struct SecurityFunctionsTests {
  /// An address with its kind in front.
  private func address(_ hex: String) -> DeviceAddress {
    DeviceAddress(
      kind: DeviceAddress.Kind(rawValue: unhex(hex)[0])!, value: UInt64(hex.dropFirst(2), radix: 16)!)
  }

  @Test func giveTheSamplesOfTheSpecification() throws {
    let samples = try Vectors.load().samples
    let f4 = samples.f4
    #expect(
      SecurityFunctions.confirmValue(Words256(hex: f4.u), Words256(hex: f4.v), Block128(hex: f4.x), f4.z)
        == Block128(hex: f4.value))
    let f5 = samples.f5
    let keys = SecurityFunctions.keys(
      Words256(hex: f5.w), Block128(hex: f5.n1), Block128(hex: f5.n2), address(f5.a1), address(f5.a2))
    #expect(keys.macKey == Block128(hex: f5.macKey))
    #expect(keys.longTermKey == Block128(hex: f5.longTermKey))
    let f6 = samples.f6
    let octets = unhex(f6.features)
    let features = try #require(PairingFeatures([octets[2], octets[1], octets[0], 16, 0, 0]))
    #expect(
      SecurityFunctions.checkValue(
        Block128(hex: f6.w), Block128(hex: f6.n1), Block128(hex: f6.n2), Block128(hex: f6.r), features,
        address(f6.a1), address(f6.a2)) == Block128(hex: f6.value))
    let ah = samples.ah
    #expect(
      SecurityFunctions.addressHash(Block128(hex: ah.key), UInt32(ah.random, radix: 16)!)
        == UInt32(ah.hash, radix: 16)!)
  }

  @Test func privateAddressesAreResolvedByTheirKeyOnly() throws {
    for vector in try Vectors.load().privateAddresses {
      let value = UInt64(vector.address, radix: 16)!
      let key = Block128(hex: vector.key)
      #expect(DeviceAddress(kind: .random, value: value).isResolved(by: key) == vector.resolves)
      #expect(!DeviceAddress(kind: .publicDevice, value: value).isResolved(by: key))
    }
  }

  @Test func passkeysByCableAreThoseOfTheSpecification() throws {
    for vector in try Vectors.load().cablePasskeys {
      let secret = CableSecret(Block128(hex: vector.secret))
      let passkey = secret.passkey(
        boardNonce: UInt64(vector.boardNonce, radix: 16)!,
        gatewayNonce: UInt64(vector.gatewayNonce, radix: 16)!)
      #expect(passkey == vector.passkey)
    }
  }

  @Test func bitsBecomeANumberOfSixDigits() {
    #expect(CableSecret.passkey(from: .zero) == 0)
    #expect(CableSecret.passkey(from: Block128(0, 0, 0, 999_999)) == 999_999)
    #expect(CableSecret.passkey(from: Block128(0, 0, 0, 1_000_000)) == 0)
    // 2^128 − 1
    #expect(CableSecret.passkey(from: Block128(.max, .max, .max, .max)) == 211_455)
  }
}

extension PairingFeatures {
  init?(_ octets: [UInt8]) {
    self.init(octets.span)
  }
}
