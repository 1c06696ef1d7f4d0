import BoardFlasher
import FirmwareImage
import Foundation
import GatewayControl
import SerialBootloader
import Synchronization
import Testing

@testable import fedbridge

@Suite struct FlashTextTests {
  private func progress(
    _ done: Int, of total: Int = 250_112, phase: UploadProgress.Phase = .writing, repeated: Int = 0
  ) -> UploadProgress {
    UploadProgress(phase: phase, done: done, total: total, repeated: repeated)
  }

  @Test func `A line has rate and time on eighty columns`() {
    let line = FlashText.line(progress(131_072), seconds: 4, columns: 80)
    #expect(
      line == "writing " + String(repeating: "█", count: 11) + String(repeating: "░", count: 11)
        + " 52 %, 131,072 B of 250,112 B, 33 kB/s, ETA 3.6 s")
    #expect(line.count <= 79)
  }

  @Test(arguments: [1, 8, 12, 20, 39, 40, 60, 79, 80, 81, 200])
  func `It fits whatever the terminal has`(_ columns: Int) {
    for done in [0, 4096, 131_072, 250_112] {
      for phase in [UploadProgress.Phase.writing, .verifying] {
        for repeated in [0, 12] {
          let line = FlashText.line(
            progress(done, phase: phase, repeated: repeated), seconds: 3.3, columns: columns)
          #expect(line.count <= max(1, columns - 1), "\(line)")
        }
      }
    }
  }

  @Test func `Elsewhere it is words`() {
    #expect(
      FlashText.line(progress(125_056, repeated: 2), seconds: 4, columns: nil)
        == "writing 50 %, 125,056 B of 250,112 B, 31 kB/s, ETA 4.0 s, 2 repeated")
    #expect(FlashText.line(progress(0), seconds: 0, columns: nil) == "writing 0 %, 0 B of 250,112 B")
  }
}

@Suite struct FlashPrinterTests {
  /// What is printed of an upload, and its end.
  private func output(json: Bool, columns: Int?) -> String {
    let written = Written()
    let printer = FlashPrinter(json: json, columns: columns) { written.add($0) }
    printer.say("image\u{1b}[2J")
    printer.show(.touching("/dev/ttyACM0"))
    for page in 0...25 {
      printer.show(
        .uploading(UploadProgress(phase: .writing, done: page * 4000, total: 100_000, repeated: 0)))
    }
    printer.show(.restarting)
    printer.done(
      FlashOutcome(
        port: "/dev/ttyACM0", bytes: 100_000, seconds: 4, before: "0.1.0", after: "0.2.0", name: "rose",
        id: "7f3a21c000000001"))
    return written.text
  }

  private final class Written: Sendable {
    private let content = Mutex("")
    func add(_ text: String) { content.withLock { $0 += text } }
    var text: String { content.withLock { $0 } }
  }

  @Test func `Into a pipe go plain lines, a tenth at a time`() {
    let lines = output(json: false, columns: nil).split(separator: "\n")
    #expect(lines.count == 2 + 10 + 2)
    #expect(lines[0] == #"image\u{1b}[2J"#)
    #expect(lines.last == "rose: firmware 0.1.0 → 0.2.0; 100,000 B in 4.0 s, 25 kB/s")
    #expect(!lines.contains { $0.contains("\r") })
  }

  @Test func `On a terminal one line changes, and ends before the next`() {
    let text = output(json: false, columns: 80)
    #expect(text.contains("\rwriting ") && text.contains("100 %, 100,000 B of 100,000 B"))
    #expect(text.contains("\u{1b}[K\nthe board has the image"))
  }

  @Test func `As JSON every line is an object of one form`() throws {
    let lines = output(json: true, columns: 80).split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    #expect(objects.allSatisfy { $0?["version"] as? Int == 1 })
    #expect(objects.dropLast().allSatisfy { $0?["reply"] as? String == "progress" })
    let half = objects.first { ($0?["done"] as? Int ?? 0) >= 50_000 } ?? nil
    #expect(half?["phase"] as? String == "writing" && half?["total"] as? Int == 100_000)
    let last = objects.last ?? nil
    #expect(last?["reply"] as? String == "done" && last?["before"] as? String == "0.1.0")
    #expect(last?["after"] as? String == "0.2.0" && last?["name"] as? String == "rose")
  }
}

@Suite struct FlashImageFileTests {
  private func failure(_ path: String) -> FlashImageFile.Failure? {
    do throws(FlashImageFile.Failure) {
      _ = try FlashImageFile(path: path)
      return nil
    } catch {
      return error
    }
  }

  @Test func `What is no file of an image is named`() throws {
    #expect(failure("/no/such.bin") == .unreadable(path: "/no/such.bin", reason: "there is no such file"))
    #expect(failure("/dev/zero") == .notAFile(path: "/dev/zero"))
    #expect(failure("/tmp") == .notAFile(path: "/tmp"))
    let long = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    #expect(FileManager.default.createFile(atPath: long.path, contents: nil))
    defer { try? FileManager.default.removeItem(at: long) }
    let handle = try FileHandle(forWritingTo: long)
    try handle.truncate(atOffset: 9_000_000)
    #expect(failure(long.path) == .tooLong(path: long.path))
  }

  @Test func `The image is looked for where it is installed and where it is built`() {
    let installed = FlashImageFile.candidates(program: "/usr/bin/fedbridge", directory: "/home/me")
    #expect(installed.contains("/usr/share/fedbridge/nano33ble.bin"))
    let built = FlashImageFile.candidates(
      program: "/src/fedbridge/.build/x86_64-unknown-linux-gnu/release/fedbridge", directory: "/")
    #expect(built.contains("/src/fedbridge/build/firmware/nano33ble.bin"))
    #expect(Set(built).count == built.count)
  }
}

@Suite(.timeLimit(.minutes(1))) struct PortLoanTests {
  private let world: ControlWorld

  init() throws {
    world = try ControlWorld()
  }

  @Test func `A port is lent until it is given back, and the board that is served then is told`() async throws
  {
    try await world.serve {
      let loan = try #require(try await PortLoan.ask(for: "/dev/ttyACM0", path: world.path))
      #expect(loan.port == LentPort(port: "/dev/ttyACM0", name: "rose", firmware: "0.1.0"))
      #expect(
        try await loan.giveBack()
          == ReturnedBoard(name: "rose", id: "7f3a21c000000001", firmware: "0.2.0"))
      await world.responder.until(.passkeysEnded)
    }
  }

  @Test func `Whoever hangs up has given it back too`() async throws {
    try await world.serve {
      let loan = try #require(try await PortLoan.ask(for: "/dev/ttyACM0", path: world.path))
      loan.close()
      // That the client says no more may be seen before that it is gone, and is enough.
      await world.responder.until(.passkeysEnded)
    }
  }

  @Test func `Without a gateway, or with one that knows nothing of the board, there is no loan`() async throws
  {
    #expect(try await PortLoan.ask(for: "rose", path: world.path)?.port == nil)
    try await world.serve {
      let loan = try await PortLoan.ask(for: "free", path: world.path)
      #expect(loan?.port == nil)
    }
  }

  @Test func `A gateway that goes away meanwhile is not waited for`() async throws {
    let server = try await world.open()
    let loan = try #require(try await PortLoan.ask(for: "/dev/ttyACM0", path: world.path))
    server.close()
    // The replies of the last moment may still come.
    _ = try await loan.giveBack()
  }
}
