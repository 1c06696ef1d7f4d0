import Logging
import SerialDevices
import ServiceLifecycle

/// Watches for boards on USB and tells the gateway of their ports.
struct SerialDiscovery: Service {
  let daemon: GatewayDaemon
  let logger: Logger

  func run() async throws {
    do throws(SerialWatchError) {
      let watch = try SerialPortWatch()
      await daemon.setLookAgain { watch.relist() }
      await cancelWhenGracefulShutdown { await follow(watch.reports) }
    } catch {
      // Ports that are named still work.
      logger.error("\(error)")
      try? await gracefulShutdown()
    }
  }

  private func follow(_ reports: AsyncStream<SerialPortReport>) async {
    var isModemManagerKnown = false
    for await report in reports {
      switch report {
      case .port(let event):
        if case .appeared(let port) = event {
          logger.info("\(port.node): plugged in (serial \(port.usb.serial))")
          if !isModemManagerKnown { isModemManagerKnown = warnOfModemManager(port) }
        }
        let wasOpen = await daemon.portChanged(event)
        if case .vanished(let port) = event {
          // The end of its link is a line of its own.
          logger.log(
            level: wasOpen ? .debug : .info, "\(port.node): unplugged (serial \(port.usb.serial))")
        }
      case .listed(let count, let hotPlug):
        logger.info("\(RunNarrator.boards(count)) on USB")
        if !hotPlug {
          logger.notice(
            "no udev runs here: boards are looked for every few seconds, and no rule gives this user their ports"
          )
        }
      case .hotPlug(let runs):
        logger.notice(
          runs
            ? "udev runs now: boards are noticed as they are plugged in"
            : "udev runs no more: boards are looked for every few seconds")
      case .relisted:
        logger.debug("USB events were lost and the ports listed anew")
      case .failed(let error):
        logger.error("\(error)")
      }
    }
    // The watch has ended, named ports have not.
    try? await gracefulShutdown()
  }

  /// Warns if a ModemManager runs that udev has not told to keep off a port.
  private func warnOfModemManager(_ port: SerialPort) -> Bool {
    guard port.isModemCandidate, let program = PortHolder.running("ModemManager") else { return false }
    logger.warning(
      "\(port.node): \(program) will open it and write modem commands to the board; install the udev rule 70-fedbridge.rules and plug the board in again [modem-manager]",
      metadata: ["_port": "\(port.node)", "_code": "modem-manager"])
    return true
  }
}
