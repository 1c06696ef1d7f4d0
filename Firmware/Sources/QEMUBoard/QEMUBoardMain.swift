// A whole board on QEMU's MPS2-AN386: what Scripts/qemu-board runs.
import BoardRuntime
import BoardSupport
import Bytes
public import CBoard
import LinkProtocol
import MPS2Board

@main struct QEMUBoardMain {
  /// Floats for models and training: what the RAM of an nRF52840 leaves.
  private static var arena: Int { 48_000 }

  static func main() {
    let setUp = MPS2Machine.setUp()
    let configuration = BoardConfiguration(
      board: setUp.board, firmware: ShortText("0.1.0"), hardware: ShortText("qemu-mps2-an386"),
      arena: arena, limits: LinkLimits(maximumFrame: 1040, window: 4096))
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
