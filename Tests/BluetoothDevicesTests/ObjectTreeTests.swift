import Testing

@testable import BluetoothDevices

@Suite("What BlueZ tells")
struct ObjectTreeTests {
  private static let service = "88cb0001-6dff-445c-9674-1a94cec12e53"
  private static let path = "/org/bluez/hci0/dev_C0_00_00_00_00_A1"

  private static let device: BusValue = .dictionary([
    "Adapter": .text("/org/bluez/hci0"), "Address": .text("C0:00:00:00:00:A1"),
    "AddressType": .text("random"),
    "UUIDs": .array([.text(service)]), "RSSI": .signed(-60), "Paired": .flag(false),
    "Connected": .flag(false),
  ])

  private func tree() -> ObjectTree {
    var tree = ObjectTree()
    tree.take(
      managed: .dictionary([
        "/org/bluez/hci0": .dictionary(["org.bluez.Adapter1": .dictionary(["Powered": .flag(true)])]),
        Self.path: .dictionary(["org.bluez.Device1": Self.device]),
      ]))
    return tree
  }

  private func board(_ tree: ObjectTree) -> BluetoothDevice? {
    tree.properties(Self.path, BluetoothDevice.interface).map {
      BluetoothDevice(Self.path, $0, service: Self.service)
    }
  }

  @Test func adaptersAndBoardsAreReadFromWhatIsManaged() {
    let tree = tree()
    #expect(tree.paths(with: BluetoothAdapter.interface) == ["/org/bluez/hci0"])
    let board = board(tree)
    #expect(board?.address == "C0:00:00:00:00:A1")
    #expect(board?.isAddressRandom == true)
    #expect(board?.hasService == true)
    #expect(board?.signal == -60)
    #expect(board?.isResolved == false)
  }

  @Test func changesAndInvalidationsAreTaken() {
    var tree = tree()
    let change = tree.take(
      changed: [
        .text("org.bluez.Device1"), .dictionary(["Connected": .flag(true)]), .array([.text("RSSI")]),
      ], of: Self.path)
    #expect(change?.names == ["Connected", "RSSI"])
    #expect(board(tree)?.isConnected == true)
    #expect(board(tree)?.signal == nil)
  }

  @Test func anObjectGoesWithItsLastInterface() {
    var tree = tree()
    let removed = tree.take(removed: [
      .text(Self.path), .array([.text("org.bluez.Device1"), .text("other")]),
    ])
    #expect(removed?.interfaces == ["org.bluez.Device1"])
    #expect(board(tree) == nil)
    #expect(tree.take(changed: [.text("org.bluez.Device1"), .dictionary([:])], of: Self.path) == nil)
  }

  @Test(
    arguments: [[], [.text("x")], [.flag(true), .flag(false)], [.text("x"), .text("y"), .text("z")]]
      as [[BusValue]])
  func whatIsNotAsItShouldBeChangesNothing(values: [BusValue]) {
    var tree = tree()
    #expect(tree.take(added: values) == nil)
    #expect(tree.take(changed: values, of: Self.path) == nil)
    _ = tree.take(removed: values)
    #expect(board(tree) != nil)
    tree.take(managed: .text("nothing"))
    #expect(tree.paths(with: BluetoothAdapter.interface) == [])
  }
}
