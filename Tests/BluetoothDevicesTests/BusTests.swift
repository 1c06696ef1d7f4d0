import Foundation
import Testing

@testable import BluetoothDevices

@Suite("The bus")
struct BusTests {
  @Test func valuesOfAllKindsComeBackAsTheyWent() throws {
    let bus = try PrivateBus()
    let pair = try BusPair(bus)
    try pair.server.serve("/test") { call in
      let values = call.values()
      let incoming = IncomingCall(call)
      #expect(values[0].text == "words with ä")
      #expect(values[1].text == "/a/path")
      #expect(values[2].flag == true)
      #expect(values[3].number == 4_294_967_295)
      #expect(values[4].octets == [0, 1, 255])
      #expect(values[5].texts == ["a", "", "b"])
      #expect(values[6].dictionary?["type"]?.text == "request")
      #expect(values[6].dictionary?["offset"]?.number == 7)
      #expect(values[7].texts == ["in a variant"])
      incoming.answer([.octets([]), .texts([]), .options([])])
      return true
    }
    let answer = try pair.call(
      "Anything",
      [
        .text("words with ä"), .path("/a/path"), .flag(true), .uint32(.max), .octets([0, 1, 255]),
        .texts(["a", "", "b"]), .options([("type", .text("request")), ("offset", .uint32(7))]),
        .variant(.texts(["in a variant"])),
      ]
    ).get()
    #expect(answer[0].octets == [])
    #expect(answer[1].texts == [])
    #expect(answer[2].dictionary?.isEmpty == true)
  }

  @Test func aRefusalComesWithItsNameAndItsWords() throws {
    let bus = try PrivateBus()
    let pair = try BusPair(bus)
    try pair.server.serve("/test") { call in
      IncomingCall(call).refuse("org.bluez.Error.Failed", "le-connection-abort-by-local")
      return true
    }
    guard case .failure(.failed(let name, let text)) = pair.call("Connect") else {
      Issue.record("no refusal")
      return
    }
    #expect(name == "org.bluez.Error.Failed")
    #expect(text == "le-connection-abort-by-local")
  }

  @Test func anUnknownMethodAndAnUnknownServiceAreErrorsAndNotHangs() throws {
    let bus = try PrivateBus()
    let pair = try BusPair(bus)
    try pair.server.serve("/test") { _ in false }
    guard case .failure(let unknown) = pair.call("Nothing") else {
      Issue.record("answered")
      return
    }
    #expect(unknown.name.hasPrefix("org.freedesktop.DBus.Error.Unknown"))
    var answer: Result<[BusValue], BusError>?
    pair.caller.call(
      BusTarget(service: "org.bluez", path: "/", interface: "a.b", member: "C"), patience: 5_000_000
    ) { answer = $0 }
    while answer == nil { pair.turn() }
    guard case .failure(let error)? = answer else {
      Issue.record("answered")
      return
    }
    let seen = BlueZError(error, asked: "BlueZ", seconds: 1)
    #expect(seen.code == "bluetooth-not-running", "\(error)")
  }

  @Test func aCallThatNobodyAnswersEndsInTime() throws {
    let bus = try PrivateBus()
    let pair = try BusPair(bus)
    var calls: [IncomingCall] = []
    try pair.server.serve("/test") { call in
      calls.append(IncomingCall(call))
      return true
    }
    var answer: Result<[BusValue], BusError>?
    pair.caller.call(pair.target("Slow"), patience: 50_000) { answer = $0 }
    while answer == nil { pair.turn() }
    guard case .failure(.timedOut)? = answer else {
      Issue.record("\(String(describing: answer))")
      return
    }
    // An answer that comes too late is nobody's.
    for call in calls { call.answer() }
    for _ in 0..<3 { pair.turn() }
  }

  @Test func callsThatWaitFailWhenTheBusGoes() throws {
    let bus = try PrivateBus()
    let pair = try BusPair(bus)
    try pair.server.serve("/test") { call in
      // Held back for ever.
      withExtendedLifetime(IncomingCall(call)) {}
      return true
    }
    var answers: [Result<[BusValue], BusError>] = []
    pair.caller.call(pair.target("Slow"), patience: 60_000_000) { answers.append($0) }
    pair.caller.close()
    guard answers.count == 1, case .failure(.disconnected) = answers[0] else {
      Issue.record("\(answers)")
      return
    }
    #expect(!pair.caller.process())
  }

  @Test func withoutABusItIsSaidWhatToDo() async throws {
    let blueZ = try BlueZ(
      boardService: "88cb0001-6dff-445c-9674-1a94cec12e53", busAddress: "unix:path=/nowhere")
    await #expect(throws: BlueZError.noBus(errno: ENOENT)) { try await blueZ.poke() }
    await blueZ.close()
  }

  @Test func aBusWithoutBlueZIsToldApart() async throws {
    let bus = try PrivateBus()
    let blueZ = try BlueZ(boardService: "88cb0001-6dff-445c-9674-1a94cec12e53", busAddress: bus.address)
    do {
      try await blueZ.poke()
      Issue.record("BlueZ runs on a bus of our own")
    } catch {
      #expect(error.code == "bluetooth-not-running", "\(error)")
      #expect(error.remedy.contains("apt install bluez"))
    }
    await blueZ.close()
  }
}
