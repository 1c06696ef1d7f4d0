import ArgumentParser
import Foundation
import Glibc

/// The board's end of a carrier that a gateway's end in another process, or on another machine, is measured on.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Is the board's end of a carrier to be measured, on a pseudo-terminal.")

  enum Role: String, CaseIterable, ExpressibleByArgument {
    case board, session, bare
  }

  @Option(help: "Where the pseudo-terminal is linked.")
  var link: String

  @Option(
    help: """
      board: a virtual board with two examples of 256 features; session: takes every object, verifies and confirms it; \
      bare: reads, and says one byte after every so many.
      """)
  var role: Role

  @Option(help: "session: bytes of an object that it credits.")
  var credit: Int = 4096

  @Option(help: "bare: bytes after which it says one.")
  var every: Int = 65_412

  func run() throws {
    switch role {
    case .board:
      let board = try BoardProcess(width: 256, classes: 2)
      try Self.link(link, to: FileManager.default.destinationOfSymbolicLink(atPath: board.port))
      pause()
    case .session:
      let peer = try SessionPeer(window: credit)
      try Self.link(link, to: peer.port)
      peer.serve()
    case .bare:
      let peer = try BarePeer()
      peer.expect(every)
      peer.saysWhenComplete = true
      try Self.link(link, to: peer.port)
      peer.serve()
    }
  }

  /// Renamed into place: whoever watches the name never finds a half-made one.
  private static func link(_ path: String, to target: String) throws {
    let temporary = path + ".new"
    unlink(temporary)
    guard symlink(target, temporary) == 0, rename(temporary, path) == 0 else {
      throw ValidationError("cannot make the link \(path): \(String(cString: strerror(errno)))")
    }
  }
}
