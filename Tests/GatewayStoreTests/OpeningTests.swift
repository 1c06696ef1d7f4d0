import Foundation
import GRDB
import Rounds
import Testing

@testable import GatewayStore

@Suite struct OpeningTests {
  @Test func `The first start creates the directory for the gateway alone`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/var/lib/fedbridge"
    let store = try GatewayStore(directory: path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o700)
    #expect(try store.boards().isEmpty)
    #expect(try store.runUnderWay() == nil)
  }

  @Test func `Every commit is durable, not only ordered`() throws {
    let store = try TemporaryDirectory().open()
    let (mode, synchronous) = try store.database.inDatabase { database in
      (
        try String.fetchOne(database, sql: "PRAGMA journal_mode"),
        try Int.fetchOne(database, sql: "PRAGMA synchronous")
      )
    }
    #expect(mode == "wal")
    #expect(synchronous == 2)
  }

  @Test func `A second gateway on the same state is refused and told who has it`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    #expect(throws: StoreError.locked(path: directory.path, pid: getpid())) { try directory.open() }
    try store.close()
    _ = try directory.open()
  }

  @Test func `A lock file that a dead gateway left is in nobody's way`() throws {
    let directory = try TemporaryDirectory()
    try "4711\n".write(toFile: directory.path + "/fedbridge.lock", atomically: false, encoding: .utf8)
    _ = try directory.open()
  }

  @Test func `The state can be looked at while it is served, and not changed that way`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    let view = try directory.open(.inspect)
    #expect(try view.runUnderWay() == run)
    #expect(try view.boards().count == 2)
    try store.hold(1, of: run.id)
    #expect(try view.rounds(of: run.id).count == 2)
    let error = #expect(throws: StoreError.self) {
      try view.boardSeen(rose, firmware: nil, carrier: nil, at: time(1))
    }
    #expect(error?.code == "store-not-writable")
  }

  @Test func `Looking at a state that does not exist creates nothing`() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: StoreError.missing(path: directory.path)) { try directory.open(.inspect) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test func `A state of a newer version is refused by both versions and left as it is`() throws {
    let directory = try TemporaryDirectory()
    try directory.open().close()
    try directory.tamper("PRAGMA user_version = 99")
    let before = try Data(contentsOf: URL(fileURLWithPath: directory.databasePath))
    let error = #expect(throws: StoreError.self) { try directory.open() }
    #expect(error == .newerVersion(found: 99, supported: Schema.version))
    #expect(
      error?.description
        == "the state has version 99, this FedBridge knows versions up to 3; install that FedBridge again, "
        + "or use another --state-dir [store-newer-version]")
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.databasePath)) == before)
  }

  @Test func `A database of another program is refused and left as it is`() throws {
    let directory = try TemporaryDirectory()
    try directory.tamper("CREATE TABLE recipes (name TEXT)")
    let before = try Data(contentsOf: URL(fileURLWithPath: directory.databasePath))
    #expect(throws: StoreError.foreign(path: directory.databasePath)) { try directory.open() }
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.databasePath)) == before)
  }

  @Test func `An empty file, as a crash at the first start may leave it, is no obstacle`() throws {
    let directory = try TemporaryDirectory()
    #expect(FileManager.default.createFile(atPath: directory.databasePath, contents: nil))
    _ = try directory.open().prepared()
  }

  @Test(arguments: [0, 16, 4096, 8192, 20_480])
  func `A damaged file is refused with a way out, wherever the damage is`(offset: Int) throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    for round in 1...5 { try store.hold(round, of: run.id) }
    try store.close()
    let file = try #require(FileHandle(forWritingAtPath: directory.databasePath))
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data(repeating: 0xa5, count: 600))
    try file.close()
    let error = #expect(throws: StoreError.self) { try directory.open() }
    #expect(error?.code == "store-damaged", "\(String(describing: error))")
  }

  @Test func `A value of the wrong kind is damage, not a trap`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    _ = try store.recordContribution(update(rose), run: run.id, at: time(1))
    try store.close()
    try directory.tamper("UPDATE contributions SET base = 'not a digest'; UPDATE boards SET id = 'x' || id")
    let opened = try directory.open()
    for error in [
      #expect(throws: StoreError.self, performing: { try opened.boards() }),
      #expect(throws: StoreError.self, performing: { try opened.recoveredState(of: run.id) }),
    ] {
      #expect(error?.code == "store-damaged")
    }
  }

  @Test(arguments: ["/proc", "/proc/fedbridge", "/dev/null/fedbridge"])
  func `A place that cannot be written is named with the reason`(path: String) {
    // These places refuse even root, as whom the tests may run.
    let error = #expect(throws: StoreError.self) { try GatewayStore(directory: path) }
    #expect(error?.code == "store-not-writable", "\(String(describing: error))")
  }

  @Test(.enabled(if: geteuid() != 0, "permissions do not bind root"))
  func `A read-only directory is named with the reason`() throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: directory.path)
    let error = #expect(throws: StoreError.self) { try directory.open() }
    #expect(error?.code == "store-not-writable")
  }

  @Test func `A closed store says so`() throws {
    let store = try TemporaryDirectory().open()
    try store.close()
    #expect(throws: StoreError.closed) { try store.boards() }
  }

  @Test func `The store can be used without blocking the caller`() async throws {
    let store = try TemporaryDirectory().open()
    let run = try await store.perform { store throws(StoreError) in try store.prepared() }
    #expect(try await store.perform { store throws(StoreError) in try store.runUnderWay() } == run)
    await #expect(throws: StoreError.unknownModel(9)) {
      try await store.perform { store throws(StoreError) in try store.model(9, of: run.id) }
    }
  }

  @Test func `Every error names a cause, a remedy and a code of its own`() {
    let hash = digest([])
    let errors: [StoreError] = [
      .diskFull(path: "p"), .damaged(path: "p", detail: "d"), .newerVersion(found: 2, supported: 1),
      .olderVersion(found: 1, needed: 2), .foreign(path: "p"), .missing(path: "p"),
      .locked(path: "p", pid: 7), .notWritable(path: "p", detail: "d"), .busy(path: "p"),
      .ioFailure(path: "p", detail: "d"), .closed, .objectMissing(hash), .objectDamaged(hash),
      .snapshotNotKept(model: 1), .unknownModel(1), .differentRun([]), .unknownRun(RunID(rawValue: 1)),
      .unknownBoard(rose), .nameTaken("rose", by: rose), .invalidName("?"),
      .roundNotOpen(.first, open: RoundNumber(2)), .wrongBase(.first),
      .countedDiffer(.first, counted: [], stored: [rose]),
    ]
    #expect(Set(errors.map(\.code)).count == errors.count)
    for error in errors {
      #expect(!error.cause.isEmpty && !error.remedy.isEmpty)
      #expect(error.description.hasSuffix("[\(error.code)]"))
    }
  }
}
