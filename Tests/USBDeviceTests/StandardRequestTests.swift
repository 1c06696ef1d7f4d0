import Testing
import USBDevice

@Suite struct StandardRequestTests {
  @Test func aDeviceComesToLifeAsTheSpecificationSays() {
    let host = Host()
    #expect(host.state == .attached)
    host.device.powered()
    #expect(host.state == .powered)
    #expect(host.descriptor(1) == .stall, "before a reset nobody can ask")
    host.reset()
    #expect(host.state == .default)
    #expect(host.control(0x00, 5, value: 42) == .done([]))
    #expect(host.state == .address(42) && host.address == 42)
    #expect(host.control(0x80, 8, length: 1) == .done([0]))
    #expect(host.control(0x00, 9, value: 1) == .done([]))
    #expect(host.state == .configured(42) && host.isOpen)
    #expect(host.control(0x80, 8, length: 1) == .done([1]))
    #expect(host.control(0x00, 9, value: 0) == .done([]))
    #expect(host.state == .address(42) && !host.isOpen)
    #expect(host.control(0x00, 5, value: 0) == .done([]))
    #expect(host.state == .default)
    host.pull()
    #expect(host.state == .attached)
  }

  @Test func aControllerThatTakesItsAddressByItselfSaysSo() {
    let host = Host()
    host.device.addressed(9)
    #expect(host.state == .attached)
    host.device.powered()
    host.reset()
    host.device.addressed(9)
    #expect(host.state == .address(9))
    #expect(host.control(0x00, 9, value: 1) == .done([]))
    host.device.addressed(9)
    #expect(host.state == .configured(9))
  }

  @Test func whatIsOutOfPlaceIsRefused() {
    let host = Host()
    host.device.powered()
    host.reset()
    #expect(host.control(0x00, 9, value: 1) == .stall, "configured without an address")
    #expect(host.control(0x80, 0, length: 2) == .stall)
    #expect(host.control(0x00, 5, value: 128) == .stall)
    #expect(host.control(0x00, 5, value: 1, index: 1) == .stall)
    _ = host.control(0x00, 5, value: 3)
    #expect(host.control(0x00, 9, value: 2) == .stall, "no such configuration")
    #expect(host.control(0x81, 10, length: 1) == .stall, "no interface before a configuration")
    #expect(host.control(0x81, 0, length: 2) == .stall)
    #expect(host.control(0x82, 0, index: 0x82, length: 2) == .stall)
    #expect(host.control(0xa1, 0x21, length: 7) == .stall)
    _ = host.control(0x00, 9, value: 1)
    #expect(host.control(0x00, 5, value: 4) == .stall, "an address for what is configured")
    #expect(host.control(0x00, 7, value: 0x0100, length: 18) == .stall, "SET_DESCRIPTOR")
    #expect(host.control(0x82, 12, index: 0x82, length: 2) == .stall, "SYNCH_FRAME")
    #expect(host.control(0x00, 3, value: 2) == .stall, "TEST_MODE, which full speed has not got")
    #expect(host.control(0x81, 10, index: 2, length: 1) == .stall, "a third interface")
    #expect(host.control(0x01, 11, value: 1, index: 1) == .stall, "another setting")
    #expect(host.control(0x02, 3, index: 0x83) == .stall, "an endpoint that is not there")
    #expect(host.control(0xc0, 0, length: 8) == .stall, "a vendor's request")
    #expect(host.state == .configured(3))
  }

  @Test func statusTellsOfRemoteWakeUpAndOfHalts() {
    let host = Host.opened()
    #expect(host.control(0x80, 0, length: 2) == .done([0, 0]))
    #expect(host.control(0x00, 3, value: 1) == .done([]))
    #expect(host.control(0x80, 0, length: 2) == .done([2, 0]))
    #expect(host.control(0x00, 1, value: 1) == .done([]))
    #expect(host.control(0x80, 0, length: 2) == .done([0, 0]))
    #expect(host.control(0x81, 0, index: 1, length: 2) == .done([0, 0]))
    #expect(host.control(0x81, 10, index: 1, length: 1) == .done([0]))
    for address: UInt16 in [0x02, 0x81, 0x82] {
      #expect(host.control(0x02, 3, index: address) == .done([]))
      #expect(host.control(0x82, 0, index: address, length: 2) == .done([1, 0]))
      #expect(host.control(0x02, 1, index: address) == .done([]))
      #expect(host.control(0x82, 0, index: address, length: 2) == .done([0, 0]))
    }
    #expect(host.control(0x82, 0, index: 0x80, length: 2) == .done([0, 0]), "endpoint 0")
    #expect(host.control(0x02, 3) == .stall, "endpoint 0 is never halted")
  }

  @Test func aHaltedEndpointSendsAgainWhatNobodyTook() {
    let host = Host.opened()
    #expect(host.send([1, 2, 3]) == 3)
    #expect(host.bytesIn == [1, 2, 3])
    _ = host.control(0x02, 3, index: 0x82)
    #expect(host.read() == nil)
    _ = host.control(0x02, 1, index: 0x82)
    #expect(host.read() == [1, 2, 3])
    #expect(host.read() == nil, "and only once")
  }

  @Test func selectingTheOnlySettingClearsHaltsOfThatInterface() {
    let host = Host.opened()
    for address: UInt16 in [0x02, 0x81, 0x82] { _ = host.control(0x02, 3, index: address) }
    #expect(host.control(0x01, 11, index: 1) == .done([]))
    #expect(!host.isHalted(.bytesIn) && !host.isHalted(.bytesOut) && host.isHalted(.notifications))
    #expect(host.control(0x01, 11, index: 0) == .done([]))
    #expect(!host.isHalted(.notifications))
  }

  @Test func configuringAgainBeginsAfresh() {
    let host = Host.opened()
    _ = host.control(0x02, 3, index: 0x82)
    _ = host.setRate(9600)
    #expect(host.send([1]) == 1)
    #expect(host.control(0x00, 9, value: 1) == .done([]))
    #expect(!host.isAttached && !host.isHalted(.bytesIn) && host.lineCoding == LineCoding())
    host.setLines(dtr: true)
    #expect(host.read() == nil, "nothing of what was before")
  }

  @Test func suspensionIsApartFromEverythingElse() {
    let host = Host.opened()
    host.device.suspend()
    #expect(host.isSuspended && host.state == .configured(7))
    #expect(host.send([5]) == 1)
    #expect(!host.wantsToWakeHost, "not allowed")
    host.device.resume()
    #expect(!host.isSuspended)
    #expect(host.read() == [5])
    _ = host.control(0x00, 3, value: 1)
    host.device.suspend()
    #expect(!host.wantsToWakeHost, "nothing to say")
    #expect(host.send([6]) == 1)
    #expect(host.wantsToWakeHost)
    host.reset()
    #expect(!host.isSuspended && !host.wantsToWakeHost && host.state == .default)
    host.pull()
    host.device.suspend()
    #expect(!host.isSuspended, "no bus, no suspension")
  }
}
