public import Cryptography

/// AES-128 under a key that stays for a while: in software, or by a peripheral that does it.
public protocol BlockEncryption {
  /// The blocks that follow are encrypted with this key.
  mutating func use(key: Block128)
  /// Encrypts two blocks; where one costs as much as two that is how they come.
  mutating func encrypt(_ first: inout Block128, _ second: inout Block128)
}

/// AES in software, in constant time.
public struct SoftwareEncryption: BlockEncryption {
  private var cipher = AES128(key: .zero)

  /// Encryption with a key of zeros, until there is another.
  public init() {}

  /// The blocks that follow are encrypted with this key.
  public mutating func use(key: Block128) { cipher = AES128(key: key) }

  /// Encrypts two blocks in the time of one.
  ///
  /// Not inlined: each place would have a copy of the round keys on the stack.
  @inline(never)
  public mutating func encrypt(_ first: inout Block128, _ second: inout Block128) {
    cipher.encrypt(&first, &second)
  }
}

extension BlockEncryption {
  /// The encryption of one block with another key, which stays in use.
  mutating func encrypt(_ block: Block128, key: Block128) -> Block128 {
    use(key: key)
    var first = block
    var second = Block128.zero
    encrypt(&first, &second)
    return first
  }
}
