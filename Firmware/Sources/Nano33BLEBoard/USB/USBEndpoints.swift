import USBDevice

/// Opens, shuts and halts the endpoints of USBD.
struct USBEndpoints {
  private static var control: UInt32 { 1 << 0 }
  /// Kept, as the register that arms an OUT endpoint must not be written while the endpoint may hold a packet: the
  /// packet would be lost.
  private var bytesOutIsHalted = false

  /// Only endpoint 0 answers.
  mutating func close() {
    USBD.epinen.value = Self.control
    USBD.epouten.value = Self.control
    Self.stall(.bytesOut, USBD.Stall.unstall)
    Self.stall(.notifications, USBD.Stall.unstall)
    Self.stall(.bytesIn, USBD.Stall.unstall)
    bytesOutIsHalted = false
  }

  /// All endpoints begin.
  mutating func open() {
    close()
    Self.restartToggle(.bytesOut)
    Self.restartToggle(.notifications)
    Self.restartToggle(.bytesIn)
    USBD.epinen.value = Self.control | Self.bit(.notifications) | Self.bit(.bytesIn)
    USBD.epouten.value = Self.control | Self.bit(.bytesOut)
    Self.arm()
  }

  /// Does what the host's wish to halt an endpoint, or not to, means for it.
  ///
  /// - Parameter holdsBytes: the endpoint for bytes from the host has a packet. It is armed again when that is taken.
  mutating func change(_ endpoint: Endpoint, isHalted: Bool, holdsBytes: Bool) {
    guard endpoint == .bytesOut else { return Self.change(endpoint, isHalted: isHalted) }
    // An endpoint that was not halted stays armed: it is not to be touched.
    if isHalted != bytesOutIsHalted { Self.stall(endpoint, isHalted ? USBD.Stall.stall : USBD.Stall.unstall) }
    if !isHalted { Self.restartToggle(endpoint) }
    if bytesOutIsHalted && !isHalted && !holdsBytes { Self.arm() }
    bytesOutIsHalted = isHalted
  }

  /// The same of an endpoint for the host, which is to send its packet anew.
  private static func change(_ endpoint: Endpoint, isHalted: Bool) {
    guard !isHalted else { return stall(endpoint, USBD.Stall.stall) }
    USBErrata.takeBack(from: UInt32(endpoint.number))
    USBD.epinen.value &= ~bit(endpoint)
    restartToggle(endpoint)
    stall(endpoint, USBD.Stall.unstall)
    USBD.epinen.value |= bit(endpoint)
  }

  /// Lets the endpoint take its first packet. Any value does it. EasyDMA arms it for all packets after that.
  private static func arm() { USBD.sizeEPOUT(UInt32(Endpoint.bytesOut.number)).value = 0 }

  private static func bit(_ endpoint: Endpoint) -> UInt32 { 1 << UInt32(endpoint.number) }

  private static func stall(_ endpoint: Endpoint, _ isStalled: UInt32) {
    USBD.epstall.value = isStalled | UInt32(endpoint.rawValue)
  }

  private static func restartToggle(_ endpoint: Endpoint) {
    // The first write selects the endpoint.
    USBD.dtoggle.value = USBD.Toggle.nop | UInt32(endpoint.rawValue)
    USBD.dtoggle.value = USBD.Toggle.data0 | UInt32(endpoint.rawValue)
  }
}
