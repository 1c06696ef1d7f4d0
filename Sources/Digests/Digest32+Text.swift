// Digests as text, for logs, files and command lines: on the host only, because String costs a firmware
// image some 25 KB.
#if !hasFeature(Embedded)
  extension Digest32: CustomStringConvertible {
    /// The 64 lower-case hexadecimal digits.
    public var description: String { hexadecimal(first: Self.count) }

    /// The first eight hexadecimal digits, enough to tell objects apart in a log line.
    public var short: String { hexadecimal(first: 4) }

    /// Reads 64 hexadecimal digits in either case; nil for anything else.
    public init?(hex: some StringProtocol) {
      guard hex.utf8.count == 2 * Self.count else { return nil }
      var bytes = InlineArray<32, UInt8>(repeating: 0)
      for (i, character) in hex.utf8.enumerated() {
        let digit: UInt8
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
        default: return nil
        }
        bytes[i / 2] = bytes[i / 2] << 4 | digit
      }
      self.init(storage: bytes)
    }

    private func hexadecimal(first count: Int) -> String {
      func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }
      return String(unsafeUninitializedCapacity: 2 * count) { text in
        for i in 0..<count {
          text[2 * i] = digit(self[i] >> 4)
          text[2 * i + 1] = digit(self[i] & 15)
        }
        return 2 * count
      }
    }
  }
#endif
