import PropertyTesting
import Testing

@testable import SerialDevices

private func port(
  _ socket: Int = 1, node: Int = 0, serial: String = "A1", attachment: UInt32 = 1, product: UInt16 = 0x805a
) -> SerialPort {
  SerialPort(
    devicePath: "/sys/devices/usb1/1-\(socket)/tty/ttyACM\(node)", node: "/dev/ttyACM\(node)",
    attachment: attachment,
    usb: USBIdentity(vendor: 0x2341, product: product, serial: serial, portPath: "1-\(socket)"),
    kind: BoardKind(vendor: 0x2341, product: product)!)
}

@Suite struct PortInventoryTests {
  @Test func aPortSeenTwiceAppearsOnce() {
    var inventory = PortInventory()
    #expect(inventory.seen(port()) == [.appeared(port())])
    #expect(inventory.seen(port()).isEmpty)
    #expect(inventory.listed([port()]).isEmpty)
    #expect(inventory.ports == [port()])
  }

  @Test func aPortGoesOnceAndAnUnknownOneIsIgnored() {
    var inventory = PortInventory()
    #expect(inventory.lost(devicePath: "/sys/never/seen").isEmpty)
    _ = inventory.seen(port())
    #expect(inventory.lost(devicePath: port().devicePath) == [.vanished(port())])
    #expect(inventory.lost(devicePath: port().devicePath).isEmpty)
  }

  @Test func anotherNodeNameOrTextIsAChangeAndNoNewPort() {
    var inventory = PortInventory()
    _ = inventory.seen(port())
    var renamed = port()
    renamed.node = "/dev/board"
    #expect(inventory.seen(renamed) == [.changed(renamed)])
    renamed.usb.productName = "Nano 33 BLE"
    #expect(inventory.seen(renamed) == [.changed(renamed)])
  }

  @Test func whatUdevTellsOfAKnownPortIsNeverSilentBecauseItsPermissionsMayBeNew() {
    var inventory = PortInventory()
    #expect(inventory.announced(port()) == [.appeared(port())])
    #expect(inventory.announced(port()) == [.changed(port())])
    #expect(inventory.announced(port(attachment: 2)) == [.vanished(port()), .appeared(port(attachment: 2))])
  }

  @Test func aBoardThatWasPluggedAnewIsANewPortEvenIfItsRemovalWasMissed() {
    for successor in [port(attachment: 2), port(serial: "B2"), port(product: 0x005a)] {
      var inventory = PortInventory()
      _ = inventory.seen(port())
      #expect(inventory.seen(successor) == [.vanished(port()), .appeared(successor)])
    }
  }

  @Test func theSameBoardOnAnotherSocketIsAnotherPort() {
    var inventory = PortInventory()
    _ = inventory.seen(port(1, node: 0))
    #expect(inventory.seen(port(2, node: 1, attachment: 2)) == [.appeared(port(2, node: 1, attachment: 2))])
    #expect(inventory.lost(devicePath: port(1, node: 0).devicePath) == [.vanished(port(1, node: 0))])
    #expect(inventory.ports == [port(2, node: 1, attachment: 2)])
  }

  @Test func aNodeTakenOverByAnotherPortMeansThatTheFirstIsGone() {
    var inventory = PortInventory()
    _ = inventory.seen(port(1))
    #expect(inventory.seen(port(2)) == [.vanished(port(1)), .appeared(port(2))])
  }

  @Test func aListingIsTheWholeTruth() {
    var inventory = PortInventory()
    _ = inventory.listed([port(1, node: 0), port(2, node: 1)])
    #expect(
      inventory.listed([port(3, node: 2), port(2, node: 1)])
        == [.vanished(port(1, node: 0)), .appeared(port(3, node: 2))])
  }

  /// People plug and unplug boards while reports come twice, are lost in stretches, and are mended by listings.
  @Test func afterEveryListingTheInventoryAndWhatItsEventsSayAreWhatIsPluggedIn() {
    for seed in 0..<300 { plugAndUnplug(seed: UInt64(seed)) }
  }

  private func plugAndUnplug(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var world: [Int: SerialPort] = [:]
    var attachments: UInt32 = 0
    var inventory = PortInventory()
    var told: [String: SerialPort] = [:]
    var lossy = false

    func learn(_ events: [PortEvent]) {
      for event in events {
        switch event {
        case .appeared(let port):
          #expect(told.updateValue(port, forKey: port.devicePath) == nil, "seed \(seed)")
        case .changed(let port):
          #expect(told.updateValue(port, forKey: port.devicePath) != nil, "seed \(seed)")
        case .vanished(let port): #expect(told.removeValue(forKey: port.devicePath) == port, "seed \(seed)")
        }
        #expect(Set(told.values.map(\.node)).count == told.count, "two ports with one node, seed \(seed)")
      }
    }

    for _ in 0..<100 {
      let socket = Int.random(in: 1...5, using: &random)
      var reports: [() -> [PortEvent]] = []
      if let gone = world.removeValue(forKey: socket) {
        reports.append { inventory.lost(devicePath: gone.devicePath) }
      }
      if Bool.random(using: &random) {
        attachments += 1
        let free = (0...5).first { node in !world.values.contains { $0.node == "/dev/ttyACM\(node)" } }!
        let plugged = port(
          socket, node: free, serial: "S\(Int.random(in: 0..<4, using: &random))", attachment: attachments,
          product: [0x805a, 0x025a, 0x005a].randomElement(using: &random)!)
        world[socket] = plugged
        reports.append { inventory.seen(plugged) }
      }
      if Int.random(in: 0..<10, using: &random) == 0 { lossy = true }
      if !lossy {
        for report in reports {
          learn(report())
          if Bool.random(using: &random) { learn(report()) }
        }
      } else if Bool.random(using: &random) {
        learn(inventory.listed(world.values.shuffled(using: &random)))
        lossy = false
      }
      if !lossy {
        #expect(Set(inventory.ports) == Set(world.values), "seed \(seed)")
        #expect(Set(told.values) == Set(world.values), "seed \(seed)")
      }
    }
  }
}

@Suite struct PortSettlingTests {
  @Test func aPortWaitsForItsRulesButNotForEver() {
    var settling = PortSettling()
    let (ready, bare) = (port(1, node: 0), port(2, node: 1))
    func admit(_ isReady: Bool, at now: UInt64) -> [SerialPort] {
      settling.admit([(ready, true), (bare, isReady)], known: [], now: now)
    }
    #expect(admit(false, at: 5) == [ready])
    #expect(settling.isWaiting)
    #expect(admit(false, at: 4 + PortSettling.patience) == [ready])
    #expect(admit(false, at: 5 + PortSettling.patience) == [ready, bare])
    #expect(!settling.isWaiting)
    #expect(admit(true, at: 6 + PortSettling.patience) == [ready, bare])
  }

  @Test func theRulesMayRunAtAnyTimeAndAnotherPluggingWaitsAnew() {
    var settling = PortSettling()
    #expect(settling.admit([(port(), false)], known: [], now: 0).isEmpty)
    #expect(settling.admit([(port(), true)], known: [], now: 1) == [port()])
    #expect(!settling.isWaiting)
    let again = port(attachment: 2)
    #expect(settling.admit([(again, false)], known: [], now: PortSettling.patience).isEmpty)
    #expect(settling.admit([], known: [], now: PortSettling.patience).isEmpty)
    #expect(!settling.isWaiting, "what is gone is forgotten")
  }

  @Test func aPortThatCountedBeforeADaemonRanGoesOnToCount() {
    var settling = PortSettling()
    #expect(settling.admit([(port(), false)], known: [port().plugging], now: 0) == [port()])
    #expect(!settling.isWaiting)
  }
}

@Suite struct USBIdentityTests {
  @Test func theBootloadersPaddedSerialIsTheSketchs() {
    func chip(_ serial: String) -> String {
      USBIdentity(vendor: 0x2341, product: 0x805a, serial: serial, portPath: "").chipSerial
    }
    #expect(chip("00000000000000000A2b3C4D5E6F7081") == chip("0A2B3C4D5E6F7081"))
    #expect(chip("0A2B3C4D5E6F7081") == "A2B3C4D5E6F7081")
    #expect(chip("") == "" && chip("0000") == "")
  }

  @Test func onlyKnownIdsAreBoards() {
    #expect(BoardKind(vendor: 0x2341, product: 0x805a) == .sketch)
    #expect(BoardKind(vendor: 0x2341, product: 0x025a) == .sketch)
    #expect(BoardKind(vendor: 0x2341, product: 0x005a) == .bootloader)
    #expect(BoardKind(vendor: 0x2341, product: 0x0043) == nil)
    #expect(BoardKind(vendor: 0x0403, product: 0x805a) == nil)
  }
}

@Suite struct PluggingTests {
  @Test(
    arguments: [
      (
        "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/tty/ttyACM0",
        "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2"
      ),
      (
        "/sys/devices/platform/vhci_hcd.0/usb3/3-1/3-1.4/3-1.4:1.0/tty/ttyACM7",
        "/sys/devices/platform/vhci_hcd.0/usb3/3-1/3-1.4"
      ),
      ("/sys/devices/platform/serial8250/tty/ttyS0", "/sys/devices/platform/serial8250/tty/ttyS0"),
      ("", ""), ("//:", "//:"),
    ])
  func `The socket is that of the USB device`(_ devicePath: String, _ socket: String) {
    #expect(Plugging(devicePath: devicePath, attachment: 1).socket == socket)
  }
}
