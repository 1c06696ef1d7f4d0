import Foundation
import Rounds
import Testing

@testable import GatewayStore

@Suite struct BoardTests {
  @Test func `A board keeps its name and its history over restarts`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.open()
    let first = try store.boardSeen(rose, firmware: "1.0", carrier: "usb", at: time(0))
    try store.close()
    let opened = try directory.open()
    let second = try opened.boardSeen(rose, firmware: nil, carrier: "ble", at: time(60))
    #expect(second.name == first.name)
    #expect(second.firstSeen == time(0))
    #expect(second.lastSeen == time(60))
    #expect(second.firmware == "1.0")
    #expect(second.carrier == "ble")
    // A clock that was set back does not make a board older.
    #expect(try opened.boardSeen(rose, firmware: nil, carrier: nil, at: time(5)).lastSeen == time(60))
    #expect(try opened.boards() == [second])
  }

  @Test func `A board has the same name on every gateway`() throws {
    let names = try (0..<2).map { _ in
      try TemporaryDirectory().open().boardSeen(rose, firmware: nil, carrier: nil, at: time(0)).name
    }
    #expect(names[0] == names[1])
    #expect(FriendlyNames.words.contains(names[0]))
  }

  @Test func `More boards than words still have names that differ`() throws {
    let store = try TemporaryDirectory().open()
    var names: Set<String> = []
    for number in 0..<400 {
      let board = try store.boardSeen(BoardID(UInt64(number)), firmware: nil, carrier: nil, at: time(0))
      #expect(FriendlyNames.isValid(board.name))
      names.insert(board.name)
    }
    #expect(names.count == 400)
  }

  @Test func `The words are distinct, sorted and fit to be names`() {
    #expect(FriendlyNames.words == Set(FriendlyNames.words).sorted())
    #expect(FriendlyNames.words.allSatisfy(FriendlyNames.isValid))
  }

  @Test func `A renamed board is found by its new name only`() throws {
    let store = try TemporaryDirectory().open()
    let old = try store.boardSeen(rose, firmware: nil, carrier: nil, at: time(0)).name
    #expect(try store.renameBoard(rose, to: "Kitchen-1").name == "Kitchen-1")
    #expect(try store.board(named: "kitchen-1")?.id == rose)
    #expect(try store.board(named: old) == nil)
    // Its own name in other letters is no other board's name.
    #expect(try store.renameBoard(rose, to: "KITCHEN-1").name == "KITCHEN-1")
  }

  @Test func `A name that is taken or no name is refused, and so is a board that nobody saw`() throws {
    let store = try TemporaryDirectory().open()
    _ = try store.boardSeen(rose, firmware: nil, carrier: nil, at: time(0))
    let other = try store.boardSeen(fern, firmware: nil, carrier: nil, at: time(0))
    #expect(throws: StoreError.nameTaken(other.name.uppercased(), by: fern)) {
      try store.renameBoard(rose, to: other.name.uppercased())
    }
    for name in ["", "1rose", "two words", "rose\n", "röschen", String(repeating: "a", count: 33)] {
      #expect(throws: StoreError.invalidName(name)) { try store.renameBoard(rose, to: name) }
    }
    #expect(throws: StoreError.unknownBoard(BoardID(1))) { try store.renameBoard(BoardID(1), to: "x") }
  }
}
