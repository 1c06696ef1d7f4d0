import Glibc
import PropertyTesting
import SerialDevices
import Testing

@testable import GatewayService

private let port = "/dev/ttyACM0"
private let gone = TTYError.noSuchDevice(path: port)
private let held = TTYError.busy(path: port, holders: [PortHolder(pid: 7, name: "minicom")])

private let denied = TTYError.permissionDenied(path: port, group: "dialout", mode: 0o660)

/// The stay number `number` of a board.
private func stay(_ number: UInt32, socket: Int = 1) -> Plugging {
  Plugging(devicePath: "/sys/devices/usb1/1-\(socket)", attachment: number)
}

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
    schedule.closed(port, .served, now: ms(7000))
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

  @Test func `A port that is lent is not opened, whatever becomes of it, until it is taken back`() {
    var schedule = PortSchedule()
    let board = stay(1)
    #expect(schedule.pluggedIn(port, board, now: 0) == [.open(port)])
    _ = schedule.opened(port)
    #expect(schedule.isInUse(port))
    schedule.lend(port)
    schedule.closed(port, .served, now: ms(10))
    #expect(schedule.isLent(port) && !schedule.isInUse(port) && schedule.nextDeadline == nil)
    #expect(schedule.tick(now: ms(60_000)).isEmpty)
    // Its bootloader, and then the board again behind the same node.
    schedule.unplugged(board)
    #expect(schedule.pluggedIn(port, stay(2), now: ms(60_000)).isEmpty)
    #expect(schedule.changed(port, stay(2), now: ms(60_000)).isEmpty)
    #expect(schedule.takeBack(port, now: ms(70_000)) == [.open(port)])
    #expect(!schedule.isLent(port) && schedule.takeBack(port, now: ms(70_000)).isEmpty)
  }

  @Test func `A port that goes while it is lent is forgotten when it is taken back`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    schedule.lend(port)
    schedule.closed(port, .served, now: 0)
    schedule.unplugged(stay(1))
    #expect(schedule.takeBack(port, now: ms(1)).isEmpty && !schedule.isKnown(port))
    // A named one is looked for again.
    _ = schedule.named(port, now: ms(2))
    schedule.lend(port)
    _ = schedule.openFailed(port, gone, now: ms(2))
    #expect(schedule.nextDeadline == nil)
    #expect(schedule.takeBack(port, now: ms(3)) == [.open(port)])
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
    schedule.closed(port, .served, now: ms(100))
    #expect(schedule.nextDeadline == ms(600))
    #expect(schedule.tick(now: ms(600)) == [.open(port)])
    _ = schedule.opened(port)
    schedule.closed(port, .refused, now: ms(1000))
    #expect(schedule.nextDeadline == ms(16_000))
    // Plugged in anew, it may be another board.
    #expect(schedule.pluggedIn(port, stay(1), now: ms(2000)) == [.open(port)])
  }

  @Test func `A discovered port is served while it is plugged in`() {
    var schedule = PortSchedule()
    #expect(schedule.pluggedIn(port, stay(1), now: 0) == [.open(port)])
    _ = schedule.opened(port)
    schedule.unplugged(stay(1))
    schedule.closed(port, .served, now: ms(100))
    #expect(schedule.nextDeadline == nil)
    #expect(schedule.tick(now: ms(99_000)).isEmpty)
    // The plug comes before or after the hang-up, as the kernel likes.
    #expect(schedule.pluggedIn(port, stay(1), now: ms(100_000)) == [.open(port)])
    _ = schedule.opened(port)
    schedule.closed(port, .served, now: ms(100_100))
    schedule.unplugged(stay(1))
    #expect(schedule.nextDeadline == nil)
  }

  @Test func `A port unplugged while it was being opened is forgotten, a named one is not`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    schedule.unplugged(stay(1))
    _ = schedule.openFailed(port, .vanished(path: port), now: ms(10))
    #expect(schedule.nextDeadline == nil)

    _ = schedule.named(port, now: ms(20))
    _ = schedule.pluggedIn(port, stay(1), now: ms(20))
    schedule.unplugged(stay(1))
    _ = schedule.openFailed(port, gone, now: ms(30))
    #expect(schedule.nextDeadline == ms(1030))
  }

  @Test func `What is said of a port that nobody wants means nothing`() {
    var schedule = PortSchedule()
    #expect(schedule.opened(port).isEmpty)
    #expect(schedule.openFailed(port, held, now: 0).isEmpty)
    schedule.closed(port, .refused, now: 0)
    schedule.unplugged(stay(1))
    #expect(schedule.nextDeadline == nil)
  }

  @Test
  func `A node that is there before its permissions is tried again quietly, and told of after a second`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    var now: UInt64 = 0
    while now < ms(1000) {
      #expect(schedule.openFailed(port, denied, now: now).isEmpty)
      now += ms(100)
      #expect(schedule.nextDeadline == now)
      #expect(schedule.tick(now: now) == [.open(port)])
    }
    #expect(schedule.openFailed(port, denied, now: now) == [.report(port, denied)])
    #expect(schedule.nextDeadline == now + ms(5000))
    // udev says that its rules ran: no need to wait.
    #expect(schedule.changed(port, stay(1), now: now + ms(10)) == [.open(port)])
    #expect(schedule.openFailed(port, denied, now: now + ms(10)).isEmpty)
    // Plugged in anew, the rule may be late again, and then it is told again.
    now += ms(20_000)
    #expect(schedule.pluggedIn(port, stay(2), now: now) == [.open(port)])
    #expect(schedule.openFailed(port, denied, now: now).isEmpty)
    _ = schedule.tick(now: now + ms(1000))
    #expect(schedule.openFailed(port, denied, now: now + ms(1000)) == [.report(port, denied)])
  }

  @Test func `What is wrong with a board is told once a plugging`() {
    let bootloader = TTYError.bootloader(path: port)
    var schedule = PortSchedule()
    _ = schedule.named(port, now: 0)
    #expect(schedule.openFailed(port, bootloader, now: 0) == [.report(port, bootloader)])
    // The same plugging, which discovery tells a moment later.
    #expect(schedule.pluggedIn(port, stay(1), now: ms(50)) == [.open(port)])
    #expect(schedule.openFailed(port, bootloader, now: ms(50)).isEmpty)
    #expect(schedule.pluggedIn(port, stay(2), now: ms(20_000)) == [.open(port)])
    #expect(schedule.openFailed(port, bootloader, now: ms(20_000)) == [.report(port, bootloader)])
    // That it is not there is told when that begins, and not again.
    _ = schedule.tick(now: ms(25_000))
    #expect(schedule.openFailed(port, gone, now: ms(25_000)) == [.report(port, gone)])
    #expect(schedule.pluggedIn(port, stay(3), now: ms(40_000)) == [.open(port)])
    #expect(schedule.openFailed(port, gone, now: ms(40_000)).isEmpty)
  }

  @Test func `The end of an old stay does not end the next one behind the same node`() {
    var schedule = PortSchedule()
    #expect(schedule.pluggedIn(port, stay(1), now: 0) == [.open(port)])
    _ = schedule.opened(port)
    // The next board takes the node over before the first one's removal is told.
    #expect(schedule.pluggedIn(port, stay(2), now: ms(10)).isEmpty)
    schedule.unplugged(stay(1))
    schedule.closed(port, .served, now: ms(20))
    #expect(schedule.tick(now: ms(520)) == [.open(port)])
  }

  @Test
  func `A board that is plugged in anew while its port is in use has not to answer for the one before it`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    _ = schedule.opened(port)
    schedule.unplugged(stay(1))
    _ = schedule.pluggedIn(port, stay(2), now: ms(10))
    schedule.closed(port, .refused, now: ms(20))
    #expect(schedule.nextDeadline == ms(520))
  }

  @Test func `A port that gets another node is not served under the old one too`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    _ = schedule.openFailed(port, held, now: 0)
    #expect(schedule.changed("/dev/board", stay(1), now: ms(1)) == [.open("/dev/board")])
    _ = schedule.opened("/dev/board")
    #expect(schedule.nextDeadline == nil)
    schedule.unplugged(stay(1))
    schedule.closed("/dev/board", .served, now: ms(2))
    #expect(schedule.nextDeadline == nil)
  }

  @Test func `What was discovered and is not there is no person's business: it is looked again`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    for error in [gone, .vanished(path: port)] {
      #expect(schedule.openFailed(port, error, now: 0) == [.lookAgain])
      #expect(schedule.tick(now: ms(1000)) == [.open(port)])
    }
  }

  @Test func `A port that is open here under another name is nothing to tell of`() {
    let here = TTYError.busy(path: port, holders: [PortHolder(pid: getpid(), name: "fedbridge")])
    var schedule = PortSchedule()
    _ = schedule.named(port, now: 0)
    #expect(schedule.openFailed(port, here, now: 0).isEmpty)
    #expect(schedule.nextDeadline == ms(5000))
  }

  @Test func `Pauses grow as long as nobody answers or a board is refused, to a limit`() {
    for (ending, first, longest) in [
      (PortSchedule.Ending.unanswered, ms(500), ms(15_000)), (.refused, ms(15_000), ms(120_000)),
    ] {
      var schedule = PortSchedule()
      _ = schedule.named(port, now: 0)
      var expected = first
      for _ in 0..<80 {
        _ = schedule.opened(port)
        schedule.closed(port, ending, now: 0)
        #expect(schedule.nextDeadline == expected)
        _ = schedule.tick(now: expected)
        expected = min(expected * 2, longest)
      }
      // A board that is served makes up for it, and so does the next plug.
      _ = schedule.opened(port)
      schedule.closed(port, .served, now: 0)
      #expect(schedule.nextDeadline == ms(500))
      _ = schedule.tick(now: ms(500))
      schedule.closed(port, ending, now: 0)
      #expect(schedule.nextDeadline == first)
    }
  }

  @Test func `A port that was refused for the board on another one is tried when that one is free`() {
    var schedule = PortSchedule()
    let other = "/dev/ttyACM1"
    _ = schedule.named(port, now: 0)
    _ = schedule.named(other, now: 0)
    _ = schedule.opened(port)
    _ = schedule.opened(other)
    schedule.closed(other, .refusedForAnother, now: 0)
    #expect(schedule.nextDeadline == ms(15_000))
    schedule.closed(port, .served, now: ms(100))
    #expect(schedule.tick(now: ms(600)) == [.open(port), .open(other)])
  }

  @Test func `A refused board is not tried sooner because udev ran over its port again`() {
    var schedule = PortSchedule()
    _ = schedule.pluggedIn(port, stay(1), now: 0)
    _ = schedule.opened(port)
    schedule.closed(port, .refused, now: 0)
    #expect(schedule.changed(port, stay(1), now: ms(10)).isEmpty)
    #expect(schedule.nextDeadline == ms(15_000))
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func `Whatever happens, no port is opened twice at once and each wanted one again`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var schedule = PortSchedule()
    let named = "named"
    let paths = [named, "a", "b"]
    var busy: Set<String> = []
    /// What is plugged in, and behind which node.
    var plugged: [Plugging: String] = [:]
    var gone: [Plugging] = []
    var stays: UInt32 = 0
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
      let known = plugged.keys.sorted { $0.attachment < $1.attachment }.randomElement(using: &generator)
      switch Int.random(in: 0..<8, using: &generator) {
      case 0:
        stays += 1
        plugged[stay(stays)] = path
        note(schedule.pluggedIn(path, stay(stays), now: now))
      case 1:
        guard let known else { continue }
        plugged[known] = nil
        gone.append(known)
        schedule.unplugged(known)
      case 2:
        // Told again, and late.
        if let late = gone.randomElement(using: &generator) { schedule.unplugged(late) }
      case 3:
        guard let known else { continue }
        plugged[known] = path
        note(schedule.changed(path, known, now: now))
      case 4 where busy.contains(path):
        _ = schedule.opened(path)
      case 5 where busy.remove(path) != nil:
        let error = [held, denied, .noSuchDevice(path: path)].randomElement(using: &generator) ?? held
        note(schedule.openFailed(path, error, now: now))
      case 6 where busy.remove(path) != nil:
        _ = schedule.opened(path)
        let endings: [PortSchedule.Ending] = [.served, .unanswered, .refused, .refusedForAnother]
        schedule.closed(path, endings.randomElement(using: &generator) ?? .served, now: now)
      default:
        note(schedule.tick(now: now))
      }
    }
    // In the end, all that is wanted is opened or open, and nothing else once what is open has closed.
    for _ in 0..<5 {
      guard let due = schedule.nextDeadline else { break }
      now = max(now, due)
      note(schedule.tick(now: now))
    }
    let wanted = Set(plugged.values).union([named])
    #expect(busy.isSuperset(of: wanted), "seed \(seed)")
    #expect(schedule.nextDeadline == nil)
    for path in busy.sorted() { schedule.closed(path, .served, now: now) }
    now += ms(1000)
    var again: Set<String> = []
    for case .open(let path) in schedule.tick(now: now) { again.insert(path) }
    #expect(again == wanted, "seed \(seed)")
  }
}
