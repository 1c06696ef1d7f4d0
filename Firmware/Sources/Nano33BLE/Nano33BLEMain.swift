// A whole board on the Arduino Nano 33 BLE.
import BLEHost
import BLESecurity
import BoardRuntime
import BoardSupport
import Bytes
public import CBoard
import LinkProtocol
import Nano33BLEBoard

@main struct Nano33BLEMain {
  /// The board has no display: a gateway pairs that left its secret over the cable.
  private static var pairing: PairingMode { .cable }

  static func main() {
    let machine = Nano33BLEMachine()
    var configuration = BoardConfiguration.standard(board: Nano33BLEMachine.identity, hardware: "nano33ble")
    configuration.pairsByCable = true
    let carrier = makeCarrier(machine.controller, configuration)
    run(machine, carrier, configuration)
  }

  // Apart, so that the stack holds the making of the host and that of the rest one after the other.
  @inline(never)
  private static func makeCarrier(
    _ controller: Nano33BLEController, _ board: BoardConfiguration
  ) -> BluetoothCarrier<Nano33BLEController> {
    var host = BLEHostConfiguration(
      board: board.board, model: ShortText("Nano 33 BLE"), firmware: board.firmware, hardware: board.hardware,
      maximumFrame: board.limits.maximumFrame, mode: pairing)
    // Three frames of the four that others have room for: the memory is wanted for models.
    host.inboxCapacity = 3 * (board.limits.maximumFrame + 2)
    // An identity of which no address can be made (Protocols/gatt.md §1).
    if host.address == nil {
      host.address = DeviceAddress(kind: .random, value: Nano33BLEMachine.addressNumber | 0xc000_0000_0000)
    }
    return BluetoothCarrier(
      port: controller, configuration: host, mode: pairing, secretOverride: nil,
      longestPacket: Nano33BLEController.longestPacket, noise: { Nano33BLEMachine.randomWord() })
  }

  @inline(never)
  private static func run(
    _ machine: consuming Nano33BLEMachine, _ carrier: BluetoothCarrier<Nano33BLEController>,
    _ configuration: BoardConfiguration
  ) -> Never {
    let board = BoardMain(
      machine: machine, hardware: Nano33BLEMachine.makeHardware(), air: carrier, configuration: configuration)
    board.run()
  }
}

/// Called by the start-up code on a fresh stack.
@c(board_fault)
public func boardFault(_ record: UnsafePointer<FaultRecord>) {
  Nano33BLEMachine.restart(after: record.pointee)
}
