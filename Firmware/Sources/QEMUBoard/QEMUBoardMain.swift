// A whole board on QEMU's MPS2-AN386: what Scripts/qemu-board runs.
import BoardRuntime
import BoardSupport
import Bytes
public import CBoard
import LinkProtocol
import MPS2Board

@main struct QEMUBoardMain {
  static func main() {
    let setUp = MPS2Machine.setUp()
    let configuration = BoardConfiguration.standard(board: setUp.board, hardware: "qemu-mps2-an386")
    let board = BoardMain(
      machine: setUp.start(), hardware: setUp.hardware, configuration: configuration)
    if setUp.isMeasured { MPS2Machine.reportMemory() }
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  MPS2Machine.restart(after: record.pointee)
}
