import Foundation
import Testing

@testable import BluetoothDevices

@Suite("Errors of BlueZ")
struct BlueZErrorTests {
  /// BlueZ's src/error.h and the kernel's numbers, and what is to be made of them.
  @Test(
    arguments: [
      ("org.bluez.Error.Failed", "le-connection-abort-by-local", BlueZError.Kind.transient),
      ("org.bluez.Error.Failed", "le-connection-timeout", .missing),
      ("org.bluez.Error.Failed", "le-connection-concurrent-connection-limit", .outOfSlots),
      ("org.bluez.Error.Failed", "le-connection-key-missing", .authentication),
      ("org.bluez.Error.Failed", "le-connection-adapter-not-powered", .fatal),
      ("org.bluez.Error.AuthenticationFailed", "Authentication Failed", .authentication),
      ("org.bluez.Error.InProgress", "Operation already in progress", .transient),
      ("org.bluez.Error.NotReady", "Resource Not Ready", .fatal),
      ("org.freedesktop.DBus.Error.UnknownObject", "Method \"Connect\" …", .missing),
      ("org.freedesktop.DBus.Error.ServiceUnknown", "The name is not activatable", .fatal),
      ("org.bluez.Error.SomethingNew", "never heard of", .transient),
    ])
  func answersAreToldApart(name: String, text: String, kind: BlueZError.Kind) {
    let error = BlueZError(.failed(name: name, text: text), asked: "connect", seconds: 30)
    #expect(error.kind == kind)
    #expect(!error.cause.isEmpty && !error.remedy.isEmpty)
    #expect(error.description.hasSuffix("[\(error.code)]"))
  }

  @Test(
    arguments: [
      (ETIMEDOUT, BlueZError.Kind.transient), (ECONNREFUSED, .transient), (EHOSTUNREACH, .missing),
      (EACCES, .authentication), (EMFILE, .fatal), (EAFNOSUPPORT, .fatal),
    ])
  func socketsToo(errno: CInt, kind: BlueZError.Kind) {
    #expect(BlueZError.socket(call: "L2CAP connect", errno: errno).kind == kind)
  }

  @Test func addressesAreReadWholeOrNotAtAll() {
    #expect(BluetoothAddress("C0:00:00:00:00:A1", isRandom: true)?.number == 0xC000_0000_00A1)
    for text in [
      "", "C0:00:00:00:00", "C0:00:00:00:00:A1:00", "C0:00:00:00:00:G1", "C0-00-00-00-00-A1",
      "C0:0:00:00:00:A1", "+1:00:00:00:00:A1",
    ] {
      #expect(BluetoothAddress(text, isRandom: true) == nil, "\(text)")
    }
    let address = BluetoothAddress("01:02:03:04:05:06", isRandom: false)
    #expect((0..<6).map { address?.octets[$0] } == [6, 5, 4, 3, 2, 1])
  }

  @Test func aRadiosSwitchIsReadFromSysfs() throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("rfkill-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    #expect(RadioSwitch.of(adapter: "hci0", root: root.path) == nil)
    let folder = root.appendingPathComponent("class/bluetooth/hci0/rfkill3")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data("1\n".utf8).write(to: folder.appendingPathComponent("soft"))
    try Data("0\n".utf8).write(to: folder.appendingPathComponent("hard"))
    let found = RadioSwitch.of(adapter: "hci0", root: root.path)
    #expect(found?.isSoftBlocked == true && found?.isHardBlocked == false && found?.isBlocked == true)
  }
}
