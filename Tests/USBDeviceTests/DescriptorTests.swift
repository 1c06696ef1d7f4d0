import Testing
import USBDevice

/// A descriptor, cut out of its set.
private struct Descriptor {
  let bytes: [UInt8]
  var type: UInt8 { bytes[1] }
}

/// Cuts a set into descriptors by their lengths; nil if they do not add up.
private func cut(_ bytes: [UInt8]) -> [Descriptor]? {
  var found: [Descriptor] = []
  var rest = bytes[...]
  while let length = rest.first.map(Int.init) {
    guard length >= 2, length <= rest.count else { return nil }
    found.append(Descriptor(bytes: Array(rest.prefix(length))))
    rest = rest.dropFirst(length)
  }
  return found
}

@Suite struct DescriptorTests {
  let host: Host = {
    let host = Host()
    host.device.powered()
    host.reset()
    return host
  }()

  private func read(_ type: UInt8, _ index: UInt8 = 0, language: UInt16 = 0) -> [UInt8] {
    guard case .done(let bytes) = host.descriptor(type, index, language: language) else { return [] }
    return bytes
  }

  @Test func theDeviceDescriptorSaysWhoItIs() {
    let device = read(1)
    #expect(device.count == 18 && device.first == 18)
    #expect(device[2...3] == [0x00, 0x02], "USB 2.0")
    // The class that tells the host to look for interface associations (ECN, table 1-1).
    #expect(device[4...6] == [0xef, 2, 1])
    #expect(device[7] == 64)
    #expect(device[8...13] == [0x41, 0x23, 0x5a, 0x80, 0x10, 0x00])
    #expect(device[17] == 1, "configurations")
  }

  @Test func everyStringThatADescriptorNamesIsThere() {
    let device = read(1)
    #expect(read(3) == [4, 3, 0x09, 0x04])
    let texts = [device[14], device[15], device[16]].map { index -> String in
      let bytes = read(3, index, language: 0x0409)
      #expect(bytes.count >= 2 && Int(bytes[0]) == bytes.count && bytes[1] == 3)
      return String(decoding: stride(from: 2, to: bytes.count, by: 2).map { bytes[$0] }, as: UTF8.self)
    }
    #expect(texts == ["Maker", "Board", "0123456789ABCDEF"])
  }

  @Test func theConfigurationKeepsTheRulesOfTheSpecification() throws {
    let configuration = read(2)
    let parts = try #require(cut(configuration))
    let head = try #require(parts.first).bytes
    #expect(head.count == 9 && head[1] == 2)
    #expect(Int(head[2]) | Int(head[3]) << 8 == configuration.count, "wTotalLength")
    #expect(head[5] == 1, "the value of SET_CONFIGURATION is not 0")
    #expect(head[7] & 0x80 != 0 && head[7] & 0x1f == 0, "bit 7 is 1, bits 4 to 0 are reserved")
    #expect(head[7] & 0x20 != 0, "it wakes its host")
    #expect(head[8] <= 250, "no more than 500 mA")

    let interfaces = parts.filter { $0.type == 4 }
    #expect(interfaces.map { $0.bytes[2] } == [0, 1], "numbered from 0")
    #expect(Int(head[4]) == interfaces.count)
    let association = try #require(parts.first { $0.type == 11 }).bytes
    #expect(association[2] == 0 && association[3] == 2, "of both interfaces")
    #expect(Array(association[4...5]) == Array(interfaces[0].bytes[5...6]), "class of its first interface")
  }

  @Test func endpointsHaveAddressesOfTheirOwnAndPacketsOfFullSpeed() throws {
    let parts = try #require(cut(read(2)))
    var addresses: [UInt8] = []
    var announced = 0
    var counted = 0
    for part in parts {
      if part.type == 4 { announced += Int(part.bytes[4]) }
      guard part.type == 5 else { continue }
      counted += 1
      #expect(part.bytes.count == 7)
      let (address, attributes, size) = (
        part.bytes[2], part.bytes[3], Int(part.bytes[4]) | Int(part.bytes[5]) << 8
      )
      addresses.append(address)
      #expect(address & 0x0f >= 1 && address & 0x70 == 0)
      let endpoint = try #require(Endpoint(rawValue: address))
      #expect(size == endpoint.packetSize)
      switch attributes {
      case 2: #expect([8, 16, 32, 64].contains(size), "bulk, 5.8.3")
      case 3: #expect(size <= 64 && part.bytes[6] >= 1, "interrupt, 5.7.3 and 9.6.6")
      default: Issue.record("attributes \(attributes)")
      }
    }
    #expect(Set(addresses).count == addresses.count && addresses.count == 3)
    #expect(counted == announced)
  }

  @Test func theFunctionIsASerialPortAndNoModem() throws {
    let parts = try #require(cut(read(2)))
    let interfaces = parts.filter { $0.type == 4 }.map { Array($0.bytes[5...7]) }
    #expect(interfaces == [[2, 2, 0], [10, 0, 0]], "abstract control model, protocol 0; data")
    let functional = parts.filter { $0.type == 0x24 }.map(\.bytes)
    #expect(functional.map { $0[2] } == [0, 1, 2, 6], "header, call management, abstract control, union")
    #expect(functional[3][3...4] == [0, 1], "interface 0 controls interface 1")
  }

  @Test(arguments: [
    (6, 0, 0), (7, 0, 0), (1, 1, 0), (2, 1, 0), (3, 4, 0x0409), (3, 1, 0x0407), (4, 0, 0), (5, 0, 0),
  ])
  func whatIsNotThereIsRefused(_ type: UInt8, _ index: UInt8, _ language: UInt16) {
    #expect(host.descriptor(type, index, language: language) == .stall)
  }
}
