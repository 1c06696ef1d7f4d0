import BluetoothDevices
import BluetoothPolicy
import Foundation
import Gateway
import GatewayStore
import Glibc
import LinkProtocol
import NIOCore
import NIOPosix
import Rounds

/// Attempts to reach boards over the air, and the links that come of them.
extension GatewayDaemon {
  /// Longer than any datagram: one is read whole or not at all.
  private static let datagramSize = 2048
  /// Datagrams read a turn of the event loop. BlueZ drops what nobody takes, so this is more than comes in one.
  private static let datagramsPerTurn = 16

  // MARK: Attempts

  func visit(_ place: RadioPlace, _ admission: Admission, _ radio: Radio) {
    guard let device = radio.devices[place], let adapter = radio.adapters[place.adapter], !isLeaving else {
      radio.schedule.attemptFailed(place, .missing, now: now.microseconds)
      return
    }
    let visit = BoardVisit(
      blueZ: radio.blueZ, device: device, adapter: adapter.address, admission: admission,
      prefersGATT: radio.prefersGATT, maximumFrame: settings.limits.maximumFrame,
      surroundings: surroundings(place, device, radio))
    radio.enqueue(place.adapter) {
      do throws(VisitError) {
        let opened = try await visit.make()
        await self.visited(place, opened.board, opened.carrier)
      } catch {
        await self.visitFailed(place, error)
      }
    }
  }

  private func surroundings(
    _ place: RadioPlace, _ device: BluetoothDevice, _ radio: Radio
  ) -> BoardVisit.Surroundings {
    let request = radio.requests[place]
    return BoardVisit.Surroundings(
      secret: { [work] board in
        try? await work.store.perform { store throws(StoreError) in try store.cableSecret(of: board) }
      },
      passkey: { board in await request?.passkey(board) },
      paired: { board, way in await self.paired(board, way, device) },
      progress: { request?.progress($0) })
  }

  private func paired(_ board: BoardID, _ way: PairingWay, _ device: BluetoothDevice) async -> Bool {
    let bond = BluetoothBond(
      board: board, address: device.address, addressIsRandom: device.isAddressRandom, how: way, at: Date())
    do throws(StoreError) {
      let record = try await work.store.perform { store throws(StoreError) in
        // A board that was never seen gets its name now.
        let record = try store.boardSeen(board, firmware: nil, carrier: nil, at: Date())
        try store.setBond(bond)
        return record
      }
      radio?.bonds[board] = bond
      narrator.tellPaired(BoardLabel(id: board, name: record.name), bond)
    } catch {
      narrator.storeFailed(error)
      return false
    }
    if let radio { radio.schedule.setBonds(radio.boardOfAddress, now: now.microseconds) }
    return true
  }

  private func visitFailed(_ place: RadioPlace, _ error: VisitError) {
    guard let radio else { return }
    if radio.told[place] != error.code, !isLeaving {
      radio.told[place] = error.code
      narrator.tellVisitFailed(place, radio.bonds.values.first { $0.address == place.address }?.board, error)
    }
    radio.schedule.attemptFailed(place, error.failure, now: now.microseconds)
    switch error.failure {
    case .transient, .missing, .outOfSlots:
      // The schedule tries again, and the person waits for that.
      radio.requests[place]?.progress("\(error.cause); it is tried again")
    case .refused, .bondDoubtful, .bondLost, .foreign, .fatal:
      endRequest(place, error)
    }
    settle()
  }

  private func endRequest(_ place: RadioPlace, _ error: VisitError?) {
    guard let request = radio?.requests.removeValue(forKey: place) else { return }
    request.ended(error)
    radio?.schedule.requestEnded(place, now: now.microseconds)
  }

  // MARK: Links

  private func visited(_ place: RadioPlace, _ board: BoardID, _ opened: BoardVisit.Opened) async {
    guard let radio else { return }
    let link = LinkID(nextLink)
    nextLink += 1
    let bearer: BluetoothCarrier.Bearer
    let sendMTU: Int
    let descriptors: (input: CInt, output: CInt)
    do throws(OwnedDescriptor.Errno) {
      switch opened {
      case .l2cap(let channel):
        bearer = .l2cap
        sendMTU = channel.sendMTU
        let socket = OwnedDescriptor(channel.descriptor)
        descriptors = (try socket.duplicate(), try socket.duplicate())
      case .gatt(let notifications, let writes):
        bearer = .gatt
        sendMTU = min(min(notifications.mtu, writes.mtu) - 3, 512)
        descriptors = (try notifications.descriptor.duplicate(), try writes.descriptor.duplicate())
      }
    } catch {
      await radio.blueZ.disconnect(radio.devices[place]?.path ?? "/")
      return visitFailed(place, .noDescriptor(errno: error.code))
    }
    let channel: any Channel
    do {
      channel = try await makeAirChannel(link, descriptors)
    } catch {
      await radio.blueZ.disconnect(radio.devices[place]?.path ?? "/")
      return visitFailed(place, .noDescriptor(errno: (error as? IOError)?.errnoCode ?? EIO))
    }
    radio.told[place] = nil
    radio.schedule.linked(place, now: now.microseconds)
    links[link] = AirLink(
      place: place, board: board, channel: channel, bearer: bearer, sendMTU: sendMTU, limits: settings.limits
    ) { [weak self] in self?.assumeIsolated { $0.writable(link) } }
    let carrier = BluetoothCarrier(
      adapter: place.adapter, address: place.address, bearer: bearer, board: board)
    engine.linkOpened(link, carrier: .bluetooth(carrier), now: now)
    endRequest(place, nil)
    // It may have closed, or the gateway begun to stop, while the channel was made: nothing was known of the link then.
    if !channel.isActive {
      airClosed(link, "the connection was lost")
    } else if isLeaving {
      channel.close(promise: nil)
    } else {
      _ = try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
    settle()
  }

  private func makeAirChannel(
    _ link: LinkID, _ descriptors: (input: CInt, output: CInt)
  ) async throws -> any Channel {
    let events = AirLinkHandler.Events(
      received: { buffer in self.assumeIsolated { $0.airReceived(buffer, on: link) } },
      closed: { reason in self.assumeIsolated { $0.airClosed(link, reason) } })
    do {
      return try await NIOPipeBootstrap(group: eventLoop)
        .channelOption(
          .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.datagramSize)
        )
        .channelOption(.maxMessagesPerRead, value: UInt(Self.datagramsPerTurn))
        .channelOption(.autoRead, value: false)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(AirLinkHandler(events))
          }
        }
        .takingOwnershipOfDescriptors(input: descriptors.input, output: descriptors.output).get()
    } catch {
      Glibc.close(descriptors.input)
      Glibc.close(descriptors.output)
      throw error
    }
  }

  /// Closes links over the air, in good order.
  func closeAirLinks(_ reason: String, where condition: (AirLink) -> Bool) {
    for case let link as AirLink in links.values where condition(link) {
      link.reason = reason
      link.channel.close(promise: nil)
    }
  }

  private func airReceived(_ buffer: ByteBuffer, on id: LinkID) {
    guard let link = links[id] as? AirLink else { return }
    let now = now
    link.frames(in: buffer) { engine.received(frame: $0, on: id, now: now) }
    if let damage = link.takeDamage() { engine.streamDamaged(on: id, what: damage) }
    engine.streamReceived(buffer.readableBytes, on: id)
    settle()
  }

  private func airClosed(_ id: LinkID, _ reason: String) {
    guard let link = links.removeValue(forKey: id) as? AirLink else { return }
    engine.linkClosed(id, reason: link.refusal?.reason ?? link.reason ?? reason, now: now)
    settle()
    guard let radio else { return }
    let (place, ending) = (link.place, link.ending)
    guard let device = radio.devices[place] else {
      radio.schedule.unlinked(place, ending, now: now.microseconds)
      return settle()
    }
    // The connection may outlive its channel, and the board does not advertise while it lasts.
    radio.leaving += 1
    Task {
      await radio.blueZ.disconnect(device.path)
      radio.leaving -= 1
      radio.schedule.unlinked(place, ending, now: now.microseconds)
      settle()
    }
  }

  /// Waits a moment until boards are let go, then leaves the bus.
  func leaveTheAir() async {
    guard let radio else { return }
    let end = ContinuousClock.now + .seconds(2)
    while radio.leaving > 0, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
    self.radio = nil
    await radio.blueZ.close()
  }
}
