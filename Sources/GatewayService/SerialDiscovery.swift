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
      await cancelWhenGracefulShutdown { await follow(watch.reports) }
    } catch {
      // Ports that are named still work.
      logger.error("\(error)")
      try? await gracefulShutdown()
    }
  }

  private func follow(_ reports: AsyncStream<SerialPortReport>) async {
    for await report in reports {
      switch report {
      case .port(let event):
        tell(event)
        await daemon.portChanged(event)
      case .listed(let count, let hotPlug):
        logger.info("\(count) boards on USB")
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

  private func tell(_ event: PortEvent) {
    switch event {
    case .appeared(let port): logger.info("\(port.node): plugged in (serial \(port.usb.serial))")
    case .vanished(let port): logger.info("\(port.node): unplugged (serial \(port.usb.serial))")
    case .changed: break
    }
  }
}
