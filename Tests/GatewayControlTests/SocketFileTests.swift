import Foundation
import Testing

@testable import GatewayControl

@Suite(.timeLimit(.minutes(1))) struct SocketFileTests {
  private let world: ControlWorld

  init() throws {
    world = try ControlWorld()
  }

  private func expectService() async throws {
    #expect(try await world.ask(.forget(board: "rose")) == [.done("rose is forgotten")])
  }

  private func permissions() throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: world.path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test func `The socket is its user's alone`() async throws {
    try await world.serve {
      let permissions = try permissions()
      #expect(permissions == 0o600)
    }
  }

  @Test func `The group that owns the folder may speak too, if it is FedBridge's`() async throws {
    let entry = try #require(getgrgid(getegid()))
    let group = String(cString: entry.pointee.gr_name)
    let server = try await world.open(group: group)
    defer { server.close() }
    #expect(try permissions() == 0o660)
    let attributes = try FileManager.default.attributesOfItem(atPath: world.path)
    #expect(attributes[.groupOwnerAccountName] as? String == group)
  }

  @Test func `A socket that was left behind is replaced`() async throws {
    // As kill -9 leaves it.
    close(try UnixSocket.bind(to: world.path))
    #expect(FileManager.default.fileExists(atPath: world.path))
    await #expect(throws: ControlError.noDaemon(path: world.path)) { try await world.ask(.boards) }
    try await world.serve { try await expectService() }
  }

  @Test func `A daemon that listens is named and goes on`() async throws {
    try await world.serve {
      await #expect(throws: ControlError.inUse(path: world.path, pid: getpid())) { try await world.open() }
      try await expectService()
    }
  }

  @Test(arguments: [false, true]) func `What is no socket stays`(_ isFolder: Bool) async throws {
    if isFolder {
      try FileManager.default.createDirectory(atPath: world.path, withIntermediateDirectories: false)
    } else {
      try Data("mine".utf8).write(to: URL(fileURLWithPath: world.path))
    }
    await #expect(throws: ControlError.notASocket(path: world.path)) { try await world.open() }
    #expect(FileManager.default.fileExists(atPath: world.path))
  }

  @Test func `A socket that took its place is not removed`() async throws {
    let server = try await world.open()
    try FileManager.default.removeItem(atPath: world.path)
    let other = try await world.open()
    server.close()
    #expect(FileManager.default.fileExists(atPath: world.path))
    other.close()
    #expect(!FileManager.default.fileExists(atPath: world.path))
  }

  @Test func `A folder that is not there is told`() async throws {
    try FileManager.default.removeItem(at: world.folder)
    await #expect(
      throws: ControlError.cannotListen(path: world.path, detail: "No such file or directory")
    ) { try await world.open() }
  }

  @Test func `A path of 107 bytes is used and one of 108 told`() async throws {
    let folder = world.folder.path
    let longest = folder + "/" + String(repeating: "a", count: 106 - folder.utf8.count)
    let file = try SocketFile(path: longest, group: "no-such-group")
    #expect(FileManager.default.fileExists(atPath: longest))
    file.remove()
    close(file.descriptor)
    let error = ControlError.pathTooLong(path: longest + "a")
    #expect(throws: error) { _ = try SocketFile(path: longest + "a", group: "no-such-group") }
    await #expect(throws: error) { try await ControlClient.ask(.boards, path: longest + "a") }
    #expect(
      error.description.hasSuffix(
        " has 108 bytes, and the path of a socket at most 107; use a shorter --state-dir [control-path-too-long]"
      ))
  }
}
