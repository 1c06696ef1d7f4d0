/// What BlueZ says of an adapter.
public struct BluetoothAdapter: Sendable, Hashable {
  /// Its object.
  public let path: String
  /// The kernel's name, e.g. `hci0`.
  public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  /// Its address in capital letters.
  public let address: String
  /// Whether it is switched on.
  public let isPowered: Bool
  /// Whether somebody scans with it.
  public let isDiscovering: Bool

  static let interface = "org.bluez.Adapter1"

  init(_ path: String, _ properties: ObjectTree.Properties) {
    self.path = path
    address = properties["Address"]?.text ?? ""
    isPowered = properties["Powered"]?.flag ?? false
    isDiscovering = properties["Discovering"]?.flag ?? false
  }
}

/// What BlueZ says of a device that it heard, or knows.
public struct BluetoothDevice: Sendable, Hashable {
  /// Its object.
  public let path: String
  /// The object of the adapter that heard it.
  public let adapter: String
  /// Its address in capital letters.
  public let address: String
  /// Whether the address is a random one, static ones included.
  public let isAddressRandom: Bool
  /// Its name; empty if it has not said one.
  public let name: String
  /// Whether it says that it has the service looked for.
  public let hasService: Bool
  /// Received signal strength in dBm, while it is heard.
  public let signal: Int?
  /// Whether BlueZ has keys of it.
  public let isPaired: Bool
  /// Whether it may connect by itself.
  public let isTrusted: Bool
  /// Whether there is a connection.
  public let isConnected: Bool
  /// Whether its attributes are known.
  public let isResolved: Bool

  static let interface = "org.bluez.Device1"

  init(_ path: String, _ properties: ObjectTree.Properties, service: String) {
    self.path = path
    adapter = properties["Adapter"]?.text ?? ""
    address = properties["Address"]?.text ?? ""
    isAddressRandom = properties["AddressType"]?.text == "random"
    name = properties["Name"]?.text ?? ""
    hasService = properties["UUIDs"]?.texts.contains(service) ?? false
    signal = properties["RSSI"]?.number
    isPaired = properties["Paired"]?.flag ?? false
    isTrusted = properties["Trusted"]?.flag ?? false
    isConnected = properties["Connected"]?.flag ?? false
    isResolved = properties["ServicesResolved"]?.flag ?? false
  }

  /// Properties that BlueZ tells of because an advertisement came in.
  static let heardBy: Set<String> = [
    "RSSI", "TxPower", "ManufacturerData", "ServiceData", "AdvertisingFlags",
  ]
}

/// What happened at BlueZ.
public enum BlueZEvent: Sendable {
  /// It runs, and what it has follows.
  case running
  /// All that it had when it was asked has been told.
  case listed
  /// It does not; whatever it had is gone.
  case notRunning(BlueZError)
  /// An adapter is there, or is other than it was.
  case adapter(BluetoothAdapter)
  /// An adapter is gone.
  case adapterGone(path: String)
  /// A device with the service is known, or is other than it was; `isHeard`: an advertisement of it came in.
  case device(BluetoothDevice, isHeard: Bool)
  /// A device is known no more.
  case deviceGone(path: String)
}
