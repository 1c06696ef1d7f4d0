// The board on QEMU's MPS2-AN386 as it would be without Bluetooth: what Bluetooth takes of flash and RAM is the
// difference. Nothing runs it but Scripts/build-firmware.
import BoardRuntime
import BoardSupport
public import CBoard
import LinkProtocol
import MPS2Board

@main struct QEMUBoardWithoutBluetoothMain {
  static func main() {
    let setUp = MPS2Machine.setUp()
    let configuration = BoardConfiguration.standard(board: setUp.board, hardware: "qemu-mps2-an386")
    let board = BoardMain(
      machine: setUp.start(), hardware: setUp.hardware, air: NoAir(), configuration: configuration)
    if setUp.isMeasured { MPS2Machine.reportMemory() }
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  MPS2Machine.restart(after: record.pointee)
}
