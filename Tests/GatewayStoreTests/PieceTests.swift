import Foundation
import PropertyTesting
import Rounds
import Testing

@testable import GatewayStore

@Suite struct PieceTests {
  /// A piece of `whole`, which is the update of rose for round 1 unless it is said otherwise.
  private func piece(_ range: Range<Int>, of whole: [UInt8], from board: BoardID = rose) -> UpdatePiece {
    UpdatePiece(
      board: board, digest: digest(whole), length: UInt32(whole.count), start: UInt32(range.lowerBound),
      bytes: Array(whole[range]))
  }

  @Test func `What arrived without a gap is there after a crash`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    _ = try store.prepared()
    let (whole, other) = (bytes(1, count: 9000), bytes(2, count: 5000))
    try store.keep([piece(0..<4000, of: whole), piece(0..<100, of: other, from: fern)])
    try store.keep([piece(4000..<6000, of: whole)])
    // Beyond a gap: of no use until it is closed.
    try store.keep([piece(7000..<8000, of: whole)])
    let found = try directory.afterCrash().open().partialUpdates()
    #expect(found == [piece(0..<6000, of: whole), piece(0..<100, of: other, from: fern)])
    try store.keep([piece(6000..<7000, of: whole)])
    #expect(try store.partialUpdates().first == piece(0..<8000, of: whole))
  }

  @Test func `An update of which another one takes the place is forgotten`() throws {
    let store = try TemporaryDirectory().open()
    _ = try store.prepared()
    try store.keep([piece(0..<400, of: bytes(1))])
    try store.keep([piece(0..<300, of: bytes(2))])
    #expect(try store.partialUpdates() == [piece(0..<300, of: bytes(2))])
  }

  @Test func `An update that is recorded is not partial any more`() throws {
    let store = try TemporaryDirectory().open()
    let run = try store.prepared()
    let counted = update(rose)
    try store.keep([piece(0..<500, of: counted.payload)])
    _ = try store.recordContribution(counted, run: run.id, at: time(1))
    #expect(try store.partialUpdates().isEmpty)
    // A piece that was on its way to the store meanwhile does not bring it back.
    try store.keep([piece(0..<500, of: counted.payload)])
    #expect(try store.partialUpdates().isEmpty)
    let late = update(fern, payload: 77)
    try store.keep([piece(0..<500, of: late.payload, from: fern)])
    try store.recordDiscarded(late.contribution, as: .late, reason: "late", run: run.id, at: time(2))
    #expect(try store.partialUpdates().isEmpty)
  }

  @Test func `Rows that contradict each other give a shorter beginning and never a wrong length`() throws {
    let directory = try TemporaryDirectory()
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    let store = try directory.open()
    _ = try store.prepared()
    let whole = bytes(1, count: 3000)
    try store.keep([piece(0..<1000, of: whole), piece(1000..<2000, of: whole), piece(2000..<3000, of: whole)])
    try store.close()
    for _ in 0..<20 {
      let (column, row) = (
        ["length", "start"].randomElement(using: &random)!, Int.random(in: 0...2, using: &random)
      )
      let value = Int.random(in: 0...5000, using: &random)
      try directory.tamper("UPDATE OR IGNORE pieces SET \(column) = \(value) WHERE start = \(1000 * row)")
      let opened = try directory.open()
      for update in try opened.partialUpdates() {
        #expect(update.start == 0 && update.bytes.count <= Int(update.length), "seed \(seed)")
      }
      try opened.close()
    }
  }
}
