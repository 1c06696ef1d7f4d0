/// What the schedule of the radio goes by. Times in microseconds.
public struct RadioSettings: Sendable {
  /// Connections at a time on one adapter.
  public var linksPerAdapter = 3
  /// How long a board keeps its connection while others wait for one.
  public var turn: UInt64 = 20_000_000
  /// How long a board of which nothing is wanted any more keeps it.
  public var lastWord: UInt64 = 300_000
  /// How long a scan lasts before it is begun anew: BlueZ tells of a board that it knows once a scan.
  public var scan: UInt64 = 10_000_000
  /// Pauses between scans: while a board is looked for, while one is and others are connected, and otherwise.
  public var searchPause: UInt64 = 2_000_000
  /// See ``searchPause``.
  public var searchPauseWithLinks: UInt64 = 10_000_000
  /// See ``searchPause``.
  public var idlePause: UInt64 = 60_000_000
  /// How long what was heard counts as being there.
  public var presence: UInt64 = 30_000_000
  /// Pauses after failures: the first and the longest. They double.
  public var firstPause: UInt64 = 1_000_000
  /// See ``firstPause``.
  public var longestPause: UInt64 = 60_000_000
  /// After a transient failure, and how many of them in a row count as such.
  public var transientPause: UInt64 = 500_000
  /// See ``transientPause``.
  public var transientFailures = 9
  /// After the adapter had no connection left.
  public var slotPause: UInt64 = 4_000_000
  /// Connections in a row that were not encrypted before the board may well have lost its keys.
  public var doubts = 3
  /// Refusals to pair by cable before a person is needed: what is on the air may have been disturbed by somebody.
  public var cableRefusals = 4
  /// Failures of scans in a row before the adapter is switched off and on, and how seldom that is done.
  public var scanFailures = 5
  /// See ``scanFailures``.
  public var restartPause: UInt64 = 900_000_000

  /// The defaults.
  public init() {}
}
