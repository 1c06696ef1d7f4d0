/// The longest packets that a side sends and takes, without header and MIC, and how long they last in µs (Core
/// specification, Vol 6 Part B §4.5.10).
struct DataLengths: Sendable, Equatable {
  static let shortest: UInt16 = 27
  static let longest: UInt16 = 251
  static let shortestTime: UInt16 = 328
  static let longestTime: UInt16 = 2120

  var receive: UInt16
  var receiveTime: UInt16
  var transmit: UInt16
  var transmitTime: UInt16

  /// What every link layer does.
  static let least = DataLengths(
    receive: shortest, receiveTime: shortestTime, transmit: shortest, transmitTime: shortestTime)

  init(receive: UInt16, receiveTime: UInt16, transmit: UInt16, transmitTime: UInt16) {
    self.receive = receive
    self.receiveTime = receiveTime
    self.transmit = transmit
    self.transmitTime = transmitTime
  }

  /// Of LL_LENGTH_REQ and LL_LENGTH_RSP; numbers below what everybody can do count as that.
  init(parsing payload: Span<UInt8>) {
    receive = max(payload.word(1), Self.shortest)
    receiveTime = max(payload.word(3), Self.shortestTime)
    transmit = max(payload.word(5), Self.shortest)
    transmitTime = max(payload.word(7), Self.shortestTime)
  }

  /// What holds between a side with these and a peer with those.
  func agreed(with peer: DataLengths) -> DataLengths {
    DataLengths(
      receive: min(receive, peer.transmit), receiveTime: min(receiveTime, peer.transmitTime),
      transmit: min(transmit, peer.receive), transmitTime: min(transmitTime, peer.receiveTime))
  }
}
