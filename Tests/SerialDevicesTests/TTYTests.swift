import Foundation
import Glibc
import SerialDevices
import Testing

/// The error that opening ends with; nil if it succeeds.
private func openingError(_ path: String) -> TTYError? {
  do throws(TTYError) {
    _ = try TTY.open(path)
    return nil
  } catch {
    return error
  }
}

@Suite struct TTYTests {
  @Test func anOpenPortIsRawExclusiveFastAndNonBlocking() throws {
    let pty = PseudoTerminal()
    // What a stray program may have left behind.
    let before = Descriptor(open(pty.path, O_RDWR | O_NOCTTY))
    var left = termios()
    #expect(tcgetattr(before.number, &left) == 0)
    cfsetspeed(&left, speed_t(B1200))
    left.c_iflag |= tcflag_t(IXON | IXOFF | ICRNL)
    left.c_lflag |= tcflag_t(ICANON | ECHO | ISIG)
    left.c_cflag |= tcflag_t(CRTSCTS)
    left.c_cflag &= ~tcflag_t(HUPCL | CLOCAL)
    #expect(tcsetattr(before.number, TCSANOW, &left) == 0)

    let port = Descriptor(try TTY.open(pty.path).release())
    var mode = termios()
    #expect(tcgetattr(port.number, &mode) == 0)
    #expect(mode.c_lflag & tcflag_t(ICANON | ECHO | ECHONL | ISIG | IEXTEN) == 0)
    #expect(
      mode.c_iflag & tcflag_t(IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP | BRKINT) & ~tcflag_t(IXOFF) == 0)
    #expect(mode.c_oflag & tcflag_t(OPOST) == 0)
    #expect(mode.c_cflag & tcflag_t(CRTSCTS) == 0)
    #expect(mode.c_cflag & tcflag_t(CLOCAL | CREAD | HUPCL) == tcflag_t(CLOCAL | CREAD | HUPCL))
    #expect(mode.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
    #expect(cfgetospeed(&mode) == speed_t(B115200) && cfgetispeed(&mode) == speed_t(B115200))
    withUnsafeBytes(of: mode.c_cc) { #expect($0[Int(VMIN)] == 1 && $0[Int(VTIME)] == 0) }
    #expect(fcntl(port.number, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(port.number, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func noMarkIsLeftOnAPseudoTerminalThatWouldOutliveAKilledProcess() throws {
    let pty = PseudoTerminal()
    let port = Descriptor(try TTY.open(pty.path).release())
    var exclusive: Int32 = -1
    // TIOCGEXCL of asm-generic/ioctls.h, a macro that Swift does not see.
    #expect(ioctl(port.number, UInt(0x8004_5440), &exclusive) == 0 && exclusive == 0)
  }

  @Test func aTouchLeaves1200BaudAndNobodyOnThePort() throws {
    let pty = PseudoTerminal()
    try TTY.open(pty.path).touch()
    // The other side is hung up: nobody has the port.
    var hangUp = pollfd(fd: pty.master, events: Int16(POLLIN), revents: 0)
    #expect(poll(&hangUp, 1, 0) == 1 && hangUp.revents & Int16(POLLHUP) != 0)
    let look = Descriptor(open(pty.path, O_RDWR | O_NOCTTY))
    var mode = termios()
    #expect(tcgetattr(look.number, &mode) == 0 && cfgetospeed(&mode) == speed_t(B1200))
    // Whoever opens it next does not leave it at that.
    let port = Descriptor(try TTY.open(pty.path).release())
    #expect(tcgetattr(port.number, &mode) == 0 && cfgetospeed(&mode) == speed_t(B115200))
  }

  @Test func aPseudoTerminalIsNobodysUSBPort() throws {
    let pty = PseudoTerminal()
    let tty = try TTY.open(pty.path)
    #expect(tty.usb == nil)
  }

  @Test(arguments: [false, true]) func endingAPortIsQuickWhetherOrNotAnybodyReads(_ isGone: Bool) throws {
    var pty: PseudoTerminal? = PseudoTerminal()
    let port = try TTY.open(pty!.path).release()
    let bytes = [UInt8](repeating: 7, count: 4096)
    // Until it takes no more: nobody reads it.
    while write(port, bytes, bytes.count) > 0 {}
    #expect(errno == EAGAIN)
    if isGone { pty = nil }
    let begin = ContinuousClock.now
    TTY.end(port)
    #expect(ContinuousClock.now - begin < .seconds(5))
    #expect(fcntl(port, F_GETFD) == -1 && errno == EBADF)
  }

  @Test func whatWasWrittenBeforeTheEndArrives() throws {
    let pty = PseudoTerminal()
    let port = try TTY.open(pty.path).release()
    #expect(write(port, "farewell", 8) == 8)
    TTY.end(port)
    var buffer = [UInt8](repeating: 0, count: 64)
    #expect(read(pty.master, &buffer, buffer.count) == 8)
    #expect(String(decoding: buffer[..<8], as: UTF8.self) == "farewell")
  }

  @Test func everyByteValuePassesBothWaysUnchanged() throws {
    let pty = PseudoTerminal()
    let port = Descriptor(try TTY.open(pty.path).release())
    let all = [UInt8](0...255)
    for (from, to) in [(pty.master, port.number), (port.number, pty.master)] {
      #expect(write(from, all, all.count) == all.count)
      var received: [UInt8] = []
      while received.count < all.count {
        var waiting = pollfd(fd: to, events: Int16(POLLIN), revents: 0)
        try #require(poll(&waiting, 1, 5000) == 1)
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = read(to, &buffer, buffer.count)
        try #require(count > 0)
        received += buffer[..<count]
      }
      #expect(received == all)
    }
  }

  @Test func whatWasSentBeforeOpeningIsDropped() throws {
    let pty = PseudoTerminal()
    let before = Descriptor(open(pty.path, O_RDWR | O_NOCTTY))
    _ = before.number
    #expect(write(pty.master, "stale\n", 6) == 6)
    let port = Descriptor(try TTY.open(pty.path).release())
    var byte: UInt8 = 0
    #expect(read(port.number, &byte, 1) == -1 && errno == EAGAIN)
  }

  @Test func aSecondOpenIsRefusedAndNamesTheHolder() throws {
    let pty = PseudoTerminal()
    let first = Descriptor(try TTY.open(pty.path).release())
    let error = try #require(openingError(pty.path))
    guard case .busy(pty.path, let holders) = error else {
      Issue.record("\(error)")
      return
    }
    // Other tests may start programs, which hold the descriptor until they call exec.
    #expect(holders.contains { $0.pid == getpid() })
    #expect(error.cause.contains("this very program (pid \(getpid()))"))
    #expect(fcntl(first.number, F_GETFD) >= 0, "the first open lives on")
  }

  @Test func aPortIsFreeAgainOnceItsOwnerIsGone() throws {
    let pty = PseudoTerminal()
    for _ in 0..<3 {
      let tty = try TTY.open(pty.path)
      #expect(tty.path == pty.path)
    }
    #expect(PortHolder.find(path: pty.path).allSatisfy { $0.pid != getpid() })
  }

  @Test func aPortIsFreeAgainAfterItsHolderWasKilled() throws {
    let pty = PseudoTerminal()
    // A program of its own takes the lock and is killed while it holds it.
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/bin/sh")
    // `read` waits on the port, which stays silent: the shell itself holds it.
    holder.arguments = ["-c", "exec 3<>\(pty.path); flock -n 3 && echo held; read line <&3"]
    let said = Pipe()
    holder.standardOutput = said
    try holder.run()
    #expect(String(decoding: said.fileHandleForReading.readData(ofLength: 5), as: UTF8.self) == "held\n")
    let error = try #require(openingError(pty.path))
    guard case .busy(_, let holders) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(holders.contains { $0.pid == holder.processIdentifier })
    kill(holder.processIdentifier, SIGKILL)
    holder.waitUntilExit()
    #expect(openingError(pty.path) == nil)
  }

  @Test func whatIsNoTerminalIsRefusedBeforeItIsTouched() throws {
    let file = "/tmp/fedbridge-no-tty-\(getpid())"
    let descriptor = open(file, O_CREAT | O_WRONLY, 0o600)
    try #require(descriptor >= 0)
    close(descriptor)
    defer { unlink(file) }
    for path in [file, "/tmp", "/dev/null", "\(file)/below"] {
      #expect(openingError(path) == .notATerminal(path: path), "\(path)")
    }
  }

  @Test func aMissingPathAndACutCableAreToldApart() throws {
    #expect(openingError("/dev/no-such-port") == .noSuchDevice(path: "/dev/no-such-port"))
    #expect(openingError("") == .noSuchDevice(path: ""))
    #expect(openingError("/dev/" + String(repeating: "x", count: 5000))?.code == "tty-refused")
    // A pseudo-terminal whose master is gone answers EIO or has no node any more.
    var pty: PseudoTerminal? = PseudoTerminal()
    let path = pty!.path
    let keepsTheNode = Descriptor(open(path, O_RDWR | O_NOCTTY))
    pty = nil
    #expect(["tty-input-output", "tty-no-such-device"].contains(openingError(path)?.code))
    _ = keepsTheNode.number
  }

  @Test func withoutPermissionTheGroupTheModeAndTheRemedyAreNamed() async throws {
    let pty = PseudoTerminal()
    try #require(chmod(pty.path, 0) == 0)
    let path = pty.path
    let error = await withCheckedContinuation { answer in
      // A thread of its own, which ends with the privileges it gave up.
      Thread.detachNewThread {
        giveUpPrivilegesOverFiles()
        answer.resume(returning: openingError(path))
      }
    }
    guard case .permissionDenied(path, _, 0) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error!.remedy.contains("70-fedbridge.rules"))
  }
}

@Suite struct TTYErrorTests {
  @Test func everyErrorIsOneLineWithCauseRemedyAndCode() {
    let errors: [TTYError] = [
      .noSuchDevice(path: "/dev/ttyACM0"),
      .permissionDenied(path: "/dev/ttyACM0", group: "dialout", mode: 0o660),
      .busy(path: "/dev/ttyACM0", holders: [PortHolder(pid: 812, name: "ModemManager")]),
      .busy(path: "/dev/ttyACM0", holders: []), .notATerminal(path: "/etc/passwd"),
      .bootloader(path: "/dev/ttyACM0"),
      .inputOutput(path: "/dev/ttyACM0", errno: EIO), .vanished(path: "/dev/ttyACM0"),
      .refused(path: "/dev/ttyACM0", errno: EMFILE),
    ]
    for error in errors {
      #expect(error.description == "\(error.cause); \(error.remedy) [\(error.code)]")
      #expect(error.description.contains(error.path) && !error.description.contains("\n"))
    }
    #expect(Set(errors.map(\.code)).count == 8)
  }

  @Test func aPortThatIsOpenHereUnderAnotherNameIsToldFromOneThatAnotherProgramHolds() {
    let (own, other) = (PortHolder(pid: getpid(), name: "fedbridge"), PortHolder(pid: 7, name: "minicom"))
    #expect(TTYError.busy(path: "x", holders: [own]).isHeldHere)
    #expect(!TTYError.busy(path: "x", holders: [own, other]).isHeldHere)
    #expect(!TTYError.busy(path: "x", holders: []).isHeldHere)
    #expect(!TTYError.noSuchDevice(path: "x").isHeldHere)
  }

  @Test func aRunningProgramIsFoundByItsName() throws {
    let name = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8).dropLast()
    #expect(try #require(PortHolder.running(String(name))).name == name)
    #expect(PortHolder.running("no such program") == nil)
  }

  @Test func theRemedyFitsTheCase() {
    let denied = TTYError.permissionDenied(path: "/dev/ttyACM0", group: "dialout", mode: 0o660)
    #expect(denied.description.contains("(group dialout, mode 0660)"))
    #expect(denied.remedy.contains("usermod -aG dialout"))
    let closed = TTYError.permissionDenied(path: "/dev/ttyACM0", group: "root", mode: 0o600)
    #expect(!closed.remedy.contains("usermod"), "joining the group would not help")
    let modem = TTYError.busy(path: "/dev/ttyACM0", holders: [PortHolder(pid: 812, name: "ModemManager")])
    #expect(modem.description.contains("held by ModemManager (pid 812)"))
    #expect(modem.remedy.contains("systemctl stop ModemManager"))
    #expect(TTYError.refused(path: "x", errno: EMFILE).remedy.contains("LimitNOFILE"))
  }
}
