import PropertyTesting
import Testing

@testable import FirmwareImage

@Suite struct FirmwareImageTests {
  @Test func `An image tells its version`() throws {
    let factory = ImageFactory()
    let image = try FirmwareImage(file: factory.bytes, for: .nano33BLE)
    #expect(image.bytes == factory.bytes)
    #expect(image.header?.version == "1.2.3")
    let longest = try FirmwareImage(file: ImageFactory(version: "0.1.0-abcdef0123").bytes, for: .nano33BLE)
    #expect(longest.header?.version == "0.1.0-abcdef0123")
  }

  @Test func `An image for another board is refused, whatever is said`() {
    for force in [false, true] {
      #expect(
        fault(ImageFactory(board: 2).bytes, allowsAnyProgram: force)
          == .otherBoard(image: "board emulated by QEMU", board: "Nano 33 BLE"))
      #expect(fault(ImageFactory(board: 9).bytes, allowsAnyProgram: force)?.code == "image-other-board")
      #expect(
        fault(ImageFactory(loadAddress: 0).bytes, allowsAnyProgram: force)
          == .otherAddress(image: 0, board: 0x1_0000))
      #expect(fault(ImageFactory(form: 2).bytes, allowsAnyProgram: force) == .unknownHeader(form: 2))
    }
  }

  @Test(
    arguments: [
      (0x2000_0000, nil), (0x2004_0004, nil), (0x1fff_fffc, nil), (0x2000_4002, nil), (0xffff_ffff, nil),
      (0x2000_4000, 0x1_0200), (0x2000_4000, 0x1_0001), (0x2000_4000, 0x1_0401), (0x2000_4000, 0x201),
      (0x2000_4000, 0xffff_ffff),
    ] as [(UInt32, UInt32?)])
  func `A vector table that the processor could not start from is refused`(_ stack: UInt32, _ reset: UInt32?)
  {
    var factory = ImageFactory(stack: stack, reset: reset)
    #expect(fault(factory.bytes) == .badVectorTable)
    factory.hasHeader = false
    #expect(fault(factory.bytes, allowsAnyProgram: true) == .notAnImage)
  }

  @Test func `The stack may begin at the end of memory`() {
    #expect(fault(ImageFactory(stack: 0x2004_0000).bytes) == nil)
    #expect(fault(ImageFactory(stack: 0x2000_0004).bytes) == nil)
  }

  @Test func `A file is as long as its image`() throws {
    let image = ImageFactory().bytes
    #expect(fault(Array(image.dropLast())) == .truncated(length: 1023, expected: 1024))
    #expect(fault(Array(image.prefix(0x120))) == .truncated(length: 0x120, expected: 1024))
    // Cut within the header there is nothing that says what it is.
    #expect(fault(Array(image.prefix(0x11f)))?.code == "image-not-an-image")
    #expect(fault(image + [1]) == .trailingBytes(length: 1025, expected: 1024))
    for padding in [0, 0xff] as [UInt8] {
      let padded = image + [UInt8](repeating: padding, count: 3072)
      #expect(try FirmwareImage(file: padded, for: .nano33BLE).bytes == image)
    }
    #expect(fault(image + [UInt8](repeating: 0, count: 4096))?.code == "image-trailing-bytes")
    #expect(fault(image + [0, 0xff])?.code == "image-trailing-bytes")
    #expect(fault(ImageFactory(length: 1026).bytes) == .unlikelyLength(1026))
    #expect(fault(ImageFactory(claimedLength: 0x100).bytes) == .unlikelyLength(0x100))
    #expect(fault([]) == .empty)
  }

  @Test func `An image has the room before the board's examples`() {
    #expect(fault(ImageFactory(length: 0x4_0000).bytes) == nil)
    #expect(
      fault(ImageFactory(length: 0x4_0004).bytes) == .tooLong(length: 0x4_0004, limit: 0x4_0000))
    #expect(fault(ImageFactory(claimedLength: 0xffff_fffc).bytes)?.code == "image-too-long")
  }

  @Test func `Another program is taken on demand`() throws {
    let sketch = ImageFactory(length: 0xf_0000, hasHeader: false).bytes
    #expect(fault(sketch) == .noHeader)
    let image = try FirmwareImage(file: sketch, for: .nano33BLE, allowsAnyProgram: true)
    #expect(image.bytes == sketch && image.header == nil)
    #expect(
      fault(sketch + [0], allowsAnyProgram: true) == .tooLong(length: 0xf_0001, limit: 0xf_0000))
  }

  @Test func `What is no program is named`() {
    #expect(fault(Array("#!/bin/sh\necho hello\n".utf8)) == .notAnImage)
    #expect(fault([0x7f, 0x45, 0x4c, 0x46] + [UInt8](repeating: 0, count: 999)) == .executable)
    #expect(fault([1, 2, 3], allowsAnyProgram: true) == .notAnImage)
    #expect(fault([UInt8](repeating: 0xff, count: 5000), allowsAnyProgram: true) == .notAnImage)
  }

  @Test(arguments: ["", "1.0 beta", "\u{7f}", "é"])
  func `A version that is no plain word is refused`(_ version: String) {
    #expect(fault(ImageFactory(version: version).bytes) == .unreadableVersion)
  }

  @Test func `Every error says cause, remedy and code`() {
    let errors: [FirmwareImageError] = [
      .empty, .notAnImage, .executable, .noHeader, .unknownHeader(form: 2), .unreadableVersion,
      .otherBoard(image: "a", board: "b"), .otherAddress(image: 0, board: 0x1_0000), .unlikelyLength(3),
      .tooLong(length: 2, limit: 1), .truncated(length: 1, expected: 2),
      .trailingBytes(length: 2, expected: 1),
      .badVectorTable, .hexRecord(line: 1, what: "no colon"), .hexOutside(address: 7),
    ]
    #expect(Set(errors.map(\.code)).count == errors.count)
    for error in errors {
      #expect(error.code.hasPrefix("image-") && !error.cause.isEmpty && !error.remedy.isEmpty)
      #expect(error.description == "\(error.cause); \(error.remedy) [\(error.code)]")
    }
  }

  @Test func `Nothing that a file may hold does harm`() {
    let seed: UInt64 = 33
    var random = SeededGenerator(seed: seed)
    let good = [ImageFactory(length: 0x140).bytes, ImageFactory(length: 0x140).hex()]
    for number in 0..<2000 {
      var file = good[number % 2]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: file.removeLast(Int.random(in: 0...file.count, using: &random))
        case 1: file.append(UInt8.random(in: 0...255, using: &random))
        case _ where file.isEmpty: break
        case 2: file[Int.random(in: 0..<file.count, using: &random)] = .random(in: 0...255, using: &random)
        default: file.remove(at: Int.random(in: 0..<file.count, using: &random))
        }
      }
      guard let image = try? FirmwareImage(file: file, for: .nano33BLE, allowsAnyProgram: true) else {
        continue
      }
      #expect(image.bytes.count <= 0xf_0000 && image.bytes.count >= 8, "seed \(seed), file \(number)")
    }
  }
}
