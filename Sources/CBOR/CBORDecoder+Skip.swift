/// An array, map or tag that ``CBORDecoder/skipValue()`` is inside of.
private struct Container {
  /// Items of it that did not end yet; keys and values of a map count one each.
  var remaining = 0
  var isMap = false
  /// Offset of its own head.
  var start = 0
  /// Where the encoding of the last key lies; empty before the first one ended.
  var lastKey = 0..<0
}

extension CBORDecoder {
  /// Passes over one item of any type and checks all of it: well-formed, deterministic, keys of every type in
  /// order, at most ``maximumDepth`` deep.
  @_lifetime(self: copy self)
  public mutating func skipValue() throws(CBORError) {
    var containers = InlineArray<8, Container>(repeating: Container())
    var depth = 0
    repeat {
      let start = offset
      let head = try readHead()
      if let items = try skipContent(of: head) {
        guard depth < Self.maximumDepth else { throw .depthExceeded }
        containers[depth] = Container(remaining: items, isMap: head.major == MajorType.map, start: start)
        depth += 1
        if items > 0 { continue }
        depth -= 1
      }
      // Here ends an item, and with it every container whose last item it is.
      var endedItem = start
      while depth > 0 {
        var container = containers[depth - 1]
        container.remaining -= 1
        if container.isMap, container.remaining % 2 == 1 {
          let key = endedItem..<offset
          guard container.lastKey.isEmpty || isAscending(container.lastKey, key) else { throw .keyOrder }
          container.lastKey = key
        }
        containers[depth - 1] = container
        if container.remaining > 0 { break }
        endedItem = container.start
        depth -= 1
      }
    } while depth > 0
  }

  /// Consumes what follows the head, if that is bytes; answers how many items follow, if that is items.
  @_lifetime(self: copy self)
  private mutating func skipContent(of head: CBORHead) throws(CBORError) -> Int? {
    switch head.major {
    case MajorType.bytes:
      _ = try take(head.argument)
      return nil
    case MajorType.text:
      guard isUTF8(try take(head.argument)) else { throw .invalidUTF8 }
      return nil
    case MajorType.array:
      guard head.argument <= UInt64(remaining) else { throw .truncated }
      return Int(head.argument)
    case MajorType.map:
      guard head.argument <= UInt64(remaining / 2) else { throw .truncated }
      return 2 * Int(head.argument)
    case MajorType.tag:
      return 1
    case MajorType.simple:
      if head.isFloat { _ = try head.singleBits() }
      return nil
    default:
      return nil
    }
  }

  /// Whether the bytes at `a` sort before those at `b`, neither of which is a prefix of the other.
  private func isAscending(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
    for i in 0..<min(a.count, b.count) {
      let (x, y) = (input[a.lowerBound + i], input[b.lowerBound + i])
      if x != y { return x < y }
    }
    return a.count < b.count
  }
}
