import Bytes
import FuzzSupport
import USBDevice

/// A board's USB device before a host that says anything, and a driver and an owner that do what they may at any time.
///
/// Whatever comes, no packet is longer than its endpoint's or than what the host asked for, and after the cable was
/// pulled and put in again the device is like new.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUSB(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  var device = SerialDevice(
    identity: DeviceIdentity(
      vendor: 1, product: 2, release: 3, manufacturer: ShortText("maker"), name: ShortText("name"),
      identity: 4),
    receiving: 128, sending: 128)
  var asked = 0
  while !input.isEmpty { step(&device, &input, &asked) }
  device.powerLost()
  device.powered()
  device.busReset()
  let known = SetupPacket(requestType: 0x80, request: 6, value: 0x0100, index: 0, length: 18)
  require(device.setup(known) == .send(18), "no device descriptor after a reset")
  require(device.controlPacketSent() == .acknowledge, "its data do not end")
  return 0
}

private func step(_ device: inout SerialDevice, _ input: inout FuzzInput, _ asked: inout Int) {
  switch input.byte() % 12 {
  case 0: device.powered()
  case 1: device.powerLost()
  case 2: device.busReset()
  case 3: device.suspend()
  case 4: device.resume()
  case 5:
    let packet = SetupPacket(
      requestType: input.byte(), request: input.byte(), value: word(&input), index: word(&input),
      length: word(&input))
    asked = Int(packet.length)
    follow(device.setup(packet), device, &asked)
  case 6: follow(device.controlPacketSent(), device, &asked)
  case 7: follow(device.controlPacketReceived(input.take(Int(input.byte() % 65)).span), device, &asked)
  case 8: if device.canReceive { device.packetReceived(input.take(Int(input.byte() % 65)).span) }
  case 9:
    let endpoint: Endpoint = input.byte() & 1 == 0 ? .bytesIn : .notifications
    var room = [UInt8](repeating: 0, count: SerialDevice.packetSize)
    var span = room.mutableSpan
    if let count = device.nextPacket(on: endpoint, into: &span) {
      require(count <= endpoint.packetSize, "a packet longer than its endpoint's")
    }
    if input.byte() & 1 == 0 { device.packetSent(on: endpoint) }
  case 10: _ = device.send(input.take(Int(input.byte())).span)
  default:
    var room = [UInt8](repeating: 0, count: Int(input.byte()))
    var span = room.mutableSpan
    require(device.receive(into: &span) <= span.count, "more bytes than there is room for")
  }
  _ = device.takeChanges()
}

private func word(_ input: inout FuzzInput) -> UInt16 { UInt16(input.byte()) | UInt16(input.byte()) << 8 }

private func follow(_ action: ControlAction, _ device: borrowing SerialDevice, _ asked: inout Int) {
  guard case .send(let count) = action else { return }
  require(count <= SerialDevice.packetSize, "a packet longer than endpoint 0's")
  require(count <= asked, "more data than the host asked for")
  asked -= count
  var room = [UInt8](repeating: 0, count: count)
  var span = room.mutableSpan
  device.copyControlPacket(into: &span)
}
