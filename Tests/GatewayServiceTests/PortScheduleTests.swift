import PropertyTesting
import SerialDevices
import Testing

@testable import GatewayService

private let port = "/dev/ttyACM0"
private let gone = TTYError.noSuchDevice(path: port)
private let held = TTYError.busy(path: port, holders: [PortHolder(pid: 7, name: "minicom")])

private func ms(_ milliseconds: UInt64) -> UInt64 { milliseconds * 1000 }

@Suite struct PortScheduleTests {
  @Test func `A named port is opened at once`() {
    var schedule = PortSchedule()
    #expect(schedule.named(port, now: ms(5)) == [.open(port)])
    // Not a second time while it is being opened, nor when it is open.
    #expect(schedule.tick(now: ms(9000)).isEmpty)
    #expect(schedule.opened(port).isEmpty)
    #expect(schedule.named(port, now: ms(9000)).isEmpty)
    #expect(schedule.tick(now: ms(99_000)).isEmpty)
    #expect(schedule.nextDeadline == nil)
  }

  @Test func `A named port that is not there is looked for every second and told of once`() {
    var schedule = PortSchedule()
    _ = schedule.named(port, now: 0)
    #expect(schedule.openFailed(port, gone, now: 0) == [.report(port, gone)])
    for second in 1...3 as ClosedRange<UInt64> {
      #expect(schedule.nextDeadline == ms(1000 * second))
      #expect(schedule.tick(now: ms(1000 * second) - 1).isEmpty)
      #expect(schedule.tick(now: ms(1000 * second)) == [.open(port)])
      #expect(schedule.openFailed(port, gone, now: ms(1000 * second)).isEmpty)
    }
  }

  @Test func `What is wrong with a port is told again when it changes, and that it is over`() {
    var schedule = PortSchedule()
    _ = schedule.named(port, now: 0)
    #expect(schedule.openFailed(port, gone, now: 0) == [.report(port, gone)])
    _ = schedule.tick(now: ms(1000))
    #expect(schedule.openFailed(port, held, now: ms(1000)) == [.report(port, held)])
    // A person has to do something: there is time.
    #expect(schedule.nextDeadline == ms(6000))
    _ = schedule.tick(now: ms(6000))
    #expect(schedule.opened(port) == [.recovered(port)])
    schedule.closed(port, refused: false, now: ms(7000))
    _ = schedule.tick(now: ms(8000))
    #expect(schedule.opened(port).isEmpty)
  }

  @Test func `A port that is about to be made is looked for often and missed only after a while`() {
    var schedule = PortSchedule()
    #expect(schedule.awaited(port, now: 0) == [.open(port)])
    var now: UInt64 = 0
    while now < ms(10_000) {
      #expect(schedule.openFailed(port, gone, now: now).isEmpty)
      now += ms(50)
      #expect(schedule.nextDeadline == now)
      #expect(schedule.tick(now: now) == [.open(port)])
    }
    #expect(schedule.openFailed(port, gone, now: now) == [.report(port, gone)])
    #expect(schedule.nextDeadline == now + ms(1000))
  }

  @Test func `Anything else that is wrong with a port about to be made is told at once`() {
    var schedule = PortSchedule()
    _ = schedule.awaited(port, now: 0)
    #expect(schedule.openFailed(port, held, now: 0) == [.report(port, held)])
  }

  @Test func `A port that closes is opened again soon, one whose board was refused much later`() {
    var schedule = PortSchedule()
    _ = schedule.named(port, now: 0)
    _ = schedule.opened(port)
    schedule.closed(port, refused: false, now: ms(100))
    #expect(schedule.nextDeadline == ms(600))
    #expect(schedule.tick(now: ms(600)) == [.open(port)])
    _ = schedule.opened(port)
    schedule.closed(port, refused: true, now: ms(1000))
    #expect(schedule.nextDeadline == ms(16_000))
    // Plugged in anew, it may be another board.
    #expect(schedule.pluggedIn(port, now: ms(2000)) == [.open(port)])
  }

  @Test func `A discovered port is served while it is plugged in`() {
    var schedule = PortSchedule()
    #expect(schedule.pluggedIn(port, now: 0) == [.open(port)])
    _ = schedule.opened(port)
    schedule.unplugged(port)
    schedule.closed(port, refused: false, now: ms(100))
    #expect(schedule.nextDeadline == nil)
    #expect(schedule.tick(now: ms(99_000)).isEmpty)
    // The plug comes before or after the hang-up, as the kernel likes.
    #expect(schedule.pluggedIn(port, now: ms(100_000)) == [.open(port)])
    _ = schedule.opened(port)
    schedule.closed(port, refused: false, now: ms(100_100))
    schedule.unplugged(port)
    #expect(schedule.nextDeadline == nil)
  }

  @Test func `A port unplugged while it was being opened is forgotten, a named one is not`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, now: 0)
    schedule.unplugged(port)
    _ = schedule.openFailed(port, .vanished(path: port), now: ms(10))
    #expect(schedule.nextDeadline == nil)

    _ = schedule.named(port, now: ms(20))
    _ = schedule.pluggedIn(port, now: ms(20))
    schedule.unplugged(port)
    _ = schedule.openFailed(port, gone, now: ms(30))
    #expect(schedule.nextDeadline == ms(1030))
  }

  @Test func `What is said of a port that nobody wants means nothing`() {
    var schedule = PortSchedule()
    #expect(schedule.opened(port).isEmpty)
    #expect(schedule.openFailed(port, held, now: 0).isEmpty)
    schedule.closed(port, refused: true, now: 0)
    schedule.unplugged(port)
    #expect(schedule.nextDeadline == nil)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `Whatever happens, no port is opened twice at once and each wanted one again`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var schedule = PortSchedule()
    let named = "named"
    let paths = [named, "a", "b"]
    var busy: Set<String> = []
    var plugged: Set<String> = []
    var now: UInt64 = 0
    func note(_ actions: [PortSchedule.Action]) {
      for case .open(let path) in actions {
        #expect(busy.insert(path).inserted, "\(path) was opened twice, seed \(seed)")
      }
    }
    note(schedule.named(named, now: now))
    for _ in 0..<500 {
      now += UInt64.random(in: 0...ms(2000), using: &generator)
      let path = paths.randomElement(using: &generator) ?? named
      switch Int.random(in: 0..<5, using: &generator) {
      case 0:
        plugged.insert(path)
        note(schedule.pluggedIn(path, now: now))
      case 1:
        plugged.remove(path)
        schedule.unplugged(path)
      case 2 where busy.contains(path):
        _ = schedule.opened(path)
      case 3 where busy.remove(path) != nil:
        note(schedule.openFailed(path, held, now: now))
      case 4 where busy.remove(path) != nil:
        _ = schedule.opened(path)
        schedule.closed(path, refused: .random(using: &generator), now: now)
      default:
        note(schedule.tick(now: now))
      }
    }
    // In the end, all that is wanted is opened or open.
    for _ in 0..<5 {
      guard let due = schedule.nextDeadline else { break }
      now = max(now, due)
      note(schedule.tick(now: now))
    }
    #expect(busy.isSuperset(of: plugged.union([named])), "seed \(seed)")
    #expect(schedule.nextDeadline == nil)
  }
}
