public import CBoard

/// Exit status of QEMU after a fault.
public var faultStatus: UInt32 { 70 }

/// Reports a fault on the console and ends QEMU: the startup code calls it.
@c(board_fault)
public func reportFault(_ record: UnsafePointer<FaultRecord>) {
  let console = Console()
  console.write("fault status ")
  console.write(hex: record.pointee.status)
  console.write(" pc ")
  console.write(hex: record.pointee.pc)
  console.write(" lr ")
  console.write(hex: record.pointee.lr)
  console.write(" address ")
  console.write(hex: record.pointee.address)
  console.write("\n")
  Emulator.exit(faultStatus)
}
