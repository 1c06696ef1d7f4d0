import Foundation
import GRDB
import Rounds
import Testing

@testable import GatewayStore

@Suite struct BluetoothTests {
  private let secret = bytes(70_001, count: 16)
  private let other = bytes(70_002, count: 16)

  private func bond(
    _ board: BoardID, _ address: String = "C0:00:C0:FF:EE:01", _ how: PairingWay = .cable, at seconds: Int = 0
  ) -> BluetoothBond {
    BluetoothBond(board: board, address: address, addressIsRandom: true, how: how, at: time(seconds))
  }

  @Test func `A board's secret is drawn once and stays the same over restarts`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    #expect(try store.cableSecret(of: rose) == nil)
    #expect(try store.drawnCableSecret(of: rose) { secret } == secret)
    #expect(try store.drawnCableSecret(of: fern) { other } == other)
    try store.close()
    let opened = try directory.open()
    var drawn = 0
    let kept = try opened.drawnCableSecret(of: rose) {
      drawn += 1
      return other
    }
    #expect(kept == secret && drawn == 0)
    #expect(try opened.cableSecret(of: rose) == secret)
  }

  @Test func `A secret that the gateway said it keeps is kept through a crash`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    _ = try store.drawnCableSecret(of: rose) { secret }
    #expect(try directory.afterCrash().open().cableSecret(of: rose) == secret)
  }

  @Test func `A board has one bond, and an address is one board's`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    #expect(try store.bonds().isEmpty)
    try store.setBond(bond(fern, "C0:00:C0:FF:EE:02", .justWorks))
    try store.setBond(bond(rose, at: 1))
    #expect(try store.bonds() == [bond(rose, at: 1), bond(fern, "C0:00:C0:FF:EE:02", .justWorks)])
    // Paired anew.
    try store.setBond(bond(rose, "C0:00:C0:FF:EE:03", .passkey, at: 2))
    #expect(try store.bonds().map(\.address) == ["C0:00:C0:FF:EE:03", "C0:00:C0:FF:EE:02"])
    // The address is another board's now, in whatever letters.
    try store.setBond(bond(fern, "c0:00:c0:ff:ee:03", at: 3))
    #expect(try store.bonds() == [bond(fern, "c0:00:c0:ff:ee:03", at: 3)])
    try store.removeBond(of: rose)
    try store.removeBond(of: fern)
    try store.close()
    #expect(try directory.open().bonds().isEmpty)
  }

  @Test func `What is forgotten is the trust: name and history stay`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let run = try store.prepared()
    try store.hold(1, of: run.id)
    for board in [rose, fern] {
      _ = try store.drawnCableSecret(of: board) { board == rose ? secret : other }
      try store.setBond(bond(board, "C0:00:C0:FF:EE:\(board == rose ? "01" : "02")"))
    }
    let known = try store.boards()
    let contributions = try store.contributions(to: .first, of: run.id)
    #expect(contributions.count == 2)
    try store.forget(rose)
    try store.forget(BoardID(0xdead))
    #expect(try store.cableSecret(of: rose) == nil)
    #expect(try store.bonds().map(\.board) == [fern])
    #expect(try store.cableSecret(of: fern) == other)
    #expect(try store.boards() == known)
    #expect(try store.contributions(to: .first, of: run.id) == contributions)
    // And not only the row is gone.
    try store.close()
    let file = try Data(contentsOf: URL(fileURLWithPath: directory.databasePath))
    #expect(file.range(of: Data(secret)) == nil && file.range(of: Data(other)) != nil)
    // The next secret is another one.
    #expect(try directory.open().drawnCableSecret(of: rose) { other } == other)
  }

  @Test func `A bond that is taken away leaves the secret to pair by again`() throws {
    let store = try TemporaryDirectory().open()
    _ = try store.drawnCableSecret(of: rose) { secret }
    try store.setBond(bond(rose))
    try store.removeBond(of: rose)
    #expect(try store.bonds().isEmpty)
    #expect(try store.cableSecret(of: rose) == secret)
  }

  @Test func `A state of version 2 becomes one of version 3 with all that is in it`() throws {
    let directory = try TemporaryDirectory()
    let before = try directory.open()
    let run = try before.prepared()
    try before.hold(1, of: run.id)
    _ = try before.recordContribution(update(rose, 2), run: run.id, at: time(2))
    let known = try before.boards()
    let state = try before.recoveredState(of: run.id)
    try before.close()
    try directory.tamper(
      "DROP TABLE cable_secrets; DROP TABLE bluetooth_bonds; PRAGMA user_version = 2")
    let error = #expect(throws: StoreError.self) { try directory.open(.inspect) }
    #expect(error == .olderVersion(found: 2, needed: Schema.version))
    let store = try directory.open()
    #expect(try store.boards() == known && known.count == 2)
    let recovered = try store.recoveredState(of: run.id)
    #expect(recovered.contributions == state.contributions && recovered.contributions.count == 1)
    #expect(try store.bonds().isEmpty)
    #expect(try store.drawnCableSecret(of: rose) { secret } == secret)
    try store.setBond(bond(rose))
    try store.close()
    #expect(try directory.open(.inspect).cableSecret(of: rose) == secret)
  }

  @Test func `No error has a secret in it, whatever is wrong with the state`() throws {
    let words = [secret.map { String($0) }.joined(separator: ", "), hex(secret), hex(secret).uppercased()]
    func isQuiet(_ error: StoreError?) -> Bool {
      guard let error else { return false }
      var dumped = ""
      dump(error, to: &dumped)
      let text = "\(error)" + String(reflecting: error) + dumped
      return !words.contains { text.contains($0) } && !text.contains(String(decoding: secret, as: UTF8.self))
    }
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    _ = try store.drawnCableSecret(of: rose) { secret }
    // To look at, it cannot be written.
    let view = try directory.open(.inspect)
    #expect(
      isQuiet(
        #expect(throws: StoreError.self) { _ = try view.drawnCableSecret(of: fern) { secret } }))
    try store.close()
    #expect(
      isQuiet(
        #expect(throws: StoreError.self) { _ = try store.drawnCableSecret(of: fern) { secret } }))
    // Damaged while it is used, what is kept there is longer than a secret, or of no known way to pair.
    let opened = try directory.open()
    try directory.tamper(
      """
      PRAGMA ignore_check_constraints = ON;
      UPDATE cable_secrets SET secret = x'\(hex(secret))00';
      INSERT INTO bluetooth_bonds VALUES ('\(rose)', 'x', 1, '\(hex(secret))', 0);
      """)
    for error in [
      #expect(throws: StoreError.self, performing: { try opened.cableSecret(of: rose) }),
      #expect(throws: StoreError.self, performing: { try opened.drawnCableSecret(of: rose) { secret } }),
      #expect(throws: StoreError.self, performing: { try opened.bonds() }),
    ] {
      #expect(error?.code == "store-damaged" && isQuiet(error))
    }
    // The way out of a damaged secret is the same as that of any other.
    try opened.forget(rose)
    #expect(try opened.drawnCableSecret(of: rose) { secret } == secret)
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }
}
