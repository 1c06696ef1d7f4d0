import PropertyTesting
import Rounds
import Testing

@testable import BluetoothPolicy

@Suite("Lives of a radio")
struct RadioLifeTests {
  /// Boards come and go, attempts fail in every way, links end, adapters vanish; whatever happens, the rules of the
  /// radio hold, and when the weather is fine again every bonded board is served in turn.
  @Test(arguments: 1...40)
  func rulesHoldAndNobodyIsForgotten(seed: UInt64) {
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let boards = 2 + Int.random(in: 0..<5, using: &random)
    var settings = RadioSettings()
    settings.linksPerAdapter = Int.random(in: 1...3, using: &random)
    var scene = Scene(settings, seed: seed)
    let bonds = Dictionary(
      uniqueKeysWithValues: (1...boards).map { (Scene.address($0), BoardID(UInt64($0))) })
    scene.change { $0.setBonds(bonds, now: $1) }
    var linked: Set<RadioPlace> = []
    var isThere = true
    for _ in 0..<400 {
      step(&scene, boards, &linked, &isThere, &random)
      scene.pass(Double.random(in: 0...3, using: &random))
      check(scene, linked, settings)
    }
    if !isThere { scene.change { $0.adapter("hci0", .on, now: $1) } }
    fineWeather(&scene, boards, &linked, settings)
  }

  private func step(
    _ scene: inout Scene, _ boards: Int, _ linked: inout Set<RadioPlace>, _ isThere: inout Bool,
    _ random: inout SeededGenerator
  ) {
    let number = Int.random(in: 1...boards, using: &random)
    let place = Scene.place(number)
    switch Int.random(in: 0..<11, using: &random) {
    case 0..<5 where isThere && scene.scanning.contains("hci0") && !linked.contains(place):
      scene.hear(number, isPaired: true)
    case 5...7:
      guard let attempt = scene.attempts.keys.first else { return }
      let failures: [AttemptFailure?] = [nil, nil, nil, .transient, .missing, .outOfSlots, .fatal]
      let outcome = failures.randomElement(using: &random)!
      scene.end(attempt, isThere ? outcome : .transient)
      if isThere, outcome == nil { linked.insert(attempt) }
    case 8:
      guard let lost = linked.sorted().randomElement(using: &random) else { return }
      linked.remove(lost)
      scene.change { $0.unlinked(lost, .served, now: $1) }
    case 9 where Int.random(in: 0..<4, using: &random) == 0:
      isThere.toggle()
      if isThere {
        scene.change { $0.adapter("hci0", .on, now: $1) }
      } else {
        scene.scanning = []
        scene.change { $0.adapterGone("hci0", now: $1) }
        for place in linked { scene.change { $0.unlinked(place, .served, now: $1) } }
        linked = []
        for place in scene.attempts.keys { scene.end(place, .transient) }
      }
    case 10:
      let isDone = Bool.random(using: &random)
      scene.change { $0.done(BoardID(UInt64(number)), isDone, now: $1) }
    default: break
    }
    obey(&scene, &linked)
  }

  /// Links that the schedule closes end.
  private func obey(_ scene: inout Scene, _ linked: inout Set<RadioPlace>) {
    for action in scene.done {
      if case .close(let place) = action, linked.remove(place) != nil {
        scene.change { $0.unlinked(place, .served, now: $1) }
      }
    }
    scene.done = []
  }

  private func check(_ scene: Scene, _ linked: Set<RadioPlace>, _ settings: RadioSettings) {
    #expect(scene.broken == [])
    #expect(linked.count <= settings.linksPerAdapter)
    if let due = scene.schedule.nextDeadline(now: scene.now) { #expect(due > scene.now) }
  }

  /// Something is wanted of all boards, they advertise while nobody is connected to them, and every attempt succeeds.
  private func fineWeather(
    _ scene: inout Scene, _ boards: Int, _ linked: inout Set<RadioPlace>, _ settings: RadioSettings
  ) {
    var served = linked
    for number in 1...boards { scene.change { $0.done(BoardID(UInt64(number)), false, now: $1) } }
    for _ in 0..<2000 where served.count < boards {
      for attempt in scene.attempts.keys {
        scene.end(attempt, nil)
        linked.insert(attempt)
        served.insert(attempt)
      }
      if scene.scanning.contains("hci0") {
        for number in 1...boards
        where !linked.contains(Scene.place(number)) && scene.scanning.contains("hci0") {
          scene.hear(number, isPaired: true)
        }
      }
      scene.pass(0.5)
      obey(&scene, &linked)
      check(scene, linked, settings)
    }
    #expect(served.count == boards)
  }
}
