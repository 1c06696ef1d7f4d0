public import Rounds

/// A board as one adapter hears it.
public struct RadioPlace: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The adapter's name, e.g. `hci0`.
  public let adapter: String
  /// The board's address in capital letters.
  public let address: String

  /// A board's address at an adapter.
  public init(adapter: String, address: String) {
    self.adapter = adapter
    self.address = address
  }

  /// By adapter, then by address.
  public static func < (a: Self, b: Self) -> Bool { (a.adapter, a.address) < (b.adapter, b.address) }

  /// As a log line says it.
  public var description: String { "\(address) (\(adapter))" }
}

/// What an adapter can do at the moment.
public enum AdapterState: Hashable, Sendable {
  /// It is switched on.
  case on
  /// It is switched off.
  case off
  /// A program keeps it silent: rfkill.
  case softBlocked
  /// A switch of the machine keeps it silent.
  case hardBlocked
}

/// A board that was heard, or that BlueZ knows.
public struct Sighting: Hashable, Sendable {
  /// Who and where.
  public var place: RadioPlace
  /// Whether its address is a random one.
  public var isAddressRandom: Bool
  /// Its name; empty if it said none.
  public var name: String
  /// In dBm; nil while it is not heard.
  public var signal: Int?
  /// Whether BlueZ holds keys of it.
  public var isPaired: Bool
  /// Whether there is a connection.
  public var isConnected: Bool

  /// A sighting.
  public init(
    place: RadioPlace, isAddressRandom: Bool, name: String, signal: Int?, isPaired: Bool, isConnected: Bool
  ) {
    self.place = place
    self.isAddressRandom = isAddressRandom
    self.name = name
    self.signal = signal
    self.isPaired = isPaired
    self.isConnected = isConnected
  }

  /// The board that the address may be that of: boards make a static random address of the 46 low bits of their number
  /// (Protocols/gatt.md §1). Nothing proves it.
  func mayBe(_ board: BoardID) -> Bool {
    guard isAddressRandom, let number = UInt64(place.address.filter { $0 != ":" }, radix: 16) else {
      return false
    }
    let low = UInt64(1) << 46 - 1
    return number & low == board.rawValue & low
  }

  /// The board that its name says it is, if it ends with a board's number.
  public var claimed: BoardID? {
    guard let digits = name.split(separator: " ").last, digits.utf8.count == 16 else { return nil }
    return UInt64(digits, radix: 16).map { BoardID($0) }
  }
}

/// On what ground a board is connected to.
public enum Admission: Hashable, Sendable {
  /// Both sides hold keys of an earlier pairing.
  case bonded(BoardID)
  /// A secret was exchanged over the cable with the board that this one may be: it has to prove that it is.
  case cable(BoardID)
  /// A person permits joining, or asked for this board.
  case permitted
}

/// How an attempt to reach a board failed, as far as the next one is concerned.
public enum AttemptFailure: Hashable, Sendable {
  /// Radio weather.
  case transient
  /// The adapter has no connection left.
  case outOfSlots
  /// The board does not answer: it is out of reach or switched off.
  case missing
  /// The connection was not encrypted with the keys that both should have: the board may have lost them.
  case bondDoubtful
  /// The board has not the keys that this side has.
  case bondLost
  /// It refused to pair, or did not prove who it is.
  case refused
  /// It is not the board that it should be, or none of ours.
  case foreign
  /// The same will happen again until something is mended.
  case fatal
}

/// How a link ended.
public enum RadioEnding: Hashable, Sendable {
  /// A board was served on it.
  case served
  /// Nobody answered.
  case unanswered
  /// The gateway closed it because of what is on it.
  case refused
}

/// What people want to know of the radio.
public enum RadioNotice: Hashable, Sendable {
  /// There is no adapter.
  case noAdapter
  /// An adapter can be used.
  case adapterReady(String)
  /// An adapter cannot be used.
  case adapterNotReady(String, AdapterState)
  /// An adapter is gone.
  case adapterGone(String)
  /// A board that is not admitted was heard for the first time.
  case stranger(Sighting, Stranger)
  /// Joining is permitted for so many seconds; 0: no more.
  case joining(seconds: UInt32)
  /// Scanning fails again and again, and the adapter is switched off and on.
  case adapterDeaf(String)
  /// The adapter took no more connections than these.
  case linkLimit(adapter: String, links: Int)
  /// A board makes room for others that wait for a connection.
  case turnOver(RadioPlace, waiting: Int)
}

/// Why a board that is heard is not admitted.
public enum Stranger: Hashable, Sendable {
  /// Nobody permitted it.
  case unknown
  /// The last attempt failed in a way that only a person mends.
  case failed(AttemptFailure)
}
