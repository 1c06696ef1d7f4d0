#if !hasFeature(Embedded)
  extension BoundedBytes {
    /// The bytes held, as an array of their own. For hosts: it allocates.
    public func copied() -> [UInt8] {
      let bytes = span
      return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
        for i in 0..<bytes.count { buffer.initializeElement(at: i, to: bytes[i]) }
        initialised = bytes.count
      }
    }
  }
#endif
