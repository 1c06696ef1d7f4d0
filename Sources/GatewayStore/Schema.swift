import GRDB

/// The tables, and how a database of an older version becomes one of this version.
///
/// The version is SQLite's `user_version`, which a person can read with `PRAGMA user_version`; `application_id`
/// tells our database from any other. Digests and board identities are hexadecimal text, times are milliseconds
/// since 1970 (UTC): the books can be read with the `sqlite3` tool alone.
///
/// Snapshots and updates live in the database, in a table of their own, and not in files beside it: they are
/// tens of kilobytes, where SQLite is as fast as the file system; closing a round (new snapshot, end of the
/// round, next round, updates of the round deleted) is then one transaction without a file that the books do
/// not know or a file that they miss; and a backup is one file.
enum Schema {
  /// "FedB", in the header of the file.
  static let applicationID: Int32 = 0x4665_6442

  /// The version this code writes.
  static var version: Int { migrations.count }

  /// The step at index n makes version n + 1 of version n. A step that was released is never changed.
  static let migrations: [@Sendable (Database) throws -> Void] = [
    firstTables, deltasAndTransfers, pairing,
  ]

  /// Looks whether the database can be used, without changing it.
  ///
  /// - Returns: its version, 0 for an empty file.
  static func check(_ database: Database, path: String) throws -> Int {
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
    if isEmpty && version == 0 && application == 0 { return 0 }
    guard application == applicationID, version >= 1 else { throw StoreError.foreign(path: path) }
    guard version <= self.version else {
      throw StoreError.newerVersion(found: version, supported: self.version)
    }
    return version
  }

  /// Brings the database to this version. Each step is one transaction with its version number, so that a crash
  /// leaves a version whole.
  static func migrate(_ database: Database, from version: Int) throws {
    for (number, step) in migrations.enumerated().dropFirst(version) {
      try database.inTransaction(.immediate) {
        try step(database)
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
        try database.execute(sql: "PRAGMA user_version = \(number + 1)")
        return .commit
      }
    }
  }

  @Sendable private static func firstTables(_ database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE boards (
          id TEXT PRIMARY KEY NOT NULL,
          name TEXT NOT NULL UNIQUE COLLATE NOCASE,
          first_seen INTEGER NOT NULL,
          last_seen INTEGER NOT NULL,
          firmware TEXT,
          carrier TEXT
        ) STRICT;

        -- Content-addressed bytes: model snapshots and updates.
        CREATE TABLE objects (
          hash TEXT PRIMARY KEY NOT NULL,
          bytes BLOB NOT NULL
        ) STRICT;

        -- A run is one experiment: its settings, its models and its rounds. At most one has no end.
        CREATE TABLE runs (
          id INTEGER PRIMARY KEY,
          started INTEGER NOT NULL,
          ended INTEGER
        ) STRICT;

        CREATE UNIQUE INDEX runs_open ON runs (ended IS NULL) WHERE ended IS NULL;

        CREATE TABLE run_settings (
          run INTEGER NOT NULL REFERENCES runs (id),
          key TEXT NOT NULL,
          value TEXT NOT NULL,
          PRIMARY KEY (run, key)
        ) STRICT, WITHOUT ROWID;

        -- The row of a model stays for ever, its snapshot only while kept = 1.
        CREATE TABLE models (
          run INTEGER NOT NULL REFERENCES runs (id),
          number INTEGER NOT NULL,
          hash TEXT NOT NULL,
          byte_count INTEGER NOT NULL,
          description BLOB NOT NULL,
          parent INTEGER,
          round INTEGER,
          created INTEGER NOT NULL,
          kept INTEGER NOT NULL DEFAULT 1 CHECK (kept IN (0, 1)),
          PRIMARY KEY (run, number),
          FOREIGN KEY (run, parent) REFERENCES models (run, number)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX models_kept ON models (run, number, hash) WHERE kept = 1;

        -- How a model did on held-out examples: on the gateway's, or on the boards' own taken together.
        CREATE TABLE evaluations (
          run INTEGER NOT NULL,
          model INTEGER NOT NULL,
          source TEXT NOT NULL CHECK (source IN ('gateway', 'boards')),
          count INTEGER NOT NULL CHECK (count >= 0),
          correct INTEGER NOT NULL CHECK (correct BETWEEN 0 AND count),
          loss_sum REAL NOT NULL,
          PRIMARY KEY (run, model, source),
          FOREIGN KEY (run, model) REFERENCES models (run, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE rounds (
          run INTEGER NOT NULL REFERENCES runs (id),
          number INTEGER NOT NULL CHECK (number >= 1),
          base INTEGER NOT NULL,
          state TEXT NOT NULL CHECK (state IN ('open', 'finished')),
          started INTEGER NOT NULL,
          finished INTEGER,
          result INTEGER,
          bytes_down INTEGER NOT NULL DEFAULT 0,
          bytes_up INTEGER NOT NULL DEFAULT 0,
          seconds REAL NOT NULL DEFAULT 0,
          PRIMARY KEY (run, number),
          FOREIGN KEY (run, base) REFERENCES models (run, number),
          FOREIGN KEY (run, result) REFERENCES models (run, number),
          CHECK ((state = 'finished') = (result IS NOT NULL AND finished IS NOT NULL))
        ) STRICT, WITHOUT ROWID;

        -- One open round a run.
        CREATE UNIQUE INDEX rounds_open ON rounds (run) WHERE state = 'open';

        -- The primary key is the promise that a board counts once a round. Refused and late updates are kept
        -- as one row each, with the number of times.
        CREATE TABLE contributions (
          run INTEGER NOT NULL,
          round INTEGER NOT NULL,
          board TEXT NOT NULL REFERENCES boards (id),
          status TEXT NOT NULL CHECK (status IN ('counted', 'late', 'refused')),
          base TEXT NOT NULL,
          update_hash TEXT NOT NULL,
          examples INTEGER NOT NULL CHECK (examples >= 0),
          training_loss REAL,
          reason TEXT,
          received INTEGER NOT NULL,
          times INTEGER NOT NULL DEFAULT 1,
          PRIMARY KEY (run, round, board, status),
          FOREIGN KEY (run, round) REFERENCES rounds (run, number),
          CHECK (status = 'counted' OR reason IS NOT NULL)
        ) STRICT, WITHOUT ROWID;
        """)
  }

  @Sendable private static func deltasAndTransfers(_ database: Database) throws {
    try database.execute(
      sql: """
        -- Another number for every run: boards keep what a codec left out only within one. Runs of before have
        -- sent no such number.
        ALTER TABLE runs ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;

        -- The object that turns the parent into this model, as long as it is worth keeping, and how it is coded.
        ALTER TABLE models ADD COLUMN delta TEXT;
        ALTER TABLE models ADD COLUMN delta_bytes INTEGER;
        ALTER TABLE models ADD COLUMN delta_coding TEXT;

        -- Bytes of objects sent more than once, and bytes not sent again after a restart.
        ALTER TABLE rounds ADD COLUMN bytes_again INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE rounds ADD COLUMN bytes_resumed INTEGER NOT NULL DEFAULT 0;

        -- What the coding of the newest model's delta left out: it is added to the next one.
        CREATE TABLE residuals (
          run INTEGER PRIMARY KEY NOT NULL REFERENCES runs (id),
          model INTEGER NOT NULL,
          hash TEXT NOT NULL
        ) STRICT;

        -- Pieces of updates that have not arrived in whole, for transfers to go on after a restart.
        CREATE TABLE pieces (
          board TEXT NOT NULL REFERENCES boards (id),
          hash TEXT NOT NULL,
          length INTEGER NOT NULL CHECK (length >= 0),
          start INTEGER NOT NULL CHECK (start >= 0),
          bytes BLOB NOT NULL,
          PRIMARY KEY (board, hash, start)
        ) STRICT, WITHOUT ROWID;
        """)
  }

  @Sendable private static func pairing(_ database: Database) throws {
    try database.execute(
      sql: """
        -- What a board pairs by over the air: went to it over its cable, and goes nowhere else. A board may be bonded
        -- before it was ever served, so neither table refers to boards.
        CREATE TABLE cable_secrets (
          board TEXT PRIMARY KEY NOT NULL,
          secret BLOB NOT NULL CHECK (length(secret) = 16)
        ) STRICT;

        -- Boards that are bonded, and how they paired. The keys are with BlueZ.
        CREATE TABLE bluetooth_bonds (
          board TEXT PRIMARY KEY NOT NULL,
          address TEXT NOT NULL UNIQUE COLLATE NOCASE,
          address_is_random INTEGER NOT NULL CHECK (address_is_random IN (0, 1)),
          how TEXT NOT NULL CHECK (how IN ('cable', 'passkey', 'just-works')),
          made INTEGER NOT NULL
        ) STRICT;
        """)
  }
}
