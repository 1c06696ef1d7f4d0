import BoardSupport
// The portable core on a Cortex-M4F: prints a line for each computation that must give the same bits as on
// the host, then what memory it took. The command line's last letter asks for a fault instead, to show
// that faults are reported: t trap, s stack overflow, n write through null.
import Bytes
public import CBoard
import CoreChecks
import MPS2Board
import TrainingCore

@main struct CoreCheckMain {
  static func main() {
    switch Emulator.lastArgumentByte {
    case UInt8(ascii: "t"): trap()
    case UInt8(ascii: "s"): overflowStack()
    case UInt8(ascii: "n"): writeThroughNull()
    default: runChecks()
    }
    Emulator.exit(0)
  }

  private static func runChecks() {
    var console = Console()
    for i in 0..<CoreCheck.count {
      let check = CoreCheck.at(i)
      console.write("check ")
      console.write(check.name)
      console.write(" ")
      console.write(hex: check.run())
      console.write("\n")
    }
    console.write("memory stack ")
    console.write(decimal: UInt32(stack_peak_bytes()))
    console.write(" heap ")
    console.write(decimal: UInt32(heap_peak_bytes()))
    console.write("\n")
  }
}

private func trap() {
  let bytes = [UInt8](repeating: 0, count: 4)
  let pastTheEnd = Int(register_read(0)) | 4
  let console = Console()
  console.write(bytes[pastTheEnd])
}

private func overflowStack() {
  var console = Console()
  console.write(decimal: recurse(1))
}

// Through volatile accesses, which the optimiser cannot turn into a loop.
@inline(never) private func recurse(_ depth: UInt32) -> UInt32 {
  withUnsafeTemporaryAllocation(byteCount: 64, alignment: 4) { bytes in
    let address = UInt32(UInt(bitPattern: bytes.baseAddress))
    register_write(address, depth)
    return depth == 0 ? 0 : recurse(depth &+ 1) &+ register_read(address)
  }
}

private func writeThroughNull() {
  register_write(4, 1)
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Emulator.end(after: record.pointee)
}
