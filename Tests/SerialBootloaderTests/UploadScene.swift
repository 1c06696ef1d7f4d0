import FirmwareImage
import PropertyTesting

@testable import SerialBootloader

/// An upload and a bootloader, joined in virtual time by a wire that can do anything.
struct UploadScene {
  var bootloader = ModelBootloader()
  var upload: FirmwareUpload
  var now: UInt64 = 0
  /// Bytes that went to the board.
  private(set) var bytesDown = 0
  /// The cable is pulled after so many of them.
  var cutAfter = Int.max
  /// The likelihood that a byte is lost, or becomes another one, on its way down or up.
  var loss = 0.0
  var damage = 0.0
  /// Noise that comes before replies.
  var noise = 0.0
  var random: SeededGenerator
  private var replies: [(at: UInt64, bytes: [UInt8])] = []

  init(_ image: FirmwareImage, seed: UInt64 = 1) {
    upload = FirmwareUpload(of: image)
    random = SeededGenerator(seed: seed)
  }

  /// An image of random bytes.
  static func image(length: Int, version: String = "2.0.0", seed: UInt64 = 5) throws -> FirmwareImage {
    var random = SeededGenerator(seed: seed)
    var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    func put(_ number: Int, _ place: Int) {
      for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    }
    put(0x2000_4000, 0)
    put(0x1_0201 < 0x1_0000 + length ? 0x1_0201 : 0x1_0009, 4)
    bytes.replaceSubrange(0x100..<0x104, with: Array("FBIM".utf8))
    put(1 | 1 << 16, 0x104)
    put(0x1_0000, 0x108)
    put(length, 0x10c)
    bytes.replaceSubrange(
      0x110..<0x120, with: Array((version + String(repeating: "\0", count: 16)).utf8.prefix(16)))
    return try FirmwareImage(file: bytes, for: .nano33BLE)
  }

  /// Goes on until the upload is over.
  ///
  /// - Returns: how it ended; nil if it did not within `patience` of virtual time.
  mutating func run(patience: UInt64 = 3_600_000_000) -> Result<Void, UploadError>? {
    upload.start(now: now)
    let end = now + patience
    while upload.outcome == nil, now < end {
      if send() { continue }
      // The next thing that happens.
      let due = [replies.first?.at, upload.nextDeadline].compactMap(\.self).min()
      guard let due else { return nil }
      now = max(now, due)
      if let first = replies.first, first.at <= now {
        replies.removeFirst()
        upload.received(garbled(first.bytes), now: now)
      } else {
        upload.timePassed(now: now)
      }
    }
    return upload.outcome
  }

  /// Sends a packet; whether there was one.
  private mutating func send() -> Bool {
    let packet = Array(upload.output.prefix(64))
    guard !packet.isEmpty else { return false }
    upload.sent(packet.count)
    now += 60
    for byte in packet {
      guard bytesDown < cutAfter else {
        upload.portLost()
        return true
      }
      bytesDown += 1
      guard !random.chance(loss) else { continue }
      let (reply, after) = bootloader.take(
        random.chance(damage) ? .random(in: 0...255, using: &random) : byte)
      if !reply.isEmpty {
        if random.chance(noise) { replies.append((now + after, noiseBytes())) }
        replies.append((now + after + 100, reply))
        replies.sort { $0.at < $1.at }
      }
      if bootloader.wasReset {
        upload.portLost()
        return true
      }
    }
    return true
  }

  private mutating func garbled(_ bytes: [UInt8]) -> [UInt8] {
    var heard: [UInt8] = []
    for byte in bytes where !random.chance(loss) {
      heard.append(random.chance(damage) ? .random(in: 0...255, using: &random) : byte)
    }
    return heard
  }

  private mutating func noiseBytes() -> [UInt8] {
    (0..<Int.random(in: 1...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }
  }
}

/// Why it failed; nil if it did not.
func failure(_ outcome: Result<Void, UploadError>?) -> UploadError? {
  if case .failure(let error)? = outcome { return error }
  return nil
}

/// Whether it ended well.
func isSuccess(_ outcome: Result<Void, UploadError>?) -> Bool {
  if case .success? = outcome { return true }
  return false
}
