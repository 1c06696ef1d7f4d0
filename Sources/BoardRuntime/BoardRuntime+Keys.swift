import BoardStorage
public import Bytes
import LinkProtocol

/// Keys for Bluetooth, which the board keeps for its owner: what they are used for is the Bluetooth host's matter.
extension BoardRuntime where Hardware: ~Copyable {
  /// Whether another ``cableSecret`` came since this was last asked.
  public mutating func takeSecretChanged() -> Bool {
    defer { hasNewSecret = false }
    return hasNewSecret
  }

  /// Keeps the bonds, as the Bluetooth host puts them: at once, or not at all. Flash is written only if they are others
  /// than those kept; if it fails, the gateway is told.
  public mutating func keepBonds(_ bonds: Span<UInt8>) {
    if !bench.keep(bonds, as: .bonds) { problemToSend = Problem(code: .flashFailed) }
  }

  /// Reads the bonds that are kept.
  ///
  /// - Returns: false, and nothing read, if there are none that fit `bonds`, or they are damaged.
  public mutating func readBonds(into bonds: inout BoundedBytes) -> Bool {
    bonds.removeAll()
    guard let object = bench.store.object(.bonds), object.length <= bonds.capacity else { return false }
    bonds.appendZeros(object.length)
    var room = bonds.mutableSpan
    do throws(StorageError) {
      try bench.store.read(object, at: 0, into: &room, &bench.hardware.flash)
      return true
    } catch {
      bonds.removeAll()
      return false
    }
  }

  /// A gateway says the secret, which is safe over a cable only.
  @inline(never)
  mutating func receive(_ message: CableSecretMessage) {
    guard configuration.pairsByCable, carriers.active == .cable else {
      problemToSend = Problem(code: .unknownMessage, about: UInt32(CableSecretMessage.type))
      return
    }
    if cableSecret != message.secret {
      cableSecret = message.secret
      hasNewSecret = true
    }
    // Also if it is known: it may not have been possible to keep it then.
    if !bench.keep(message.secret.span, as: .cableSecret) { problemToSend = Problem(code: .flashFailed) }
  }
}

extension Workbench where Hardware: ~Copyable {
  /// Puts keys into flash, unless they are there.
  ///
  /// - Returns: false if that failed.
  @inline(never)
  mutating func keep(_ bytes: Span<UInt8>, as keys: StoredKeys) -> Bool {
    if store.keeps(bytes, as: keys, &hardware.flash) { return true }
    _ = makeRoom(pages: ObjectStore.pagesForKeys)
    do throws(StorageError) {
      try store.keep(bytes, as: keys, &hardware.flash)
      return true
    } catch {
      return false
    }
  }

  /// The secret that flash holds.
  @inline(never)
  mutating func storedCableSecret() -> Octets16? {
    guard let object = store.object(.cableSecret), object.length == Octets16.count else { return nil }
    var octets: InlineArray<16, UInt8> = .init(repeating: 0)
    var room = octets.mutableSpan
    do throws(StorageError) {
      try store.read(object, at: 0, into: &room, &hardware.flash)
    } catch {
      return nil
    }
    return Octets16(octets.span)
  }
}
