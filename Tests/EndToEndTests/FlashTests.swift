import Foundation
import GatewayService
import Glibc
import Testing

extension EndToEnd {
  /// `fedbridge flash` against a model of the board's bootloader on a pseudo-terminal (Tests/Emulation/bootloader), which
  /// then starts a virtual board that tells the version of what was flashed.
  @Suite struct Flashing {
    /// A board with its bootloader, as a process.
    private struct Board {
      let bootloader: RunningProgram
      let port: String
      /// The file with its flash.
      let flash: String
    }

    /// Starts a board that waits in its bootloader.
    private func board(_ bench: Bench, options: [String] = []) throws -> Board {
      let experiment = try Experiment(dataset: "digits", boards: 2, division: .iid, seed: 1)
      let data = try bench.write(experiment.shards[0], as: "shard")
      let (port, flash) = (bench.directory + "/port", bench.directory + "/chip")
      let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Emulation").path
      let then = [
        "--then", Programs.board, "--data", data, "--id", "abc", "--state", bench.directory + "/storage",
        "--exit-with-parent",
      ]
      let bootloader = try bench.start(
        "env",
        ["PYTHONPATH=\(models)", "PYTHONDONTWRITEBYTECODE=1", "python3", "-m", "bootloader"]
          + ["--link", port, "--flash", flash] + options + then,
        hasLifeline: true)
      try bootloader.output.line(with: "ready")
      return Board(bootloader: bootloader, port: port, flash: flash)
    }

    /// An image with everything that is looked at; the rest does not run.
    private func image(version: String, board: UInt8 = 1, length: Int = 60_000) -> Data {
      var bytes = [UInt8](repeating: 0, count: length)
      for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 ^ index >> 8) }
      func put(_ number: Int, at place: Int) {
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
      }
      put(0x2000_4000, at: 0)
      put(0x1_0201, at: 4)
      bytes.replaceSubrange(0x100..<0x108, with: Array("FBIM".utf8) + [1, 0, board, 0])
      put(0x1_0000, at: 0x108)
      put(length, at: 0x10c)
      let text = Array(version.utf8)
      bytes.replaceSubrange(0x110..<0x120, with: text + [UInt8](repeating: 0, count: 16 - text.count))
      return Data(bytes)
    }

    private func write(_ image: Data, _ bench: Bench) throws -> String {
      let path = bench.directory + "/image.bin"
      try image.write(to: URL(fileURLWithPath: path))
      return path
    }

    private func flash(_ bench: Bench, _ words: [String]) throws -> RunningProgram {
      try bench.start(Programs.gateway, ["flash", "--state-dir", bench.stateDirectory] + words)
    }

    /// What lies in a chip's flash where programs begin.
    private func program(_ board: Board, length: Int) throws -> Data {
      let chip = try Data(contentsOf: URL(fileURLWithPath: board.flash))
      return chip.dropFirst(0x1_0000).prefix(length)
    }

    @Test func anImageIsWrittenAndItsVersionGreeted() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench)
      let image = image(version: "3.1.4")
      let command = try flash(bench, [board.port, try write(image, bench)])
      #expect(try command.end(within: 30) == .exit(0), "\(command.log.tail)")
      try command.output.line(with: "firmware 3.1.4 for the Nano 33 BLE, 60,000 B")
      try command.output.line(with: "writing 100 %, 60,000 B of 60,000 B")
      try command.output.line(with: "board 0000000000000abc: firmware 3.1.4; 60,000 B in ")
      #expect(try Data(program(board, length: image.count)) == image)
      #expect(board.bootloader.output.lines(with: "violation").isEmpty)
    }

    @Test func aGatewayLetsThePortGoAndServesTheBoardAgainWhileOthersGoOn() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench)
      // It greets whatever is on a named port: the bootloader hears that too.
      let gateway = try bench.gateway(
        ["--virtual-boards", "2", "--rounds", "100000", "--serial", board.port])
      try gateway.log.line(with: " done: 2 contributions", within: 60)
      let command = try flash(bench, [board.port, try write(image(version: "3.1.5"), bench), "--json"])
      let (_, lent) = try gateway.log.line(with: "lent to another program")
      let (_, back) = try gateway.log.line(with: "given back", from: lent, within: 60)
      #expect(try command.end(within: 60) == .exit(0), "\(command.log.tail)\n\(command.output.tail)")
      try gateway.log.line(with: "(0000000000000abc) joined on port", "firmware 3.1.5", from: back)
      let (last, _) = try command.output.first("that ends it") { $0.raw.contains(#""reply":"done""#) }
      #expect(last.raw.contains(#""after":"3.1.5""#) && last.raw.contains(#""id":"0000000000000abc""#))
      // Rounds were held meanwhile, and the board takes part in the next ones.
      let rounds = gateway.log.all[lent..<back].filter { $0.message.contains(" done: 2 contributions") }
      #expect(!rounds.isEmpty)
      try gateway.log.line(with: " done: 3 contributions", from: back, within: 60)
      gateway.send(SIGTERM)
      #expect(try gateway.end(within: 5) == .exit(0))
    }

    @Test func lostBytesCostTimeAndNothingElse() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench, options: ["--lose", "9000", "--lose", "30000"])
      let image = image(version: "3.1.6", length: 20_000)
      let command = try flash(bench, [board.port, try write(image, bench)])
      #expect(try command.end(within: 60) == .exit(0), "\(command.log.tail)")
      try command.output.line(with: "100 %", "repeated")
      #expect(try Data(program(board, length: image.count)) == image)
    }

    @Test func anUploadThatWasKilledIsTakenUpByTheSameCommand() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench)
      let image = image(version: "3.1.7", length: 0x4_0000)
      let words = [board.port, try write(image, bench)]
      let first = try flash(bench, words)
      try first.output.line(with: "writing 10 %")
      first.send(SIGKILL)
      #expect(try first.end(within: 10) == .signal(SIGKILL))
      let second = try flash(bench, words)
      #expect(try second.end(within: 60) == .exit(0), "\(second.log.tail)")
      #expect(try Data(program(board, length: image.count)) == image)
    }

    @Test func whatFitsNotIsRefusedBeforeAnythingIsTouched() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench)
      func refusal(_ image: Data, _ options: [String] = []) throws -> String {
        let command = try flash(bench, [board.port, try write(image, bench)] + options)
        #expect(try command.end(within: 20) == .exit(1))
        try eventually("it said why") { command.log.count > 0 }
        return command.log.tail
      }
      #expect(
        try refusal(image(version: "1", board: 2), ["--force"]).contains(
          "the image is for the board emulated by QEMU, not for the Nano 33 BLE; "))
      #expect(try refusal(image(version: "1", board: 2)).contains("[image-other-board]"))
      #expect(try refusal(image(version: "1").dropLast(7)).contains("[image-truncated]"))
      #expect(try refusal(Data("hello".utf8)).contains("[image-not-an-image]"))
      // A program of somebody else's, which is taken on demand only.
      var sketch = image(version: "1")
      sketch[0x100] = 0
      #expect(try refusal(sketch).contains("say --force"))
      #expect(!FileManager.default.fileExists(atPath: board.flash))
      let command = try flash(bench, [board.port, try write(sketch, bench), "--force"])
      #expect(try command.end(within: 30) == .exit(0), "\(command.log.tail)")
      try command.output.line(with: "written and verified")
    }

    @Test func aPortWithoutABootloaderIsToldWithTheWayIntoIt() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench, options: ["--mute"])
      let image = try write(image(version: "1"), bench)
      let command = try flash(bench, [board.port, image])
      #expect(try command.end(within: 30) == .exit(1))
      try command.log.line(with: "press the board's reset button twice quickly", "[flash-no-bootloader]")
      let missing = try flash(bench, ["/dev/ttyACM99", image])
      #expect(try missing.end(within: 10) == .exit(1))
      try missing.log.line(with: "there is no device at /dev/ttyACM99", "[tty-no-such-device]")
      let nobody = try flash(bench, ["feedface", image])
      #expect(try nobody.end(within: 10) == .exit(1))
      try nobody.log.line(with: "no board feedface is plugged in by cable", "[flash-unknown-board]")
    }

    @Test func aBoardThatGoesAwayIsToldAndFlashedAgainLater() throws {
      let bench = try Bench()
      defer { bench.clear() }
      let board = try board(bench)
      let image = image(version: "3.1.8", length: 0x4_0000)
      let path = try write(image, bench)
      let first = try flash(bench, [board.port, path])
      try first.output.line(with: "writing 20 %")
      board.bootloader.send(SIGKILL)
      #expect(try first.end(within: 20) == .exit(1))
      try first.log.line(with: "the board went away after ", "of 262144 bytes", "[flash-port-lost]")
      let again = try self.board(bench)
      let second = try flash(bench, [again.port, path])
      #expect(try second.end(within: 60) == .exit(0), "\(second.log.tail)")
    }
  }
}
