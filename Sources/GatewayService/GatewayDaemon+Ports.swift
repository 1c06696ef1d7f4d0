import Gateway
import Glibc
import LinkProtocol
import NIOCore
import NIOPosix
import SerialDevices

/// The gateway's serial ports: when they are opened, what is on them, and how they are closed.
extension GatewayDaemon {
  /// What waits to be written to a port, in bytes: enough to keep it busy, little enough that a control
  /// message is not stuck behind it.
  private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 2048, high: 8192)
  /// A tty hands over at most 4 KB a read, and a port has one read a turn of the event loop: who floods it gets no more
  /// than who does not.
  private static let readSize = 4096
  /// How long the end of the gateway waits for ports to be closed.
  private static let leavePatience = Duration.seconds(1)

  /// Serves a port whatever is plugged in.
  func serve(port path: String) {
    perform(schedule.named(path, now: now.microseconds))
    settle()
  }

  /// Serves a port that is about to be made.
  func serve(awaited path: String) {
    perform(schedule.awaited(path, now: now.microseconds))
    settle()
  }

  /// What to call when what is known of plugged boards seems out of date.
  func setLookAgain(_ lookAgain: @escaping @Sendable () -> Void) { self.lookAgain = lookAgain }

  /// A board was plugged in or unplugged.
  ///
  /// - Returns: whether a link was open on a port that vanished, so that its end has been told.
  @discardableResult
  func portChanged(_ event: PortEvent) -> Bool {
    defer { settle() }
    note(event)
    switch event {
    case .appeared(let port) where port.kind == .bootloader && isLent(port):
      narrator.bootloaderInUse(port.node)
    case .appeared(let port) where port.kind == .bootloader:
      // Whoever named this very port is told by opening it.
      if schedule.isNamed(port.node) {
        perform(schedule.pluggedIn(port.node, port.plugging, now: now.microseconds))
      } else {
        narrator.bootloader(port.node)
      }
    case .changed(let port) where port.kind == .bootloader:
      break
    case .appeared(let port):
      perform(schedule.pluggedIn(port.node, port.plugging, now: now.microseconds))
    case .changed(let port):
      perform(schedule.changed(port.node, port.plugging, now: now.microseconds))
    case .vanished(let port):
      schedule.unplugged(port.plugging)
      narrator.portGone(port.node)
      if hungUp.remove(port.plugging) != nil { return true }
      // The kernel hangs up by itself; this is for a driver that does not.
      for case let link as PortLink in links.values where link.plugging == port.plugging {
        link.channel.close(promise: nil)
        hungUp.remove(port.plugging)
        return true
      }
    }
    return false
  }

  func perform(_ actions: [PortSchedule.Action]) {
    for action in actions {
      switch action {
      case .open(let path): open(path)
      case .report(let path, let error): narrator.portFailed(path, error)
      case .recovered(let path): narrator.portRecovered(path)
      case .lookAgain: lookAgain?()
      }
    }
  }

  // MARK: Opening

  /// A port that was opened elsewhere.
  private struct OpenedPort: Sendable {
    var descriptor: CInt
    var usb: SerialPort?
  }

  private func open(_ path: String) {
    guard !isLeaving else { return }
    Task {
      let result = await PortThread.run { () -> Result<OpenedPort, TTYError> in
        do throws(TTYError) {
          let tty = try TTY.open(path)
          let usb = tty.usb
          return .success(OpenedPort(descriptor: tty.release(), usb: usb))
        } catch {
          return .failure(error)
        }
      }
      switch result {
      case .success(let port): await opened(path, port)
      case .failure(let error): openFailed(path, error)
      }
    }
  }

  private func openFailed(_ path: String, _ error: TTYError) {
    perform(schedule.openFailed(path, error, now: now.microseconds))
    settle()
  }

  private func opened(_ path: String, _ port: OpenedPort) async {
    guard !schedule.isLent(path) else {
      await PortThread.run { TTY.end(port.descriptor) }
      schedule.closed(path, .served, now: now.microseconds)
      return settle()
    }
    let link = LinkID(nextLink)
    nextLink += 1
    let channel: any Channel
    do {
      channel = try await makeChannel(link, port.descriptor)
    } catch {
      await PortThread.run { TTY.end(port.descriptor) }
      openFailed(path, .refused(path: path, errno: (error as? IOError)?.errnoCode ?? EIO))
      return
    }
    links[link] = PortLink(
      path: path, plugging: port.usb?.plugging, descriptor: port.descriptor, channel: channel,
      limits: settings.limits)
    if let plugging = port.usb?.plugging { hungUp.remove(plugging) }
    perform(schedule.opened(path))
    engine.linkOpened(link, carrier: .serial(port: path, usbSerial: port.usb?.usb.serial), now: now)
    // It may have hung up, or the gateway begun to stop, while the channel was made: nothing was known of the link then.
    if !channel.isActive {
      closed(link, "unplugged")
    } else if isLeaving {
      channel.close(promise: nil)
    } else {
      // What arrives before the link is known would be lost; reading begins now.
      _ = try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
    settle()
  }

  /// A channel on duplicates of a descriptor.
  private func makeChannel(_ link: LinkID, _ descriptor: CInt) async throws -> any Channel {
    let events = SerialLinkHandler.Events(
      received: { buffer in self.assumeIsolated { $0.received(buffer, on: link) } },
      writable: { self.assumeIsolated { $0.writable(link) } },
      closed: { reason in self.assumeIsolated { $0.closed(link, reason) } })
    let input = try Self.duplicate(descriptor)
    let output: CInt
    do {
      output = try Self.duplicate(descriptor)
    } catch {
      Glibc.close(input)
      throw error
    }
    do {
      return try await NIOPipeBootstrap(group: eventLoop)
        .channelOption(.writeBufferWaterMark, value: Self.waterMark)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize))
        .channelOption(.maxMessagesPerRead, value: 1)
        .channelOption(.autoRead, value: false)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(SerialLinkHandler(events))
          }
        }
        .takingOwnershipOfDescriptors(input: input, output: output).get()
    } catch {
      Glibc.close(input)
      Glibc.close(output)
      throw error
    }
  }

  private static func duplicate(_ descriptor: CInt) throws -> CInt {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw IOError(errnoCode: errno, reason: "fcntl") }
    return copy
  }

  // MARK: In use

  private func received(_ buffer: ByteBuffer, on id: LinkID) {
    guard let link = links[id] as? PortLink else { return }
    let now = now
    link.frames(in: buffer) { engine.received(frame: $0, on: id, now: now) }
    if let damage = link.takeDamage() { engine.streamDamaged(on: id, what: damage) }
    engine.streamReceived(buffer.readableBytes, on: id)
    settle()
  }

  func writable(_ link: LinkID) {
    send(on: link)
    setTimer()
  }

  func send(on id: LinkID) {
    guard let link = links[id] else { return }
    let now = now
    link.send { engine.nextFrame(on: id, now: now, into: &$0) }
  }

  // MARK: Closing

  func close(_ id: LinkID, _ refusal: LinkRefusal) {
    guard let link = links[id] else { return }
    link.refusal = link.refusal ?? refusal
    link.channel.close(promise: nil)
  }

  /// The channel has closed: what it led to is over, and the port is free when its last descriptor is closed.
  private func closed(_ id: LinkID, _ reason: String) {
    guard let link = links.removeValue(forKey: id) as? PortLink else { return }
    engine.linkClosed(id, reason: link.refusal?.reason ?? link.reason ?? reason, now: now)
    settle()
    if let plugging = link.plugging, link.refusal == nil { hungUp.insert(plugging) }
    closing += 1
    let (path, ending, descriptor) = (link.path, link.ending, link.descriptor)
    Task {
      await PortThread.run { TTY.end(descriptor) }
      closing -= 1
      schedule.closed(path, ending, now: now.microseconds)
      settle()
    }
  }

  /// Waits a moment for the last descriptors, so that boards see the end.
  func untilPortsAreClosed() async {
    let end = ContinuousClock.now + Self.leavePatience
    while closing > 0, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
  }
}
