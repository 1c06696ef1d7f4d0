import Bytes
import Cryptography
import PropertyTesting
import Testing

@testable import BLESecurity

@Suite struct BondTests {
  private func bond(_ vector: Vectors.StoredBond) -> Bond {
    Bond(
      peerIdentity: DeviceAddress(
        kind: DeviceAddress.Kind(rawValue: vector.kind)!, value: UInt64(vector.address, radix: 16)!),
      peerResolvingKey: Block128(hex: vector.resolvingKey), longTermKey: Block128(hex: vector.longTermKey),
      isAuthenticated: vector.isAuthenticated)
  }

  private func decoded(_ bytes: [UInt8]) -> Bond? { Bond(decoding: bytes.span) }

  @Test func encodesAsSpecifiedAndBack() throws {
    for vector in try Vectors.load().bonds {
      var bytes = BoundedBytes(capacity: Bond.encodedLength)
      bond(vector).encode(into: &bytes)
      #expect(bytes.copied() == unhex(vector.encoded))
      #expect(decoded(unhex(vector.encoded)) == bond(vector))
    }
  }

  @Test func damageIsNoBond() throws {
    for vector in try Vectors.load().bonds {
      let encoded = unhex(vector.encoded)
      for bit in 0..<8 * encoded.count {
        var damaged = encoded
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(decoded(damaged) == nil)
      }
      for length in 0..<encoded.count { #expect(decoded(Array(encoded.prefix(length))) == nil) }
      #expect(decoded(encoded + [0]) == nil)
    }
    #expect(decoded([UInt8](repeating: 0xff, count: 45)) == nil)
    #expect(decoded([UInt8](repeating: 0, count: 45)) == nil)
  }

  @Test func isFoundByIdentityAndByPrivateAddress() throws {
    let stored = try Vectors.load().bonds.map(bond)
    for own in stored {
      #expect(own.matches(own.peerIdentity))
      var other = own.peerIdentity
      other.kind = other.kind == .random ? .publicDevice : .random
      #expect(!own.matches(other))
    }
    for vector in try Vectors.load().privateAddresses {
      var own = stored[0]
      own.peerResolvingKey = Block128(hex: vector.key)
      let address = DeviceAddress(kind: .random, value: UInt64(vector.address, radix: 16)!)
      #expect(own.matches(address) == vector.resolves)
    }
  }

  @Test func aCentralWithoutKeyIsNotFoundByAnAddressThatTheZeroKeyWouldResolve() {
    // Its hash by the key zero.
    let prand: UInt32 = 0x45_6789
    let address = DeviceAddress(
      kind: .random, value: UInt64(prand) << 24 | UInt64(SecurityFunctions.addressHash(.zero, prand)))
    #expect(address.isResolved(by: .zero))
    let bond = Bond(
      peerIdentity: DeviceAddress(kind: .publicDevice, value: 1), peerResolvingKey: .zero,
      longTermKey: .zero, isAuthenticated: false)
    #expect(!bond.matches(address))
  }
}

@Suite struct DeviceAddressTests {
  @Test func isWrittenMostSignificantOctetFirstAndSentTheOtherWayRound() {
    let text = Array("C0:FF:EE:00:0a:01".utf8)
    let address = DeviceAddress(kind: .random, text: text.span)
    #expect(address?.value == 0xc0ff_ee00_0a01)
    var bytes = BoundedBytes(capacity: 23)
    address?.append(to: &bytes)
    #expect(bytes.copied() == [0x01, 0x0a, 0x00, 0xee, 0xff, 0xc0])
    #expect(DeviceAddress(kind: .random, littleEndian: bytes.span) == address)
    address?.appendText(to: &bytes)
    #expect(bytes.copied().dropFirst(6).elementsEqual("C0:FF:EE:00:0A:01".utf8))
    #expect(DeviceAddress(kind: .random, littleEndian: bytes.span) == nil)
  }

  @Test(arguments: [
    "", "C0:FF:EE:00:0a", "C0:FF:EE:00:0a:0g", "C0-FF-EE-00-0a-01", "C0:FF:EE:00:0a:011", "::::::::::::::::1",
  ])
  func textThatIsNoAddressIsRefused(_ text: String) {
    let bytes = Array(text.utf8)
    let address = DeviceAddress(kind: .random, text: bytes.span)
    #expect(address == nil)
  }

  @Test func sortsOfRandomAddressesAreTold() {
    func address(_ value: UInt64) -> DeviceAddress { DeviceAddress(kind: .random, value: value) }
    #expect(address(0xc000_0000_0001).isStaticRandom)
    #expect(!address(0xc000_0000_0000).isStaticRandom)
    #expect(!address(0xffff_ffff_ffff).isStaticRandom)
    #expect(!address(0x4000_0000_0001).isStaticRandom)
    #expect(address(0x4000_0100_0000).isResolvablePrivate)
    #expect(!address(0x4000_0000_0001).isResolvablePrivate)
    #expect(!address(0x7fff_ff00_0001).isResolvablePrivate)
    #expect(!address(0x8000_0100_0000).isResolvablePrivate)
    #expect(address(0xc000_0000_0001).isIdentity)
    #expect(!address(0x4000_0100_0000).isIdentity)
    #expect(DeviceAddress(kind: .publicDevice, value: 0).isIdentity)
    // More than 48 bits are not kept.
    #expect(address(0xffff_c000_0000_0001) == address(0xc000_0000_0001))
  }
}
