import Bytes

/// Frames that came in and wait to be taken, in a ring of fixed size: each is its length in two octets and then its
/// octets, which is just how a credit-based channel sends it (the SDU length stands before the first segment).
///
/// The frame at the end may still be growing.
struct FrameQueue: ~Copyable {
  private var ring: BoundedBytes
  private var head = 0
  private(set) var used = 0
  /// Octets of ``used`` that belong to the frame that is not whole yet, its length field included.
  private var growing = 0

  /// Frames that wait.
  private(set) var count = 0

  init(capacity: Int) {
    ring = BoundedBytes(capacity: capacity)
    ring.appendZeros(capacity)
  }

  /// Octets that may still be appended, length fields included.
  var free: Int { ring.capacity - used }

  /// Octets that the growing frame will have; nil if none is begun.
  var growingLength: Int? {
    growing >= 2 ? Int(byte(at: used - growing)) | Int(byte(at: used - growing + 1)) << 8 : nil
  }

  /// Octets that are still missing of the growing frame.
  var missing: Int { growingLength.map { $0 + 2 - growing } ?? 0 }

  mutating func removeAll() {
    head = 0
    used = 0
    growing = 0
    count = 0
  }

  /// Forgets the frame that is not whole.
  mutating func dropGrowing() {
    used -= growing
    growing = 0
  }

  /// Begins a frame of `length` octets; the caller has looked at ``free``.
  mutating func begin(length: Int) {
    dropGrowing()
    push(UInt8(truncatingIfNeeded: length))
    push(UInt8(truncatingIfNeeded: length >> 8))
    finishIfWhole()
  }

  /// Appends to the frame begun, no more than is ``missing`` of it.
  mutating func append(_ octets: Span<UInt8>) {
    guard growing >= 2, octets.count <= missing, octets.count <= free else { return }
    var end = head + used
    if end >= ring.capacity { end -= ring.capacity }
    Self.copy(octets, to: end, of: ring.mutableSpan)
    used += octets.count
    growing += octets.count
    finishIfWhole()
  }

  /// Copies into a ring, around its end.
  private static func copy(_ octets: Span<UInt8>, to start: Int, of ring: consuming MutableSpan<UInt8>) {
    let first = min(octets.count, ring.count - start)
    for i in 0..<first { ring[start + i] = octets[i] }
    for i in first..<octets.count { ring[i - first] = octets[i] }
  }

  /// Appends one octet to the frame begun, if it misses one.
  mutating func append(_ octet: UInt8) {
    guard growing >= 2, missing > 0 else { return }
    push(octet)
    finishIfWhole()
  }

  /// Appends the `width` low octets of `value`, least significant first, to the frame begun.
  mutating func append(littleEndian value: UInt64, width: Int) {
    for i in 0..<width { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
  }

  /// Takes out the oldest whole frame; false if there is none.
  mutating func takeFrame(into frame: inout BoundedBytes) -> Bool {
    guard count > 0 else { return false }
    let length = Int(byte(at: 0)) | Int(byte(at: 1)) << 8
    frame.removeAll()
    let start = (head + 2) % ring.capacity
    let first = min(length, ring.capacity - start)
    frame.append(contentsOf: ring.span.extracting(start..<start + first))
    if first < length { frame.append(contentsOf: ring.span.extracting(0..<length - first)) }
    head = (head + length + 2) % ring.capacity
    used -= length + 2
    count -= 1
    return true
  }

  private mutating func finishIfWhole() {
    guard growing >= 2, missing == 0 else { return }
    growing = 0
    count += 1
  }

  private func byte(at index: Int) -> UInt8 {
    ring.span[(head + index) % ring.capacity]
  }

  private mutating func push(_ octet: UInt8) {
    guard used < ring.capacity else { return }
    let end = (head + used) % ring.capacity
    var span = ring.mutableSpan
    span[end] = octet
    used += 1
    growing += 1
  }
}
