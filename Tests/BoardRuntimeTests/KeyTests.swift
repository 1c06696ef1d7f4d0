import BoardRuntime
import BoardStorage
import LinkProtocol
import Testing
import VirtualHardware

/// The cable secret and the bonds: how they come, and that they stay.
@Suite struct KeyTests {
  private static func secret(_ number: UInt8) -> Octets16 {
    let octets = (0..<16).map { number &+ $0 }
    return Octets16(octets.span)!
  }

  private static func bonds(_ number: UInt8) -> [UInt8] { (0..<184).map { number ^ $0 } }

  /// Flash of which no page can be erased, before it was ever used.
  private static func wornOutFlash() -> CuttableNORFlash {
    let flash = CuttableNORFlash(pageCount: 24, seed: 1)
    for page in 0..<24 { flash.damage(page: page) }
    flash.wornOut = Set(0..<24)
    return flash
  }

  private func bench(_ flash: CuttableNORFlash? = nil) throws -> Bench {
    let bench = try Bench(flash: flash ?? CuttableNORFlash(pageCount: 24, seed: 1), pairsByCable: true)
    bench.run(milliseconds: 5)
    return bench
  }

  private func say(_ number: UInt8, _ bench: Bench) {
    bench.say(.cableSecret(CableSecretMessage(secret: Self.secret(number))))
    bench.run(milliseconds: 5)
  }

  @Test func aSecretThatComesOverTheCableIsInForceAtOnceAndStays() throws {
    let bench = try bench()
    #expect(bench.capabilities?.contains(.pairsByCable) == true)
    #expect(bench.cableSecret == nil && !bench.takeSecretChanged())
    say(1, bench)
    #expect(bench.cableSecret == Self.secret(1))
    #expect(bench.takeSecretChanged() && !bench.takeSecretChanged())
    say(2, bench)
    #expect(bench.takeSecretChanged() && bench.problems.isEmpty)
    bench.reset()
    #expect(bench.cableSecret == Self.secret(2))
    // The owner has it from the start.
    #expect(!bench.takeSecretChanged())
  }

  @Test func theSameSecretAgainWritesNothing() throws {
    let bench = try bench()
    say(1, bench)
    _ = bench.takeSecretChanged()
    let operations = bench.flash.operations
    say(1, bench)
    bench.reset()
    bench.run(milliseconds: 5)
    let mounted = bench.flash.operations
    say(1, bench)
    #expect(bench.flash.operations == mounted && mounted == operations)
    #expect(!bench.takeSecretChanged())
  }

  @Test func aSecretThatComesOverTheAirIsNotTaken() throws {
    let bench = try bench()
    say(1, bench)
    bench.loseLink(over: .cable)
    bench.carrier = .air
    bench.reconnect()
    bench.run(milliseconds: 5)
    say(2, bench)
    #expect(bench.problems == [Problem(code: .unknownMessage, about: 40)])
    #expect(bench.cableSecret == Self.secret(1))
    bench.reset()
    #expect(bench.cableSecret == Self.secret(1))
  }

  @Test func aBoardWithoutBluetoothTakesNoSecret() throws {
    let bench = try Bench()
    bench.run(milliseconds: 5)
    #expect(bench.capabilities?.contains(.pairsByCable) == false)
    say(1, bench)
    #expect(bench.problems == [Problem(code: .unknownMessage, about: 40)])
    #expect(bench.cableSecret == nil)
  }

  @Test func aSecretThatCannotBeWrittenServesUntilTheNextReset() throws {
    let bench = try bench(Self.wornOutFlash())
    say(1, bench)
    #expect(bench.problems == [Problem(code: .flashFailed)])
    #expect(bench.cableSecret == Self.secret(1) && bench.takeSecretChanged())
    bench.flash.wornOut = []
    bench.reset()
    #expect(bench.cableSecret == nil)
    // Said again, it is tried again.
    bench.run(milliseconds: 5)
    say(1, bench)
    bench.reset()
    #expect(bench.cableSecret == Self.secret(1))
  }

  @Test func bondsAreKeptAndOnlyChangesAreWritten() throws {
    let bench = try bench()
    #expect(bench.bonds() == nil)
    bench.keepBonds(Self.bonds(1))
    bench.run(milliseconds: 5)
    let operations = bench.flash.operations
    bench.keepBonds(Self.bonds(1))
    #expect(bench.flash.operations == operations)
    bench.keepBonds(Self.bonds(2))
    bench.reset()
    #expect(bench.bonds() == Self.bonds(2))
    #expect(bench.bonds(capacity: 183) == nil)
    #expect(bench.problems.isEmpty)
  }

  @Test func bondsThatCannotBeWrittenAreAProblem() throws {
    let bench = try bench(Self.wornOutFlash())
    bench.keepBonds(Self.bonds(1))
    bench.run(milliseconds: 5)
    #expect(bench.problems == [Problem(code: .flashFailed)])
  }

  @Test func whereverPowerIsCutTheOldKeysOrTheNewOnesAreThere() throws {
    func life(_ flash: CuttableNORFlash) throws -> Bench {
      let bench = try bench(flash)
      say(1, bench)
      if !flash.isOff { bench.keepBonds(Self.bonds(1)) }
      say(2, bench)
      if !flash.isOff { bench.keepBonds(Self.bonds(2)) }
      return bench
    }
    let whole = CuttableNORFlash(pageCount: 24, seed: 0)
    _ = try life(whole)
    #expect(whole.operations > 200)
    var secrets: [Octets16?] = [nil]
    var bonds: [[UInt8]?] = [nil]
    for cut in 1...whole.operations {
      let flash = CuttableNORFlash(pageCount: 24, seed: UInt64(cut))
      flash.cutAt = cut
      let bench = try life(flash)
      bench.reset()
      let (secret, kept) = (bench.cableSecret, bench.bonds())
      // As time passes each becomes the next, and none goes back.
      if secrets.last != secret { secrets.append(secret) }
      if bonds.last != kept { bonds.append(kept) }
    }
    #expect(secrets == [nil, Self.secret(1), Self.secret(2)])
    #expect(Array(bonds.prefix(2)) == [nil, Self.bonds(1)] && bonds.count <= 3)
  }

  @Test func keysGetRoomWhereModelsTakeAllThereIs() throws {
    let bench = try bench(CuttableNORFlash(pageCount: 11, seed: 1))
    // Three pages each, of seven.
    for seed in UInt32(1)...2 {
      let model = bench.offer(try Bench.snapshot(seed, hidden: 300))
      #expect(bench.run { bench.model == model.name.digest })
    }
    let models = try (bench.stored(.newestModel)?.count, bench.stored(.otherModel)?.count)
    #expect(models.0 == models.1 && models.0 ?? 0 > 2 * 4048)
    say(1, bench)
    bench.keepBonds(Self.bonds(1))
    bench.reset()
    #expect(bench.cableSecret == Self.secret(1))
    #expect(bench.bonds() == Self.bonds(1))
    #expect(try bench.stored(.newestModel)?.count == models.0)
  }
}
