import FuzzSupport

/// A whole session, of either role, between a peer that says anything and an owner that does anything.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSession(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  let victim = Victim(isBoard: input.byte() & 1 == 0)
  while !input.isEmpty { victim.step(&input) }
  return 0
}
