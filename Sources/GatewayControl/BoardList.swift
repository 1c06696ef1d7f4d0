public import Foundation

/// What the daemon knows of boards and of the radio, at one moment.
public struct BoardList: Codable, Hashable, Sendable {
  /// Boards that were served at any time.
  public var boards: [KnownBoard]
  /// Boards that were seen over Bluetooth and not admitted.
  public var strangers: [SeenBoard]
  /// The machine's Bluetooth adapters.
  public var adapters: [AdapterStatus]
  /// For how many more seconds unknown boards may join; 0: they may not.
  public var joinSecondsLeft: UInt32

  /// A list of these.
  public init(
    boards: [KnownBoard] = [], strangers: [SeenBoard] = [], adapters: [AdapterStatus] = [],
    joinSecondsLeft: UInt32 = 0
  ) {
    self.boards = boards
    self.strangers = strangers
    self.adapters = adapters
    self.joinSecondsLeft = joinSecondsLeft
  }

  enum CodingKeys: String, CodingKey {
    case boards, strangers, adapters
    case joinSecondsLeft = "join_seconds_left"
  }
}

/// A board that was served at any time.
public struct KnownBoard: Codable, Hashable, Sendable {
  /// Its identity, 16 hexadecimal digits.
  public var id: String
  /// The name that people call it by.
  public var name: String
  /// What it is served over, such as `ttyACM0` or `BLE`; nil when it is away.
  public var carrier: String?
  /// What it does, in words for people.
  public var state: String
  /// The version of its software, if it ever said so.
  public var firmware: String?
  /// When it was last heard of.
  public var lastSeen: Date
  /// What there is between it and the gateway for Bluetooth, such as `paired by cable`; nil: nothing.
  public var bluetooth: String?
  /// Its Bluetooth address, if it is paired.
  public var address: String?
  /// Strength of its signal in dBm, if it is being heard.
  public var signal: Int?

  /// A board of which this is known.
  public init(
    id: String, name: String, carrier: String? = nil, state: String, firmware: String? = nil, lastSeen: Date,
    bluetooth: String? = nil, address: String? = nil, signal: Int? = nil
  ) {
    self.id = id
    self.name = name
    self.carrier = carrier
    self.state = state
    self.firmware = firmware
    self.lastSeen = lastSeen
    self.bluetooth = bluetooth
    self.address = address
    self.signal = signal
  }

  enum CodingKeys: String, CodingKey {
    case id, name, carrier, state, firmware, bluetooth, address, signal
    case lastSeen = "last_seen"
  }
}

/// A board that was seen over Bluetooth and not admitted. Nothing of what it says is proven.
public struct SeenBoard: Codable, Hashable, Sendable {
  /// Its Bluetooth address.
  public var address: String
  /// The name it advertises.
  public var name: String
  /// The identity it claims, 16 hexadecimal digits.
  public var claims: String?
  /// Strength of its signal in dBm.
  public var signal: Int?
  /// When it was last heard.
  public var lastSeen: Date
  /// Why it was not admitted.
  public var reason: String

  /// A stranger of whom this was seen.
  public init(
    address: String, name: String, claims: String? = nil, signal: Int? = nil, lastSeen: Date, reason: String
  ) {
    self.address = address
    self.name = name
    self.claims = claims
    self.signal = signal
    self.lastSeen = lastSeen
    self.reason = reason
  }

  enum CodingKeys: String, CodingKey {
    case address, name, claims, signal, reason
    case lastSeen = "last_seen"
  }
}

/// A Bluetooth adapter of the machine.
public struct AdapterStatus: Codable, Hashable, Sendable {
  /// The kernel's name for it, such as `hci0`.
  public var name: String
  /// Its own address.
  public var address: String?
  /// `on`, `off`, `blocked` or `missing`.
  public var state: String
  /// What to do when something is wrong with it; nil when nothing is.
  public var remedy: String?

  /// An adapter in this state.
  public init(name: String, address: String? = nil, state: String, remedy: String? = nil) {
    self.name = name
    self.address = address
    self.state = state
    self.remedy = remedy
  }
}
