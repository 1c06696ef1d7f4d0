import FirmwareImage
import PropertyTesting
import Testing

@testable import SerialBootloader

@Suite struct UploadTests {
  @Test(arguments: [0x140, 4096, 4100, 20_000, 0x4_0000])
  func `An image is written, verified and started`(_ length: Int) throws {
    let image = try UploadScene.image(length: length)
    var scene = UploadScene(image)
    scene.bootloader.flash = [UInt8](repeating: 0x5a, count: scene.bootloader.flash.count)
    let before = scene.bootloader.flash
    #expect(isSuccess(scene.run()))
    #expect(scene.bootloader.wasReset && scene.bootloader.violations.isEmpty)
    #expect(Array(scene.bootloader.flash.prefix(length)) == image.bytes)
    // Nothing behind its last page is touched.
    let end = (length + 4095) / 4096 * 4096
    #expect(scene.bootloader.flash[end...] == before[end...])
    #expect(
      scene.upload.progress == UploadProgress(phase: .restarting, done: length, total: length, repeated: 0))
  }

  @Test func `Progress only grows within a phase`() throws {
    var scene = UploadScene(try UploadScene.image(length: 30_000))
    var seen: [UploadProgress] = []
    // In slices of a millisecond.
    while scene.upload.outcome == nil {
      _ = scene.run(patience: 1000)
      if seen.last != scene.upload.progress { seen.append(scene.upload.progress) }
    }
    for (earlier, later) in zip(seen, seen.dropFirst()) where earlier.phase == later.phase {
      #expect(earlier.done < later.done)
    }
    var phases: [UploadProgress.Phase] = []
    for phase in seen.map(\.phase) where phases.last != phase { phases.append(phase) }
    #expect(phases == [.greeting, .writing, .verifying, .restarting])
    #expect(seen.allSatisfy { $0.done <= $0.total && $0.total == 30_000 })
  }

  @Test func `Wherever the cable is pulled, the board has a whole program or stays in its bootloader`() throws
  {
    let old = try UploadScene.image(length: 3000, version: "1.0.0", seed: 8)
    let new = try UploadScene.image(length: 5000, version: "2.0.0", seed: 9)
    var whole = UploadScene(new)
    #expect(isSuccess(whole.run()))
    var cut = 0
    while cut < whole.bytesDown {
      var scene = UploadScene(new)
      scene.bootloader.flash.replaceSubrange(0..<old.bytes.count, with: old.bytes)
      scene.cutAfter = cut
      let error = failure(scene.run())
      guard case .portLost(let written, 5000)? = error else {
        Issue.record("cut after \(cut): \(String(describing: error))")
        return
      }
      #expect(written <= 5000)
      let flash = scene.bootloader.flash
      #expect(
        !scene.bootloader.startsApplication || flash.starts(with: old.bytes) || flash.starts(with: new.bytes),
        "cut after \(cut)")
      // The bootloader keeps what is in flash and nothing else; the next attempt succeeds.
      var next = UploadScene(new)
      next.bootloader.flash = flash
      #expect(isSuccess(next.run()) && next.bootloader.flash.starts(with: new.bytes), "cut after \(cut)")
      cut += cut % 4147 < 24 ? 1 : 197
    }
  }

  @Test func `A bootloader that an upload before left in the middle of a page is taken up`() throws {
    let image = try UploadScene.image(length: 9000)
    for cut in [5, 19, 20, 1000, 4115, 4116, 4120, 4130, 8300] {
      var first = UploadScene(image)
      first.cutAfter = cut
      #expect(failure(first.run()) != nil)
      // The program was killed: the port was closed, and the bootloader noticed nothing.
      var second = UploadScene(image)
      second.bootloader = first.bootloader
      #expect(isSuccess(second.run()), "cut after \(cut)")
      #expect(second.bootloader.flash.starts(with: image.bytes))
    }
  }

  @Test func `A wire that loses, changes and invents bytes costs time, and never a wrong success`() throws {
    let image = try UploadScene.image(length: 9000)
    var successes = 0
    for seed in 0..<80 as Range<UInt64> {
      var scene = UploadScene(image, seed: seed)
      scene.loss = [0, 1e-5, 1e-4, 1e-3][Int(seed % 4)]
      // What is changed may order anything of the board; what is lost is what the stock core was seen to do.
      scene.noise = seed % 3 == 0 ? 0.05 : 0
      let outcome = scene.run()
      try #require(outcome != nil, "seed \(seed) hangs")
      if isSuccess(outcome) {
        successes += 1
        #expect(scene.bootloader.flash.starts(with: image.bytes), "seed \(seed)")
      }
    }
    #expect(successes > 55, "\(successes) of 80")
  }

  @Test func `A flash that cannot be erased any more is told by its address`() throws {
    var scene = UploadScene(try UploadScene.image(length: 20_000))
    scene.bootloader.flash = [UInt8](repeating: 0, count: scene.bootloader.flash.count)
    scene.bootloader.stuck = [0x2000]
    #expect(failure(scene.run()) == .notVerified(address: 0x1_2000))
    #expect(!scene.bootloader.startsApplication)
  }

  @Test func `Who does not answer is given up soon`() throws {
    var scene = UploadScene(try UploadScene.image(length: 20_000))
    scene.bootloader.isSilent = true
    #expect(failure(scene.run()) == .noBootloader(bytesHeard: 0))
    #expect(scene.now <= 10_000_000)
  }

  @Test func `Who falls silent is given up as well`() throws {
    var scene = UploadScene(try UploadScene.image(length: 20_000))
    _ = scene.run(patience: 500_000)
    #expect(scene.upload.outcome == nil)
    scene.bootloader.isSilent = true
    #expect(failure(scene.run()) == .fellSilent)
    #expect(scene.now <= 30_000_000)
  }

  @Test func `Who talks all the time and is no bootloader is given up too`() throws {
    var upload = FirmwareUpload(of: try UploadScene.image(length: 20_000))
    var now: UInt64 = 0
    upload.start(now: now)
    while upload.outcome == nil {
      now += 10_000
      upload.sent(upload.output.count)
      upload.received(Array("temperature 21.4\r\n".utf8), now: now)
      upload.timePassed(now: now)
      try #require(now < 60_000_000)
    }
    guard case .noBootloader(let bytes)? = failure(upload.outcome) else {
      Issue.record("\(String(describing: upload.outcome))")
      return
    }
    #expect(bytes > 0)
  }

  @Test func `Other bootloaders and chips are named and left alone`() throws {
    let image = try UploadScene.image(length: 20_000)
    var scene = UploadScene(image)
    scene.bootloader.versionText = "v1.1 Dec 15 2019 19:25:04"
    #expect(failure(scene.run()) == .otherBootloader("v1.1 Dec 15 2019 19:25:04"))
    scene = UploadScene(image)
    scene.bootloader.versionText = "Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:XYZ]"
    #expect(failure(scene.run())?.code == "flash-other-bootloader")
    scene = UploadScene(image)
    scene.bootloader.deviceText = "ATSAMD21G18A"
    #expect(failure(scene.run()) == .otherChip("ATSAMD21G18A"))
    #expect(scene.bootloader.flash.allSatisfy { $0 == 0xff })
  }

  @Test func `A board that does not restart is told of`() throws {
    let image = try UploadScene.image(length: 5000)
    var upload = FirmwareUpload(of: image)
    var bootloader = ModelBootloader()
    var now: UInt64 = 0
    upload.start(now: now)
    while upload.outcome == nil {
      let bytes = Array(upload.output)
      upload.sent(bytes.count)
      // It hears everything but the command to reset.
      var replies: [UInt8] = []
      if upload.progress.phase != .restarting {
        for byte in bytes { replies += bootloader.take(byte).reply }
      }
      now += 1000
      upload.received(replies, now: now)
      if let due = upload.nextDeadline, replies.isEmpty {
        now = max(now, due)
        upload.timePassed(now: now)
      }
    }
    #expect(failure(upload.outcome) == .notRestarted)
    #expect(bootloader.flash.starts(with: image.bytes))
  }

  @Test func `Every error says cause, remedy and code`() {
    let errors: [UploadError] = [
      .noBootloader(bytesHeard: 0), .otherBootloader("a"), .otherChip("b"), .fellSilent,
      .notVerified(address: 0x1_2000), .portLost(written: 1, total: 2), .notRestarted,
    ]
    #expect(Set(errors.map(\.code)).count == errors.count)
    for error in errors {
      #expect(error.code.hasPrefix("flash-"))
      #expect(error.description == "\(error.cause); \(error.remedy) [\(error.code)]")
    }
  }
}
