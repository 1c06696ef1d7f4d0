// swift-tools-version: 6.2
// Bare-metal images for Cortex-M4F boards. They are always built with a triple and a board's toolset;
// Scripts/build-firmware does that. A board consists of a toolset (Toolsets/), a memory map (Linker/)
// and a module of drivers (Sources/); CBoard is what all of them share.
import PackageDescription

/// The same rules as in the host package.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableExperimentalFeature("Lifetimes"),
]

/// For the Nano 33 BLE's drivers and the link layer, which is generic and compiled with them: 6 KB less. The interrupt's
/// part of the link layer is not generic. (The image's own target holds the board's runtime and is not compiled so: the
/// stack would grow by kilobytes, for what is not inlined is copied.)
let small: [SwiftSetting] = [.unsafeFlags(["-Osize"])]

let portableCore: Target.Dependency = .product(name: "PortableCore", package: "FedBridge")

let package = Package(
  name: "Firmware",
  dependencies: [.package(name: "FedBridge", path: "..")],
  targets: [
    // Any Cortex-M4F: reset, faults, memory functions, heap.
    .target(name: "CBoard", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    // What every board's software has above its drivers: the main loop, and what it asks of a machine.
    .target(name: "BoardSupport", dependencies: [portableCore, "CBoard"], swiftSettings: strict),
    // QEMU's MPS2-AN386 board: its drivers, and the host's files by semihosting.
    .target(
      name: "MPS2Board", dependencies: [portableCore, "BoardSupport", "CBoard"], swiftSettings: strict),
    // The image that is a whole board there.
    .executableTarget(
      name: "QEMUBoard", dependencies: [portableCore, "BoardSupport", "CBoard", "MPS2Board"],
      swiftSettings: strict),
    .executableTarget(
      name: "QEMUBoardWithoutBluetooth", dependencies: [portableCore, "BoardSupport", "CBoard", "MPS2Board"],
      swiftSettings: strict),
    // The Arduino Nano 33 BLE: its drivers.
    .target(
      name: "CNano33BLE", dependencies: ["CBoard"],
      cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(
      name: "Nano33BLEBoard", dependencies: [portableCore, "BoardSupport", "CBoard", "CNano33BLE"],
      swiftSettings: strict + small),
    .executableTarget(
      name: "Nano33BLE", dependencies: [portableCore, "BoardSupport", "CBoard", "Nano33BLEBoard"],
      swiftSettings: strict),
    // Runs what must give the same bits as on the host; also the proof that the whole core compiles here.
    .executableTarget(
      name: "CoreCheck", dependencies: [portableCore, "BoardSupport", "CBoard", "MPS2Board"],
      swiftSettings: strict),
    // What the core's speed is compared with, and the comparison.
    // (A name of its own: the host package has these sources too, as CTrainBaseline.)
    .target(
      name: "CFirmwareBaseline",
      cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])]),
    .executableTarget(
      name: "TrainingBench",
      dependencies: [portableCore, "BoardSupport", "CBoard", "CFirmwareBaseline", "MPS2Board"],
      swiftSettings: strict),
    // What a board does for every frame and every stored object.
    .executableTarget(
      name: "ProtocolBench", dependencies: [portableCore, "BoardSupport", "CBoard", "MPS2Board"],
      swiftSettings: strict),
  ]
)
