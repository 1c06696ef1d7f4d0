import Rounds
import Testing

@testable import BluetoothPolicy

@Suite("Adapters")
struct AdapterTests {
  @Test func aMachineWithoutAnAdapterIsToldOnce() {
    var schedule = RadioSchedule(settings: RadioSettings(), seed: 1)
    schedule.started(now: 0)
    schedule.started(now: 1)
    #expect(schedule.takeActions() == [.tell(.noAdapter)])
  }

  @Test func anAdapterThatIsOffIsSwitchedOnAtFirstAndNotAgainstAPersonsWill() {
    var schedule = RadioSchedule(settings: RadioSettings(), seed: 1)
    schedule.adapter("hci0", .off, now: 0)
    #expect(schedule.takeActions() == [.switchOn("hci0")])
    schedule.adapter("hci0", .on, now: 1)
    _ = schedule.takeActions()
    schedule.adapter("hci0", .off, now: 2)
    #expect(schedule.takeActions() == [.tell(.adapterNotReady("hci0", .off))])
  }

  @Test func aBlockedAdapterIsToldOfAndSwitchedOnWhenItIsBlockedNoMore() {
    var schedule = RadioSchedule(settings: RadioSettings(), seed: 1)
    schedule.adapter("hci0", .softBlocked, now: 0)
    #expect(schedule.takeActions() == [.tell(.adapterNotReady("hci0", .softBlocked))])
    schedule.adapter("hci0", .off, now: 1)
    #expect(schedule.takeActions() == [.switchOn("hci0")])
  }

  @Test func anAdapterThatGoesTakesItsBoardsWithItAndAnotherOneServesThem() {
    var scene = Scene()
    scene.change { $0.setBonds([Scene.address(7): BoardID(7)], now: $1) }
    scene.hear(7, isPaired: true)
    scene.end(Scene.place(7), nil)
    scene.change { $0.adapterGone("hci0", now: $1) }
    scene.change { $0.unlinked(Scene.place(7), .served, now: $1) }
    scene.change { $0.adapter("hci1", .on, now: $1) }
    scene.scanning = ["hci1"]
    scene.hear(7, adapter: "hci1", isPaired: true)
    scene.pass(1)
    #expect(scene.attempts.keys.contains(Scene.place(7, "hci1")))
    #expect(scene.broken == [])
  }

  @Test func anAdapterThatRefusesToScanIsRestartedButSeldom() {
    var scene = Scene()
    scene.scansFail = true
    scene.change { $0.setBonds([Scene.address(7): BoardID(7)], now: $1) }
    for _ in 0..<200 {
      if scene.scanning.remove("hci0") != nil { scene.change { $0.scanFailed("hci0", now: $1) } }
      scene.pass(2.5)
    }
    let restarts = scene.done.filter { $0 == .restart("hci0") }.count
    #expect(restarts == 1)
    for _ in 0..<400 {
      if scene.scanning.remove("hci0") != nil { scene.change { $0.scanFailed("hci0", now: $1) } }
      scene.pass(2.5)
    }
    #expect(scene.done.filter { $0 == .restart("hci0") }.count == 2)
  }

  @Test func aConnectionLeftBehindIsDroppedWhenItIsFirstSeen() {
    var scene = Scene()
    var left = Scene.sighting(7)
    left.isConnected = true
    scene.change { $0.seen(left, isHeard: false, now: $1) }
    scene.change { $0.seen(left, isHeard: false, now: $1) }
    #expect(scene.done.filter { $0 == .dropStale(Scene.place(7)) }.count == 1)
  }

  @Test func aFullAdapterTeachesHowManyConnectionsItTakes() {
    var scene = Scene()
    scene.change {
      $0.setBonds([Scene.address(1): BoardID(1), Scene.address(2): BoardID(2)], now: $1)
    }
    scene.hear(1, isPaired: true)
    scene.end(Scene.place(1), nil)
    scene.hear(2, isPaired: true)
    scene.end(Scene.place(2), .outOfSlots)
    #expect(scene.told.contains(.linkLimit(adapter: "hci0", links: 1)))
    scene.pass(5)
    scene.hear(2, isPaired: true)
    // It waits for the other's turn to end.
    #expect(scene.attempts.isEmpty)
    scene.pass(20)
    #expect(scene.done.contains(.close(Scene.place(1))))
  }

  /// Two boards on the only connection's adapter: the first is connected, the second waits.
  private static func crowded() -> Scene {
    var settings = RadioSettings()
    settings.linksPerAdapter = 1
    var scene = Scene(settings)
    scene.change { $0.setBonds([Scene.address(1): BoardID(1), Scene.address(2): BoardID(2)], now: $1) }
    scene.hear(1, isPaired: true)
    scene.end(Scene.place(1), nil)
    scene.pass(1)
    scene.hear(2, isPaired: true)
    return scene
  }

  @Test func whoIsDoneMakesRoomAtOnce() {
    var scene = Self.crowded()
    #expect(!scene.done.contains(.close(Scene.place(1))))
    scene.change { $0.done(BoardID(1), true, now: $1) }
    // The last word to it takes a moment.
    #expect(!scene.done.contains(.close(Scene.place(1))))
    scene.pass(0.3)
    #expect(scene.done.contains(.close(Scene.place(1))))
    scene.change { $0.unlinked(Scene.place(1), .served, now: $1) }
    #expect(scene.attempts.keys.contains(Scene.place(2)))
    // And is called back without being heard again, as it was there when it was sent away.
    scene.end(Scene.place(2), nil)
    scene.change { $0.done(BoardID(1), false, now: $1) }
    scene.change { $0.done(BoardID(2), true, now: $1) }
    scene.pass(1)
    #expect(scene.done.contains(.close(Scene.place(2))))
    scene.change { $0.unlinked(Scene.place(2), .served, now: $1) }
    #expect(scene.attempts.keys.contains(Scene.place(1)))
    #expect(scene.broken == [])
  }

  @Test func nobodyMakesRoomForOneOfWhichNothingIsWanted() {
    var scene = Self.crowded()
    scene.change { $0.done(BoardID(2), true, now: $1) }
    scene.change { $0.done(BoardID(1), true, now: $1) }
    scene.pass(10)
    #expect(!scene.done.contains(.close(Scene.place(1))))
    // Its turn ends all the same.
    scene.pass(10)
    #expect(scene.done.contains(.close(Scene.place(1))))
  }

  @Test func whoIsWantedIsConnectedToBeforeWhoWaitedLonger() {
    var scene = Scene()
    scene.change { $0.adapter("hci0", .off, now: $1) }
    scene.change { $0.setBonds([Scene.address(1): BoardID(1), Scene.address(2): BoardID(2)], now: $1) }
    scene.change { $0.done(BoardID(1), true, now: $1) }
    scene.hear(1, isPaired: true)
    scene.hear(2, isPaired: true)
    scene.change { $0.adapter("hci0", .on, now: $1) }
    #expect(Array(scene.attempts.keys) == [Scene.place(2)])
  }
}
