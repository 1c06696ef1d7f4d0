import LinkProtocol
import Testing
import USBDevice

@Suite struct SerialFunctionTests {
  @Test func whatTheHostSetsIsWhatItReadsBack() {
    let host = Host.opened()
    #expect(host.control(0xa1, 0x21, length: 7) == .done(Host.lineCoding(115_200)))
    #expect(host.setRate(921_600) == .done([]))
    #expect(host.lineCoding.rate == 921_600)
    #expect(host.control(0xa1, 0x21, length: 7) == .done(Host.lineCoding(921_600)))
    #expect(host.control(0xa1, 0x21, length: 4) == .done([0x00, 0x10, 0x0e, 0x00]))
  }

  @Test(arguments: [0, 1, 6, 8, 64, 65, 0xffff])
  func aLineCodingOfAnotherLengthIsRefused(_ length: Int) {
    let host = Host.opened()
    let data = [UInt8](repeating: 0, count: length)
    #expect(host.control(0x21, 0x20, length: UInt16(length), data: data) == .stall)
    #expect(host.lineCoding == LineCoding())
  }

  @Test func dataThatDoesNotKeepToItsAnnouncementIsRefused() {
    let host = Host.opened()
    for count in [0, 1, 6, 8, 64] {
      let data = [UInt8](repeating: 0, count: count)
      #expect(host.control(0x21, 0x20, length: 7, data: data) == .stall, "\(count) bytes")
    }
    #expect(host.lineCoding == LineCoding())
    #expect(host.setRate(300) == .done([]), "and it goes on")
  }

  @Test(arguments: [(4, 3), (5, 5), (6, 4), (6, 9), (6, 15), (6, 17)])
  func aLineCodingThatMeansNothingIsRefused(_ at: Int, _ value: UInt8) {
    let host = Host.opened()
    var data = Host.lineCoding(9600)
    data[at] = value
    #expect(host.control(0x21, 0x20, length: 7, data: data) == .stall)
    #expect(host.lineCoding == LineCoding())
  }

  @Test func requestsThatAreNotForTheControlInterfaceAreRefused() {
    let host = Host.opened()
    #expect(host.control(0x21, 0x20, index: 1, length: 7, data: Host.lineCoding(1)) == .stall)
    #expect(host.control(0xa1, 0x21, index: 1, length: 7) == .stall)
    #expect(host.control(0x21, 0x22, value: 0, index: 1) == .stall)
    #expect(host.control(0x21, 0x22, value: 0, length: 1, data: [0]) == .stall)
    #expect(host.control(0x21, 0x00, length: 4, data: [1, 2, 3, 4]) == .stall, "commands for a modem")
    #expect(host.isAttached, "none of them had an effect")
  }

  @Test func aBreakIsTakenAndMeansNothing() {
    let host = Host.opened()
    #expect(host.control(0x21, 0x23, value: 0xffff) == .done([]))
    #expect(host.control(0x21, 0x23, value: 0) == .done([]))
    #expect(host.isAttached)
  }

  @Test func theStateIsToldOnceAfterEachConfiguration() {
    let host = Host.opened()
    #expect(host.readNotification() == [0xa1, 0x20, 0, 0, 0, 0, 2, 0, 3, 0])
    #expect(host.readNotification() == nil)
    host.setLines(dtr: false)
    host.setLines(dtr: true)
    #expect(host.readNotification() == nil)
    host.configure()
    #expect(host.readNotification() != nil)
  }

  @Test func closingThePortDropsWhatNobodyRead() {
    let host = Host.opened()
    #expect(host.send([UInt8](repeating: 1, count: 100)) == 100)
    host.setLines(dtr: false)
    #expect(!host.isAttached && !host.hasRoom)
    #expect(host.send([2]) == 0)
    host.setLines(dtr: true)
    // What the controller had already cannot be had back.
    #expect(host.read()?.count == 64)
    #expect(host.read() == nil)
    #expect(host.send([3]) == 1)
    #expect(host.read() == [3])
  }

  @Test func bytesThatCameBeforeThePortWasClosedAreStillTaken() {
    let host = Host.opened()
    #expect(host.write([1, 2, 3]))
    host.setLines(dtr: false)
    #expect(host.receive() == [1, 2, 3])
  }
}

@Suite struct BootloaderTouchTests {
  private func time(_ milliseconds: UInt64) -> Timestamp {
    Timestamp(microseconds: .milliseconds(milliseconds))
  }

  @Test func closedAt1200BaudFor200MillisecondsItGoes() {
    let host = Host.opened()
    var touch = BootloaderTouch()
    _ = host.setRate(1200)
    #expect(!host.asksForBootloader, "the port is open")
    var isDue = touch.isDue(isAsked: host.asksForBootloader, now: time(0))
    #expect(!isDue && touch.deadline == nil)
    host.setLines(dtr: false)
    #expect(host.asksForBootloader)
    isDue = touch.isDue(isAsked: true, now: time(1000))
    #expect(!isDue && touch.deadline == time(1200))
    isDue = touch.isDue(isAsked: true, now: time(1199))
    #expect(!isDue)
    isDue = touch.isDue(isAsked: true, now: time(1200))
    #expect(isDue)
  }

  @Test func thePortOpenedAgainOrAnotherRateTakesItBack() {
    let host = Host.opened()
    _ = host.setRate(1200)
    host.setLines(dtr: false)
    host.setLines(dtr: true)
    #expect(!host.asksForBootloader)
    _ = host.setRate(115_200)
    host.setLines(dtr: false)
    #expect(!host.asksForBootloader)
    var touch = BootloaderTouch()
    _ = touch.isDue(isAsked: true, now: time(0))
    _ = touch.isDue(isAsked: false, now: time(100))
    let isDue = touch.isDue(isAsked: true, now: time(250))
    #expect(!isDue && touch.deadline == time(450))
  }

  @Test func aCableThatIsPulledOrABusResetIsNoTouch() {
    let host = Host.opened()
    _ = host.setRate(1200)
    host.setLines(dtr: false)
    host.reset()
    #expect(!host.asksForBootloader)
    host.configure()
    #expect(!host.asksForBootloader, "the rate is forgotten, as the host forgets it")
  }
}
