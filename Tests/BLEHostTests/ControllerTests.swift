import BLESecurity
import Testing

@testable import BLEHost

/// Setting a controller up, and keeping it going.
struct ControllerTests {
  @Test func itIsSetUpAndTheBoardAdvertises() {
    let bench = Bench.started()
    #expect(
      bench.commands.map(\.opcode) == [
        0x0c03, 0x1001, 0x1002, 0x1003, 0x1009, 0x2002, 0x2003, 0x0c01, 0x2001, 0x0c6d, 0x2005, 0x2024,
        0x2006, 0x2008, 0x2009, 0x200a,
      ])
    guard case .started(let facts)? = bench.takeEvents().first else {
      Issue.record("not started")
      return
    }
    #expect(facts.version == 9)
    #expect(facts.aclLength == 27)
    #expect(facts.publicAddress == DeviceAddress(kind: .publicDevice, value: 0xc0ff_ee00_0001))
    let parameters = Dictionary(uniqueKeysWithValues: bench.commands.map { ($0.opcode, $0.parameters) })
    #expect(parameters[0x2005] == [1, 0, 0, 0xee, 0xff, 0xc0])
    #expect(parameters[0x2024] == [251, 0, 0x48, 0x08])
    #expect(parameters[0x2006] == [160, 0, 160, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0])
    let advertised: [UInt8] = [
      21, 2, 1, 6, 17, 7, 0x53, 0x2e, 0xc1, 0xce, 0x94, 0x1a, 0x74, 0x96, 0x5c, 0x44, 0xff, 0x6d, 0x01, 0x00,
      0xcb, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    #expect(parameters[0x2008] == advertised)
    let response: [UInt8] = [28, 27, 9] + "FedBridge 00000000C0FFEE01".utf8 + [0, 0, 0]
    #expect(parameters[0x2009] == response)
    #expect(parameters[0x200a] == [1])
  }

  @Test func onlyWhatTheControllerHasIsAskedOfIt() {
    let bench = Bench()
    bench.features = 0x01
    bench.supportedCommands = [:]
    bench.start()
    #expect(!bench.commands.contains { [0x0c6d, 0x2024, 0x2031].contains($0.opcode) })
    let fast = Bench()
    fast.features = 0x101
    fast.start()
    #expect(fast.commands.first { $0.opcode == 0x2031 }?.parameters == [0, 3, 3])
  }

  @Test func itsOwnAddressServesWithoutAnother() {
    let bench = Bench(Bench.configuration { $0.address = nil })
    bench.start()
    #expect(!bench.commands.contains { $0.opcode == 0x2005 })
    #expect(bench.commands.first { $0.opcode == 0x2006 }?.parameters[5] == 0)
  }

  @Test func buffersOfBREDRServeWhereThereAreNoOthers() {
    let bench = Bench()
    bench.aclCount = 0
    bench.start()
    #expect(bench.commands.contains { $0.opcode == 0x1005 })
    #expect(bench.with { $0.controller.aclCount } == 4)
  }

  @Test func whatCanBeDoneWithoutMayBeRefused() {
    let bench = Bench()
    for opcode in [0x1001, 0x1002, 0x1003, 0x1009, 0x2003, 0x0c01] as [UInt16] { bench.refusals[opcode] = 1 }
    bench.start()
    #expect(bench.commands.last?.opcode == 0x200a)
  }

  @Test func whatCannotIsAFault() {
    for opcode in [0x0c03, 0x2002, 0x2001, 0x2005, 0x2006, 0x200a] as [UInt16] {
      let bench = Bench()
      bench.refusals[opcode] = 0x0c
      bench.start()
      #expect(bench.takeEvents().last == .controllerFailed(.unusable(opcode: opcode)), "\(opcode)")
      bench.refusals = [:]
      bench.advance(seconds: 1)
      guard case .started? = bench.takeEvents().first else {
        Issue.record("not started after \(opcode)")
        continue
      }
      #expect(bench.commands.last?.opcode == 0x200a)
    }
  }

  @Test func aSilentControllerIsResetAgainAndAgain() {
    let bench = Bench()
    bench.isMute = true
    bench.start()
    for _ in 0..<3 {
      bench.advance(seconds: 2)
      #expect(bench.takeEvents() == [.controllerFailed(.noAnswer(opcode: 0x0c03))])
      bench.advance(seconds: 1)
    }
    #expect(bench.commands.map(\.opcode) == [0x0c03, 0x0c03, 0x0c03, 0x0c03])
    bench.isMute = false
    bench.advance(seconds: 2)
    bench.advance(seconds: 1)
    #expect(bench.commands.last?.opcode == 0x200a)
  }

  @Test func aHardwareErrorEndsTheConnectionAndBeginsAnew() {
    let bench = Bench.connected()
    _ = bench.takeEvents()
    bench.event(0x10, [0x42])
    #expect(bench.takeEvents() == [.disconnected(reason: 0x16), .controllerFailed(.hardware(code: 0x42))])
    bench.advance(seconds: 1)
    #expect(bench.commands.last?.opcode == 0x200a)
  }

  @Test func noCommandGoesOutWithoutCredit() {
    let bench = Bench()
    bench.isMute = true
    bench.start()
    #expect(bench.commands.count == 1)
    bench.event(0x0e, [0, 0x03, 0x0c, 0])
    bench.pump()
    #expect(bench.commands.count == 1)
    bench.event(0x0e, [1, 0, 0])
    bench.pump()
    #expect(bench.commands.count == 2)
  }

  @Test func advertisingResumesWhenThePeerIsGone() {
    let bench = Bench.connected()
    #expect(bench.commands.filter { $0.opcode == 0x200a }.count == 1)
    bench.disconnect()
    #expect(bench.commands.filter { $0.opcode == 0x200a }.map(\.parameters) == [[1], [1]])
    bench.with { $0.setAdvertising(false) }
    #expect(bench.commands.last?.parameters == [0])
    bench.with { $0.setAdvertising(true) }
    #expect(bench.commands.last?.parameters == [1])
  }

  @Test func aConnectionThatCrossesACommandDoesNotHideTheBoard() {
    let bench = Bench.started()
    bench.isMute = true
    bench.with { $0.setAdvertising(false) }
    bench.connect()
    bench.isMute = false
    bench.with { $0.setAdvertising(true) }
    bench.commandComplete(0x200a, [0])
    bench.disconnect()
    #expect(bench.commands.last?.opcode == 0x200a)
    #expect(bench.commands.last?.parameters == [1])
  }

  @Test func aPeerThatDoesNothingIsSentAway() {
    let bench = Bench.connected()
    bench.advance(seconds: 59)
    #expect(bench.commands.last?.opcode == 0x200a)
    bench.advance(seconds: 1)
    #expect(bench.commands.last?.opcode == 0x0406)
    #expect(bench.commands.last?.parameters == [0x41, 0, 0x13])
  }

  @Test func whatThePeerWantsOfTheConnectionItGets() {
    let bench = Bench.connected()
    bench.event(0x3e, [6, 0x41, 0, 6, 0, 12, 0, 0, 0, 100, 0])
    bench.pump()
    #expect(bench.commands.last?.opcode == 0x2020)
    #expect(bench.commands.last?.parameters == [0x41, 0, 6, 0, 12, 0, 0, 0, 100, 0, 0, 0, 0, 0])
    bench.event(0x3e, [6, 0x41, 0, 6, 0, 2, 0, 0, 0, 100, 0])
    bench.pump()
    #expect(bench.commands.last?.opcode == 0x2021)
    #expect(bench.commands.last?.parameters == [0x41, 0, 0x3b])
  }

  @Test func quickMeetingsAreAskedForWhenFramesCanFlow() {
    let bench = Bench.connected()
    _ = bench.openChannel()
    #expect(bench.takePDUs(5) == [[0x12, 1, 8, 0, 6, 0, 12, 0, 0, 0, 0x90, 1]])
    // A controller that can ask by itself is told to; refused, it is tried over L2CAP.
    let able = Bench()
    able.features = 0x23
    able.refusals[0x2013] = 0x1a
    able.start()
    able.connect()
    _ = able.openChannel()
    #expect(able.commands.last?.opcode == 0x2013)
    #expect(able.takePDUs(5).count == 1)
    let quickAlready = Bench.started()
    quickAlready.connect(interval: 12)
    _ = quickAlready.openChannel()
    #expect(quickAlready.takePDUs(5).isEmpty)
  }
}
