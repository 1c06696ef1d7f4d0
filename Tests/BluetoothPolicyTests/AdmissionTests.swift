import Rounds
import Testing

@testable import BluetoothPolicy

@Suite("Who is connected to")
struct AdmissionTests {
  @Test func aBoardThatNobodyKnowsIsToldOfOnceAndLeftAlone() {
    var scene = Scene()
    for _ in 0..<5 {
      scene.hear(7)
      scene.pass(1)
    }
    #expect(scene.attempts.isEmpty)
    #expect(scene.told.filter { if case .stranger(_, .unknown) = $0 { true } else { false } }.count == 1)
    #expect(scene.schedule.strangers(now: scene.now).map(\.sighting.place) == [Scene.place(7)])
  }

  @Test func itIsAdmittedWhileJoiningIsPermittedAndNotAfterwards() {
    var scene = Scene()
    scene.change { $0.permitJoin(seconds: 30, now: $1) }
    scene.hear(7)
    #expect(scene.attempts == [Scene.place(7): .permitted])
    scene.end(Scene.place(7), .missing)
    scene.pass(31)
    #expect(scene.schedule.joinSecondsLeft(now: scene.now) == 0)
    #expect(scene.told.last { if case .joining = $0 { true } else { false } } == .joining(seconds: 0))
    scene.hear(8)
    scene.hear(7)
    #expect(scene.attempts.isEmpty)
  }

  @Test func aSecretThatWentOverTheCableAdmitsItsBoardAlone() {
    var scene = Scene()
    scene.change { $0.secretShared(with: BoardID(7), now: $1) }
    scene.hear(8)
    #expect(scene.attempts.isEmpty)
    scene.hear(7)
    #expect(scene.attempts == [Scene.place(7): .cable(BoardID(7))])
  }

  @Test func aBondAdmitsOnlyWhileBothHaveIt() {
    var scene = Scene()
    scene.change { $0.setBonds([Scene.address(7): BoardID(7)], now: $1) }
    scene.hear(7)
    #expect(scene.attempts.isEmpty)
    scene.hear(7, isPaired: true)
    #expect(scene.attempts == [Scene.place(7): .bonded(BoardID(7))])
  }

  @Test func aPersonCanAskForOneBoard() {
    var scene = Scene()
    scene.hear(7)
    scene.hear(8)
    scene.change { $0.request(Scene.place(8), now: $1) }
    #expect(scene.attempts == [Scene.place(8): .permitted])
    scene.end(Scene.place(8), .refused)
    scene.change { $0.requestEnded(Scene.place(8), now: $1) }
    scene.pass(120)
    scene.hear(8)
    #expect(scene.attempts.isEmpty)
  }

  @Test func aBoardServedOverItsCableIsLeftAlone() {
    var scene = Scene()
    scene.change { $0.setBonds([Scene.address(7): BoardID(7)], now: $1) }
    scene.change { $0.cable(BoardID(7), isServed: true, now: $1) }
    scene.hear(7, isPaired: true)
    #expect(scene.attempts.isEmpty)
    scene.change { $0.cable(BoardID(7), isServed: false, now: $1) }
    #expect(scene.attempts == [Scene.place(7): .bonded(BoardID(7))])
  }

  @Test func aBoardThatLostItsBondIsPairedAnewBySecretOrNotAtAll() {
    var scene = Scene()
    scene.change { $0.setBonds([Scene.address(7): BoardID(7), Scene.address(8): BoardID(8)], now: $1) }
    scene.change { $0.secretShared(with: BoardID(7), now: $1) }
    scene.hear(7, isPaired: true)
    scene.end(Scene.place(7), .bondLost)
    scene.pass(1)
    #expect(scene.attempts == [Scene.place(7): .cable(BoardID(7))])
    scene.end(Scene.place(7), nil)
    scene.hear(8, isPaired: true)
    scene.end(Scene.place(8), .bondLost)
    for _ in 0..<20 {
      scene.hear(8, isPaired: true)
      scene.pass(10)
    }
    #expect(scene.attempts.isEmpty)
    #expect(
      scene.schedule.strangers(now: scene.now).contains {
        $0.sighting.place == Scene.place(8) && $0.stranger == .failed(.bondLost)
      })
    scene.change { $0.forgotten(BoardID(8), now: $1) }
    scene.change { $0.permitJoin(seconds: 60, now: $1) }
    scene.hear(8)
    #expect(scene.attempts == [Scene.place(8): .permitted])
  }

  @Test func aKeyInDoubtIsTriedOnAndToldOfUnlessASecretMakesAnother() {
    var scene = Scene()
    scene.change { $0.setBonds([Scene.address(7): BoardID(7), Scene.address(8): BoardID(8)], now: $1) }
    scene.change { $0.secretShared(with: BoardID(7), now: $1) }
    var admissions: [Int: [Admission]] = [:]
    for _ in 0..<400 {
      for number in [7, 8] {
        scene.hear(number, isPaired: true)
        guard let admission = scene.attempts[Scene.place(number)] else { continue }
        admissions[number, default: []].append(admission)
        let isBonded = admission == .bonded(BoardID(UInt64(number)))
        scene.end(Scene.place(number), isBonded ? .bondDoubtful : nil)
      }
      scene.pass(1)
    }
    let doubts = scene.schedule.settings.doubts
    let bonded = Array(repeating: Admission.bonded(BoardID(7)), count: doubts)
    #expect(admissions[7] == bonded + [.cable(BoardID(7))])
    // It may have been the weather: nobody has to help for the next attempt.
    #expect(admissions[8, default: []].count > doubts)
    #expect(
      scene.told.filter { if case .stranger(_, .failed(.bondDoubtful)) = $0 { true } else { false } }.count
        == 1)
    scene.pass(60)
    scene.hear(8, isPaired: true)
    scene.end(Scene.place(8), nil)
    #expect(scene.schedule.strangers(now: scene.now).isEmpty)
  }

  @Test func wrongProofsByCableEndAfterAFewUntilTheCableIsPluggedInAgain() {
    var scene = Scene()
    scene.change { $0.secretShared(with: BoardID(7), now: $1) }
    var attempts = 0
    for _ in 0..<200 {
      scene.hear(7)
      if scene.attempts[Scene.place(7)] != nil {
        attempts += 1
        scene.end(Scene.place(7), .refused)
      }
      scene.pass(1)
    }
    #expect(attempts == scene.schedule.settings.cableRefusals)
    scene.change { $0.secretShared(with: BoardID(7), now: $1) }
    #expect(scene.attempts == [Scene.place(7): .cable(BoardID(7))])
  }
}
