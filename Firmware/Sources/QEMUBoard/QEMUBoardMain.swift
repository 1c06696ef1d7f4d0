// A whole board on QEMU's MPS2-AN386: what Scripts/qemu-board runs.
import BLEHost
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
    if let bluetooth = setUp.bluetooth {
      run(setUp, bluetooth, configuration)
    } else {
      let board = BoardMain(
        machine: setUp.start(), hardware: setUp.hardware, air: NoAir(), configuration: configuration)
      if setUp.isMeasured { MPS2Machine.reportMemory() }
      board.run()
    }
  }

  @inline(never)
  private static func run(
    _ setUp: MPS2Machine.SetUp, _ bluetooth: MPS2Machine.BluetoothSetUp, _ common: BoardConfiguration
  ) -> Never {
    var configuration = common
    configuration.pairsByCable = true
    let host = BLEHostConfiguration(
      board: common.board, model: ShortText("QEMU board"), firmware: common.firmware,
      hardware: common.hardware, maximumFrame: common.limits.maximumFrame, mode: bluetooth.mode)
    let board = BoardMain(
      machine: setUp.start(), hardware: setUp.hardware,
      air: BluetoothCarrier(
        port: MPS2Controller(), configuration: host, mode: bluetooth.mode, secretOverride: bluetooth.secret,
        noise: { setUp.hardware.randomWord() }),
      configuration: configuration)
    if setUp.isMeasured { MPS2Machine.reportMemory() }
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  MPS2Machine.restart(after: record.pointee)
}
