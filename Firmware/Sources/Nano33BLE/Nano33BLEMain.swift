// A whole board on the Arduino Nano 33 BLE.
import BoardRuntime
import BoardSupport
public import CBoard
import Nano33BLEBoard

@main struct Nano33BLEMain {
  static func main() {
    let board = BoardMain(
      machine: Nano33BLEMachine(), hardware: Nano33BLEMachine.makeHardware(), air: NoAir(),
      configuration: .standard(board: Nano33BLEMachine.identity, hardware: "nano33ble"))
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Nano33BLEMachine.restart(after: record.pointee)
}
