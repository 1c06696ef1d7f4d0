import Glibc
import SerialBootloader
import Testing

@testable import BoardFlasher
@testable import SerialDevices

/// A board, or its bootloader, in a socket.
private func port(
  _ node: String, serial: String, socket: Int = 1, attachment: UInt32 = 1, kind: BoardKind = .sketch
) -> SerialPort {
  SerialPort(
    devicePath: "/sys/devices/pci0/usb1/1-\(socket)/1-\(socket):1.0/tty/\(node.dropFirst(5))", node: node,
    attachment: attachment,
    usb: USBIdentity(
      vendor: 0x2341, product: kind == .sketch ? 0x805a : 0x005a, serial: serial, portPath: "1-\(socket)"),
    kind: kind)
}

@Suite struct PlaceTests {
  private let rose = port("/dev/ttyACM0", serial: "00007F3A21C05D11")
  private let oats = port("/dev/ttyACM1", serial: "00007F3A99999999", socket: 2)
  private let bootloader = port(
    "/dev/ttyACM2", serial: "000000000000000000000000000B00B5", socket: 3, kind: .bootloader)

  private func find(_ words: String) -> Result<FlashPlace, FlashError> {
    do throws(FlashError) {
      return .success(try FlashPlace.find(words, among: [rose, oats, bootloader]))
    } catch {
      return .failure(error)
    }
  }

  @Test func `A board is called by its port or its serial number`() {
    for words in ["/dev/ttyACM0", "00007F3A21C05D11", "00007f3a21c05d11", "7F3A21C05D11", "00007f3a2"] {
      #expect(find(words) == .success(.usb(rose)), "\(words)")
    }
    for words in ["000000000000000000000000000B00B5", "b00b5", "00000000000b00b5", "000000000"] {
      #expect(find(words) == .success(.usb(bootloader)), "\(words)")
    }
  }

  @Test func `Digits that two boards have name neither`() {
    #expect(
      find("00007f3a") == .failure(.ambiguousBoard("00007f3a", ports: ["/dev/ttyACM0", "/dev/ttyACM1"])))
  }

  @Test(arguments: ["rose", "7f3", "", "0", "00007F3A21C05D110"])
  func `What names no board is told with those that are there`(_ words: String) {
    guard case .failure(.unknownBoard(words, let present)) = find(words) else {
      Issue.record("\(words): \(find(words))")
      return
    }
    #expect(present.count == 3 && present[0] == "00007F3A21C05D11 on /dev/ttyACM0")
  }

  @Test func `A path is that port, whatever it is`() {
    #expect(find("/dev/null") == .success(.port("/dev/null")))
    #expect(find("/dev/nothing") == .failure(.port(.noSuchDevice(path: "/dev/nothing"))))
  }

  @Test func `Every error says cause, remedy and code`() {
    let errors: [FlashError] = [
      .unknownBoard("a", present: []), .ambiguousBoard("a", ports: ["b"]),
      .watch(SerialWatchError(call: "udev_new", errno: ENOMEM)), .port(.bootloader(path: "a")),
      .noBootloaderCame(path: "a", seconds: 1), .boardNotBack(seconds: 1), .notGreeted(path: "a", seconds: 1),
      .otherVersion(expected: "1", found: "2"), .upload(.fellSilent),
    ]
    #expect(Set(errors.map(\.code)).count == errors.count)
    for error in errors {
      #expect(!error.cause.isEmpty && !error.remedy.isEmpty)
      #expect(error.description == "\(error.cause); \(error.remedy) [\(error.code)]")
    }
  }
}

@Suite struct BoardTrailTests {
  @Test func `A board is followed by its socket through all that it becomes`() {
    let board = port("/dev/ttyACM0", serial: "A1", attachment: 4)
    var trail = BoardTrail(board)
    // Still there, or another board in its place: not what is looked for.
    #expect(trail.next(.bootloader, among: [board]) == nil)
    let neighbour = port("/dev/ttyACM1", serial: "B2", socket: 2, attachment: 6, kind: .bootloader)
    #expect(trail.next(.bootloader, among: [neighbour]) == nil)
    // Whatever serial number and node the bootloader has.
    let bootloader = port("/dev/ttyACM5", serial: "0000C3", attachment: 7, kind: .bootloader)
    #expect(trail.next(.bootloader, among: [neighbour, bootloader]) == bootloader)
    // And back, behind the node that it had.
    let back = port("/dev/ttyACM0", serial: "A1", attachment: 8)
    #expect(trail.next(.sketch, among: [bootloader]) == nil)
    #expect(trail.next(.sketch, among: [neighbour, back]) == back)
  }

  @Test func `A board that restarts into itself is the next stay of it`() {
    let board = port("/dev/ttyACM0", serial: "A1", attachment: 4)
    var trail = BoardTrail(board)
    #expect(trail.next(.sketch, among: [board]) == nil)
    let again = port("/dev/ttyACM0", serial: "A1", attachment: 5)
    #expect(trail.next(.sketch, among: [again]) == again)
  }
}
