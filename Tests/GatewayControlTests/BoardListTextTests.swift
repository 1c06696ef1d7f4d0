import Foundation
import GatewayControl
import Testing

@testable import fedbridge

@Suite struct BoardListTextTests {
  static let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func ago(_ seconds: Double) -> Date { Self.now.addingTimeInterval(-seconds) }

  private func text(_ list: BoardList, width: Int?) -> String {
    BoardListText.lines(of: list, now: Self.now, width: width).joined(separator: "\n")
  }

  private var list: BoardList {
    BoardList(
      boards: [
        KnownBoard(
          id: "7f3a21c000000001", name: "rose", carrier: "ttyACM0", state: "training, epoch 2 of 3",
          firmware: "0.1.0", lastSeen: ago(0), bluetooth: "can pair by cable"),
        KnownBoard(
          id: "91b0c4d2e5f60718", name: "vanilla", carrier: "BLE GATT", state: "idle", firmware: "0.1.0",
          lastSeen: ago(2), bluetooth: "paired by cable", address: "C0:00:C0:FF:EE:01", signal: -61),
        KnownBoard(id: "000000f00d000001", name: "oats", state: "away", lastSeen: ago(200)),
      ],
      strangers: [
        SeenBoard(
          address: "C0:00:C0:FF:EE:02", name: "Nano", claims: "7f3a21c000000009", signal: -80,
          lastSeen: ago(65),
          reason: "it never had a cable here, and joining is not permitted at the moment: see permit-join"),
        SeenBoard(address: "C0:00:C0:FF:EE:03", name: "", lastSeen: ago(4), reason: "it claims to be rose"),
      ],
      adapters: [
        AdapterStatus(name: "hci0", address: "00:AA:01:00:00:00", state: "on"),
        AdapterStatus(
          name: "hci1", state: "blocked",
          remedy: "switch it on with: sudo rfkill unblock bluetooth (or the switch on the machine)"),
      ],
      joinSecondsLeft: 87)
  }

  @Test func `On a terminal of 80 columns the list fits`() {
    #expect(
      text(list, width: 80) == """
        name     id        carrier   state        firmware  Bluetooth          last seen
        rose     7f3a21c0  ttyACM0   training, …  0.1.0     can pair by cable  now
        vanilla  91b0c4d2  BLE GATT  idle         0.1.0     paired by cable    now
        oats     000000f0  -         away         -         -                  3 min ago

        seen over Bluetooth and not admitted:
          C0:00:C0:FF:EE:02  Nano, says it is 7f3a21c000000009, -80 dBm, 1 min ago
            it never had a cable here, and joining is not permitted at the moment: see
            permit-join
          C0:00:C0:FF:EE:03  without a name, now
            it claims to be rose
        to admit one: plug it in by cable once, or pair with it: fedbridge pair ADDRESS

        adapter hci0 (00:AA:01:00:00:00) is on
        adapter hci1 is blocked; switch it on with: sudo rfkill unblock bluetooth (or
          the switch on the machine)

        joining is permitted for another 87 s
        """)
  }

  @Test func `In a pipe nothing is left out`() {
    #expect(
      text(list, width: nil) == """
        name     id                carrier   state                   firmware  Bluetooth          last seen
        rose     7f3a21c000000001  ttyACM0   training, epoch 2 of 3  0.1.0     can pair by cable  now
        vanilla  91b0c4d2e5f60718  BLE GATT  idle                    0.1.0     paired by cable    now
        oats     000000f00d000001  -         away                    -         -                  3 min ago

        seen over Bluetooth and not admitted:
          C0:00:C0:FF:EE:02  Nano, says it is 7f3a21c000000009, -80 dBm, 1 min ago
            it never had a cable here, and joining is not permitted at the moment: see permit-join
          C0:00:C0:FF:EE:03  without a name, now
            it claims to be rose
        to admit one: plug it in by cable once, or pair with it: fedbridge pair ADDRESS

        adapter hci0 (00:AA:01:00:00:00) is on
        adapter hci1 is blocked; switch it on with: sudo rfkill unblock bluetooth (or the switch on the machine)

        joining is permitted for another 87 s
        """)
  }

  @Test func `Ids that begin alike are shown as far as they differ`() {
    let boards = (1...2).map { number in
      KnownBoard(
        id: "000000f00d00000\(number)", name: "board-\(number)", carrier: "board-\(number)",
        state: "training, epoch 2 of 3", firmware: "0.1.0", lastSeen: ago(7200))
    }
    #expect(
      text(BoardList(boards: boards), width: 80) == """
        name     id                carrier  state         firmware  Bluetooth  last seen
        board-1  000000f00d000001  board-1  training, e…  0.1.0     -          2 h ago
        board-2  000000f00d000002  board-2  training, e…  0.1.0     -          2 h ago
        """)
    #expect(
      BoardListText.lines(of: BoardList(boards: boards), now: Self.now, width: 80).allSatisfy {
        $0.count <= 80
      })
  }

  @Test func `Without boards it is said what to do`() {
    #expect(
      text(
        BoardList(adapters: [AdapterStatus(name: "hci0", state: "off", remedy: "bluetoothctl power on")]),
        width: 80)
          == """
          no boards yet: plug one in by cable

          adapter hci0 is off; bluetoothctl power on
          """)
    #expect(text(BoardList(), width: nil) == "no boards yet: plug one in by cable")
  }

  @Test func `A name over the air cannot write on the terminal`() {
    let evil = "\u{1b}[2J\u{202e}rose\u{7}\nadapter hci0 is on"
    let list = BoardList(strangers: [
      SeenBoard(address: "C0:00:C0:FF:EE:04", name: evil, lastSeen: ago(0), reason: "\u{9b}1mno")
    ])
    #expect(
      BoardListText.lines(of: list, now: Self.now, width: 80).dropFirst(3) == [
        "  C0:00:C0:FF:EE:04  \\u{1b}[2J\\u{202e}rose\\u{7}\\nadapter hci0 is on, now",
        "    \\u{9b}1mno",
        "to admit one: plug it in by cable once, or pair with it: fedbridge pair ADDRESS",
      ])
  }

  @Test(arguments: [
    (-3600.0, "now"), (9.9, "now"), (10, "10 s ago"), (59.9, "59 s ago"), (60, "1 min ago"),
    (3599, "59 min ago"),
    (3600, "1 h ago"), (86_399, "23 h ago"), (86_400, "1 day ago"), (172_800, "2 days ago"),
    (1_800_000_000, "20833 days ago"), (1e300, "never"),
  ])
  func `Ages are told in the largest unit`(_ seconds: Double, _ age: String) {
    #expect(BoardListText.age(Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: seconds)) == age)
  }
}
