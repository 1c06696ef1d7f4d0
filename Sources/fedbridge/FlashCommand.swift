import ArgumentParser
import BoardFlasher
import FirmwareImage
import Foundation
import GatewayControl
import SerialDevices

/// `fedbridge flash`.
struct FlashCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flash",
    abstract: "Put firmware onto a board that is plugged in by cable.",
    discussion: """
      The board is sent into its bootloader, gets the image, every page of which is verified, and is started; then it \
      is greeted and has to answer with the image's version. If a gateway runs it lets the board's port go meanwhile, \
      and its other boards go on. A board that does not listen is put into its bootloader by hand: press its reset \
      button twice quickly, then run the same command.

      Whenever this is interrupted, the board has its old firmware, its new one, or waits in its bootloader for the \
      same command.

      Exit status: 0 the board runs the image; 1 it does not, and why is said; 64 wrong use; 69 the gateway that runs \
      cannot be spoken with.
      """)

  @Argument(
    help:
      "The board's USB serial number, the path of its port, or, if a gateway runs, its name or the first digits of its id."
  )
  var board: String

  @Argument(
    help: ArgumentHelp(
      "The image, as .bin or .hex. Without one it is nano33ble.bin, which is looked for beside this program and in build/firmware.",
      valueName: "image"))
  var imagePath: String?

  @Flag(help: "Also take a program that is no FedBridge image, such as a sketch of yours.")
  var force = false

  @OptionGroup var control: ControlOptions

  func validate() throws {
    try BoardArgument.validate(board)
  }

  func run() async throws {
    let printer = FlashPrinter(json: control.json)
    do {
      let file = try FlashImageFile(path: imagePath)
      let image = try FirmwareImage(file: file.content, for: .nano33BLE, allowsAnyProgram: force)
      printer.say("\(file.path): \(FlashPrinter.words(image))")
      let loan = try await PortLoan.ask(for: board, path: control.socketPath)
      defer { loan?.close() }
      try await flash(image, loan, printer)
    } catch let error as any FlashFailure {
      printer.fail(code: error.code, cause: error.cause, remedy: error.remedy)
      throw error.exitCode
    }
  }

  private func flash(_ image: FirmwareImage, _ loan: PortLoan?, _ printer: FlashPrinter) async throws {
    let place = try place(loan)
    let flasher = BoardFlasher(image: image) { printer.show($0) }
    var before = loan?.port.firmware
    if before == nil,
      let greeted = try await Self.onThread({ () throws(FlashError) in try flasher.greet(place) })
    {
      before = greeted.firmware
    }
    let begun = ContinuousClock.now
    let bootloader = try await Self.onThread { () throws(FlashError) in try flasher.upload(to: place) }
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    guard let header = image.header else {
      printer.done(
        FlashOutcome(port: place.node, bytes: image.bytes.count, seconds: seconds, before: before))
      return
    }
    var outcome = FlashOutcome(
      port: place.node, bytes: image.bytes.count, seconds: seconds, before: before, after: header.version)
    if let served = try await loan?.giveBack() {
      guard served.firmware == header.version else {
        throw FlashError.otherVersion(expected: header.version, found: served.firmware)
      }
      (outcome.name, outcome.id) = (served.name, served.id)
    } else {
      let greeted = try await Self.onThread { () throws(FlashError) in try flasher.confirm(after: bootloader)
      }
      (outcome.name, outcome.id) = (loan?.port.name, greeted?.id)
    }
    printer.done(outcome)
  }

  /// Where the board is.
  private func place(_ loan: PortLoan?) throws -> FlashPlace {
    let present: [SerialPort]
    do throws(SerialWatchError) {
      present = try SerialPort.present()
    } catch {
      throw FlashError.watch(error)
    }
    return try FlashPlace.find(loan?.port.port ?? board, among: present)
  }

  /// Runs what blocks on a thread of its own.
  private static func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws(FlashError) -> Value
  ) async throws(FlashError) -> Value {
    let result: Result<Value, FlashError> = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        do throws(FlashError) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }
}

/// Errors that end this command: each names cause, remedy and a code.
protocol FlashFailure: Error {
  var code: String { get }
  var cause: String { get }
  var remedy: String { get }
  var exitCode: ExitCode { get }
}

extension FlashFailure {
  var exitCode: ExitCode { .failure }
}

extension FlashError: FlashFailure {}
extension FirmwareImageError: FlashFailure {}
extension ControlError: FlashFailure {}
