/// Why something failed or ended (Core specification, Vol 1 Part F).
enum ErrorCode {
  static let success: UInt8 = 0x00
  static let unknownCommand: UInt8 = 0x01
  static let unknownConnection: UInt8 = 0x02
  static let keyMissing: UInt8 = 0x06
  static let connectionTimeout: UInt8 = 0x08
  static let commandDisallowed: UInt8 = 0x0c
  static let unsupportedParameter: UInt8 = 0x11
  static let invalidParameters: UInt8 = 0x12
  static let localHostTerminated: UInt8 = 0x16
  static let unsupportedRemoteFeature: UInt8 = 0x1a
  static let invalidLinkParameters: UInt8 = 0x1e
  static let responseTimeout: UInt8 = 0x22
  static let collision: UInt8 = 0x23
  static let instantPassed: UInt8 = 0x28
  static let differentTransactionCollision: UInt8 = 0x2a
  static let micFailure: UInt8 = 0x3d
  static let failedToEstablish: UInt8 = 0x3e
}
