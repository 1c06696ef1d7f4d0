import Rounds

@testable import BluetoothPolicy

/// A schedule, the moment it is, and what it wanted done so far.
struct Scene {
  var schedule: RadioSchedule
  var now: UInt64 = 1_000_000
  /// Adapters that scan.
  var scanning: Set<String> = []
  /// Attempts that were begun and not answered.
  var attempts: [RadioPlace: Admission] = [:]
  var done: [RadioSchedule.Action] = []
  /// Whether scans never come to begin.
  var scansFail = false
  /// What broke a rule of the radio.
  var broken: [String] = []

  init(_ settings: RadioSettings = RadioSettings(), seed: UInt64 = 1, adapters: [String] = ["hci0"]) {
    schedule = RadioSchedule(settings: settings, seed: seed)
    for adapter in adapters { change { $0.adapter(adapter, .on, now: $1) } }
  }

  /// Tells the schedule something and does what it wants.
  mutating func change(_ body: (inout RadioSchedule, UInt64) -> Void) {
    body(&schedule, now)
    for action in schedule.takeActions() {
      done.append(action)
      switch action {
      case .scan(let name):
        if attempts.keys.contains(where: { $0.adapter == name }) {
          broken.append("scans \(name) while it connects")
        }
        if !scanning.insert(name).inserted { broken.append("scans \(name) twice") }
        if !scansFail { schedule.scanBegan(name) }
      case .stopScanning(let name): scanning.remove(name)
      case .attempt(let place, let admission):
        if scanning.contains(place.adapter) { broken.append("connects on \(place.adapter) while it scans") }
        if attempts.keys.contains(where: { $0.adapter == place.adapter }) {
          broken.append("two attempts on \(place.adapter)")
        }
        attempts[place] = admission
      case .switchOn, .restart, .close, .dropStale, .tell: break
      }
    }
  }

  /// Lets time pass, with all that falls due.
  mutating func pass(_ seconds: Double) {
    let end = now + UInt64(seconds * 1_000_000)
    while let due = schedule.nextDeadline(now: now), due <= end {
      now = due
      change { $0.tick(now: $1) }
    }
    now = end
    change { $0.tick(now: $1) }
  }

  mutating func hear(_ number: Int, adapter: String = "hci0", isPaired: Bool = false) {
    change { $0.seen(Self.sighting(number, adapter, isPaired), isHeard: true, now: $1) }
  }

  /// An attempt ends.
  mutating func end(_ place: RadioPlace, _ failure: AttemptFailure?) {
    attempts[place] = nil
    change {
      if let failure { $0.attemptFailed(place, failure, now: $1) } else { $0.linked(place, now: $1) }
    }
  }

  var told: [RadioNotice] {
    done.compactMap { if case .tell(let notice) = $0 { notice } else { nil } }
  }

  // Board n has the address C0:00:00:00:00:nn and the number nn.

  static func place(_ number: Int, _ adapter: String = "hci0") -> RadioPlace {
    RadioPlace(adapter: adapter, address: address(number))
  }

  static func address(_ number: Int) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "C0:00:00:00:00:" + (digits.count == 1 ? "0" + digits : digits)
  }

  static func sighting(_ number: Int, _ adapter: String = "hci0", _ isPaired: Bool = false) -> Sighting {
    Sighting(
      place: place(number, adapter), isAddressRandom: true, name: "", signal: -50, isPaired: isPaired,
      isConnected: false)
  }
}
