import Digests
import Foundation
import GRDB
import PropertyTesting
import Rounds
import Testing

@testable import GatewayStore

/// A directory that goes away with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "fedbridge-store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  var databasePath: String { path + "/fedbridge.sqlite" }

  func open(_ access: GatewayStore.Access = .serve, keptModels: Int = 16) throws(StoreError) -> GatewayStore {
    try GatewayStore(directory: path, access: access, keptModels: keptModels)
  }

  /// What a crash right now would leave: the database and its log, without the lock, the shared memory and any
  /// goodbye.
  func afterCrash() throws -> TemporaryDirectory {
    let copy = try TemporaryDirectory()
    for file in ["fedbridge.sqlite", "fedbridge.sqlite-wal"] {
      try FileManager.default.copyItem(atPath: path + "/" + file, toPath: copy.path + "/" + file)
    }
    return copy
  }

  /// Changes the closed database behind the store's back.
  func tamper(_ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    try DatabaseQueue(path: databasePath, configuration: configuration)
      .writeWithoutTransaction { try $0.execute(sql: sql) }
  }
}

let rose = BoardID(0x7f3a)
let fern = BoardID(0x7f3b)

/// A time of day that survives milliseconds.
func time(_ seconds: Int) -> Date { Date(timeIntervalSince1970: 1_800_000_000 + Double(seconds)) }

func bytes(_ number: Int, count: Int = 500) -> [UInt8] {
  var generator = SeededGenerator(seed: UInt64(number))
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}

func weights(_ number: Int) -> NewModel { NewModel(snapshot: bytes(number), description: [1, 2, 3]) }

func digest(_ bytes: [UInt8]) -> Digest32 { SHA256.hash(of: bytes.span) }

/// An update of a board for a round of a run whose models are `weights(0)`, `weights(1)` ….
func update(_ board: BoardID, _ round: Int = 1, base: Int? = nil, payload number: Int = 1000)
  -> NewContribution
{
  let payload = bytes(number &+ Int(board.rawValue))
  return NewContribution(
    Contribution(
      board: board, round: RoundNumber(UInt32(round)), base: digest(bytes(base ?? round - 1)),
      update: digest(payload), examples: 20, trainingLoss: 0.25),
    payload: payload)
}

let settings = ["dataset": "digits", "seed": "7", "split": "iid"]
let cost = RoundCost(bytesDown: 1000, bytesUp: 500, bytesAgain: 70, bytesResumed: 300, seconds: 1.5)

extension GatewayStore {
  /// Two boards and a run under way.
  func prepared() throws(StoreError) -> RunRecord {
    for board in [rose, fern] { _ = try boardSeen(board, firmware: nil, carrier: nil, at: time(0)) }
    return try openRun(settings: settings, initialModel: weights(0), at: time(0)).run
  }

  /// Holds a whole round of a prepared run.
  func hold(_ round: Int, of run: RunID) throws(StoreError) {
    for board in [rose, fern] { _ = try recordContribution(update(board, round), run: run, at: time(round)) }
    _ = try commitRound(
      RoundNumber(UInt32(round)), of: run, counted: [rose, fern], result: weights(round), cost: cost,
      at: time(round))
  }

  func objectCount() throws -> Int? {
    try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM objects") }
  }
}
