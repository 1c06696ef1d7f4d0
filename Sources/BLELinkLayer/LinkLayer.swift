import BLESecurity
import Bytes
public import Cryptography

/// A Bluetooth Low Energy controller for a peripheral with one connection: HCI above, a radio below.
///
/// No I/O of its own, no clock, and no allocation after `init`. Three contexts meet here:
///
/// * **the radio's interrupt** has the ``RadioEvent``, and nothing else;
/// * **a lower priority** calls ``exchange(with:)``, with that interrupt masked for some microseconds, then
///   ``work(now:)``, which may take milliseconds where it encrypts, and exchanges again, as long as it says that there is
///   more; after every packet, after every event, after HCI packets, and at ``nextDeadline``;
/// * **the host** hands in HCI packets with ``received(hciPacket:now:)`` and takes them with ``nextHCIPacket(into:)``; not
///   at the same time as the context before.
///
/// Packets are encrypted before their event and decrypted after they were acknowledged: nothing is computed between a
/// packet and its answer.
public struct LinkLayer<Encryption: BlockEncryption>: ~Copyable {
  /// The connection's handle.
  static var handle: UInt16 { 1 }
  /// Octets of the longest HCI packet that ``nextHCIPacket(into:)`` writes.
  public static var packetCapacity: Int { 5 + Int(DataLengths.longest) }
  /// Buffers that data leaves to control PDUs.
  static var reservedBuffers: UInt8 { 2 }

  /// Where packets are received into and sent from.
  public let memory = PacketMemory()
  let configuration: LinkLayerConfiguration
  var cipher: Encryption
  var random: RandomBits

  // What the host has set.
  var advertiser = Advertiser()
  var masks = EventMasks()
  var suggested = DataLengths.least
  var preferredPHYs = (transmit: UInt8(3), receive: UInt8(3))

  var connection: Connection?
  /// A request to connect that came, and when it ended.
  var request: (buffer: UInt8, end: RadioTime)?

  // Packets, by where they are.
  /// Came, and nobody has looked at them.
  var inbox = PacketQueue()
  /// Data for the host, decrypted.
  var delivery = PacketQueue()
  /// Buffers to receive into, to be given back.
  var released = PacketQueue()
  /// Ready to be sent.
  var outgoing = PacketQueue()
  /// Buffers to send from.
  var freeTransmit = PacketQueue()
  /// Buffers with the last piece of an ACL packet of the host, one bit each.
  var endsACL: UInt16 = 0
  /// The buffer with LL_TERMINATE_IND.
  var terminateBuffer: UInt8?
  var acl = ACLQueue()
  /// ACL packets of the host that the peer has acknowledged, and the host does not know.
  var completed: UInt16 = 0

  var events = HCIEventQueue()
  /// Why the connection is gone, if the host does not know.
  var lost: UInt8?

  // The radio.
  var plan: RadioCommand?
  var planDeadline = RadioTime(microseconds: 0)
  var isBusy = false
  var mustAbort = false
  var mustReset = false
  var rssi: Int8 = 127

  /// What went wrong.
  public internal(set) var counters = LinkCounters()
  /// What was seen on the air, since the start.
  public internal(set) var air = AirCounters()

  /// A controller that is silent until its host says otherwise.
  ///
  /// - Parameter seed: 256 bits of noise, of which keys are made.
  public init(configuration: LinkLayerConfiguration, encryption: consuming Encryption, seed: Words256) {
    self.configuration = configuration
    cipher = encryption
    random = RandomBits(seed: seed)
    resetQueues()
  }

  /// Everything back to how it began, as HCI's Reset wants it.
  mutating func reset() {
    connection = nil
    request = nil
    lost = nil
    completed = 0
    advertiser = Advertiser()
    masks = EventMasks()
    suggested = .least
    preferredPHYs = (3, 3)
    events.removeAll()
    resetQueues()
    stopRadio()
  }

  /// All buffers are free; the interrupt's queues are emptied before the next event.
  mutating func resetQueues() {
    inbox.removeAll()
    delivery.removeAll()
    released.removeAll()
    outgoing.removeAll()
    freeTransmit.removeAll()
    for i in 0..<PacketMemory.transmitCount {
      freeTransmit.append(Packet(buffer: PacketMemory.receiveCount + i, length: 0))
    }
    acl.removeAll()
    endsACL = 0
    terminateBuffer = nil
    mustReset = true
  }

  /// What is planned or under way is of no use any more.
  mutating func stopRadio() {
    plan = nil
    mustAbort = isBusy
  }

  /// The connection is gone. What came before is still delivered; then the host is told.
  mutating func drop(_ reason: UInt8) {
    guard connection != nil else { return }
    connection = nil
    lost = reason
    completed = 0
    inbox.removeAll()
    acl.removeAll()
    stopRadio()
  }
}

/// What went wrong on the air and with the peer, since the start.
public struct LinkCounters: Sendable, Equatable {
  /// Connection events of which nothing was heard.
  public internal(set) var silentEvents: UInt32 = 0
  /// Connection events that came before they could be planned or armed.
  public internal(set) var missedEvents: UInt32 = 0
  /// Packets that broke the rules and were dropped.
  public internal(set) var violations: UInt32 = 0
  /// Packets of the host that were not what they say, or one too many.
  public internal(set) var badHostPackets: UInt32 = 0
  /// Connections that began.
  public internal(set) var connections: UInt32 = 0
}
