/// A port that the daemon has let go for a client.
public struct LentPort: Codable, Hashable, Sendable {
  /// What to open, such as `/dev/ttyACM0`.
  public var port: String
  /// The name of the board there, if it was served.
  public var name: String?
  /// Its identity, 16 hexadecimal digits.
  public var id: String?
  /// The version of its firmware.
  public var firmware: String?

  /// A port of which this is known.
  public init(port: String, name: String? = nil, id: String? = nil, firmware: String? = nil) {
    self.port = port
    self.name = name
    self.id = id
    self.firmware = firmware
  }
}

/// A board that is served again after its port was lent.
public struct ReturnedBoard: Codable, Hashable, Sendable {
  /// Its name.
  public var name: String
  /// Its identity, 16 hexadecimal digits.
  public var id: String
  /// The version of its firmware, as it says now.
  public var firmware: String

  /// A board of which this is known.
  public init(name: String, id: String, firmware: String) {
    self.name = name
    self.id = id
    self.firmware = firmware
  }
}
