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
    var configuration = BoardConfiguration.standard(board: setUp.board, hardware: "qemu-mps2-an386")
    if let bluetooth = setUp.bluetooth {
      configuration.pairsByCable = true
      run(setUp, makeCarrier(setUp, bluetooth, configuration), configuration)
    } else {
      run(setUp, NoAir(), configuration)
    }
  }

  // Apart, so that the stack holds the making of the host and that of the rest one after the other.
  @inline(never)
  private static func makeCarrier(
    _ setUp: MPS2Machine.SetUp, _ bluetooth: MPS2Machine.BluetoothSetUp, _ board: BoardConfiguration
  ) -> BluetoothCarrier<MPS2Controller> {
    let host = BLEHostConfiguration(
      board: board.board, model: ShortText("QEMU board"), firmware: board.firmware, hardware: board.hardware,
      maximumFrame: board.limits.maximumFrame, mode: bluetooth.mode)
    return BluetoothCarrier(
      port: MPS2Controller(), configuration: host, mode: bluetooth.mode, secretOverride: bluetooth.secret,
      noise: { setUp.hardware.randomWord() })
  }

  @inline(never)
  private static func run<Air: AirCarrier & ~Copyable>(
    _ setUp: MPS2Machine.SetUp, _ air: consuming Air, _ configuration: BoardConfiguration
  ) -> Never {
    let board = BoardMain(
      machine: setUp.start(), hardware: setUp.hardware, air: air, configuration: configuration)
    if setUp.isMeasured { MPS2Machine.reportMemory() }
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  MPS2Machine.restart(after: record.pointee)
}
