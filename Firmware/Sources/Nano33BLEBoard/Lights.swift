import BoardRuntime
import BoardSupport
import CBoard
import LinkProtocol

/// What the board's two LEDs, one of three colours and a yellow one, show at a time.
///
/// | shown | means |
/// |---|---|
/// | blue flashes | it runs; nobody has its port open |
/// | blue | somebody has its port open, no gateway has greeted it yet: it joins |
/// | green flashes | it has joined and waits |
/// | green | it receives a model, or has an update for the gateway |
/// | yellow | it trains or evaluates |
/// | red flashes | it restarted after a fault that no gateway has heard of yet |
/// | red | it has given up: it faults again and again, and only the watchdog restarts it |
struct LightPattern: Equatable {
  /// Of the LED of three colours.
  enum Colour {
    case red, green, blue
  }

  var colour: Colour
  /// A flash every two seconds, or all the time.
  var flashes: Bool
  var yellow: Bool

  init(link: LinkStatus, phase: BoardPhase, hasFault: Bool) {
    switch phase {
    case .training, .evaluating: yellow = true
    case .idle, .receiving, .holdingUpdate: yellow = false
    }
    switch link {
    case .away: (colour, flashes) = (.blue, true)
    case .joining: (colour, flashes) = (.blue, false)
    case .joined: (colour, flashes) = (.green, phase != .receiving && phase != .holdingUpdate)
    }
    if hasFault { (colour, flashes) = (.red, true) }
  }
}

/// The LEDs. The board has no other display.
struct Lights {
  private static var period: UInt64 { .seconds(2) }
  private static var flash: UInt64 { .milliseconds(40) }

  // Pins of port 0 (Arduino Nano 33 BLE schematic). The three colours light when low.
  private static var yellow: UInt32 { 1 << 13 }
  private static var red: UInt32 { 1 << 24 }
  private static var green: UInt32 { 1 << 16 }
  private static var blue: UInt32 { 1 << 6 }
  private static var colours: UInt32 { red | green | blue }

  var phase = BoardPhase.idle
  var link = LinkStatus.away
  private var shown: LightPattern?
  private var begin = Timestamp(microseconds: 0)
  /// When ``follow(now:)`` has something to do, if nothing changes.
  private(set) var deadline: Timestamp?

  /// All dark.
  func configure() {
    P0.outset.value = Self.colours
    P0.outclr.value = Self.yellow
    P0.dirset.value = Self.colours | Self.yellow
  }

  /// Shows what is to be shown now.
  mutating func follow(now: Timestamp) {
    var record = FaultRecord()
    let pattern = LightPattern(link: link, phase: phase, hasFault: fault_kept(&record))
    if pattern != shown {
      shown = pattern
      begin = now
    } else if let deadline, now < deadline {
      return
    }
    guard pattern.flashes else {
      deadline = nil
      return Self.light(pattern, colour: true)
    }
    while now - begin >= Self.period { begin = begin + Self.period }
    let isLit = now - begin < Self.flash
    Self.light(pattern, colour: isLit)
    deadline = begin + (isLit ? Self.flash : Self.period)
  }

  private static func light(_ pattern: LightPattern, colour isLit: Bool) {
    let pin =
      switch pattern.colour {
      case .red: red
      case .green: green
      case .blue: blue
      }
    P0.outset.value = (isLit ? colours & ~pin : colours) | (pattern.yellow ? yellow : 0)
    P0.outclr.value = (isLit ? pin : 0) | (pattern.yellow ? 0 : yellow)
  }

  /// Red, for good, whatever state the rest is in.
  static func showSurrender() {
    P0.dirset.value = colours
    P0.outset.value = colours & ~red
    P0.outclr.value = red
  }
}

// Of the main loop only.
nonisolated(unsafe) var lights = Lights()
