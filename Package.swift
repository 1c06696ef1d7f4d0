// swift-tools-version: 6.2
// The host package: the portable core (also compiled as Embedded Swift by the nested package in
// Firmware/), the Linux drivers, the gateway and the virtual board.
import PackageDescription

/// What every target is compiled with.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  // Span-returning accessors of our own types; the standard library's are built with it as well.
  .enableExperimentalFeature("Lifetimes"),
]

/// A module of the portable core: no Foundation, no clock, no thread; fit for Embedded Swift.
func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A test target that mirrors the module of the same name.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name), "PropertyTesting"] + dependencies,
    swiftSettings: strict)
}

/// A module that runs on the gateway's host only.
func host(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let portableCore: [Target] = [
  core("Bytes"),
  core("Digests"),
  core("CBOR", ["Bytes"]),
  // Instructions of the Cortex-M4, with plain C for other processors.
  .target(name: "CDSP"),
  core("TrainingCore", ["Bytes", "CDSP"]),
  core("UpdateCodec", ["Bytes", "Digests", "TrainingCore"]),
  core("LinkProtocol", ["Bytes", "CBOR", "Digests"]),
  core("BoardStorage", ["Bytes", "Digests"]),
  core("Cryptography", ["Bytes"]),
  core("BLESecurity", ["Bytes", "Cryptography", "Digests", "LinkProtocol"]),
  core("BLEHost", ["BLESecurity", "Bytes", "Cryptography", "LinkProtocol"]),
  core("BLELinkLayer", ["BLESecurity", "Bytes", "Cryptography"]),
  core("USBDevice", ["Bytes", "LinkProtocol"]),
  core("BoardRuntime", ["BoardStorage", "Bytes", "Digests", "LinkProtocol", "TrainingCore", "UpdateCodec"]),
  // What must give the same bits on every processor: run by host tests and by the firmware's CoreCheck.
  core(
    "CoreChecks",
    [
      "BLEHost", "BLESecurity", "Bytes", "CBOR", "Cryptography", "Digests", "LinkProtocol", "TrainingCore",
      "UpdateCodec",
    ]),
]

/// One kind of I/O on Linux each, without policy.
let drivers: [Target] = [
  .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
  .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
  .systemLibrary(name: "CBluetooth", pkgConfig: "bluez", providers: [.apt(["libbluetooth-dev"])]),
  .target(name: "CLinux"),
  host("SerialDevices", ["CUdev"]),
  host("BluetoothDevices", ["CBluetooth", "CSystemd"]),
  host("ConsoleLog", [logging]),
  host("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
  // The running daemon's socket for commands: requests, replies, both ends.
  host(
    "GatewayControl",
    [
      logging, .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ]),
  host(
    "VirtualHardware", ["BoardRuntime", "BoardStorage", "Bytes", "Datasets", "LinkProtocol", "TrainingCore"]),
]

/// What the gateway decides and computes, without I/O.
let gateway: [Target] = [
  host("Aggregation"),
  host("Datasets", ["Bytes", "Digests"], resources: [.process("Resources")]),
  host("Baselines", ["Aggregation", "Datasets", "TrainingCore"]),
  host("Rounds", ["Digests"]),
  host("BluetoothPolicy", ["Rounds"]),
  host("FirmwareImage"),
  host("SerialBootloader", ["FirmwareImage"]),
  host(
    "Gateway",
    ["Aggregation", "Bytes", "Digests", "LinkProtocol", "Rounds", "TrainingCore", "UpdateCodec"]),
]

let applications: [Target] = [
  // What brings an image onto a board.
  host("BoardFlasher", ["Bytes", "FirmwareImage", "LinkProtocol", "SerialBootloader", "SerialDevices"]),
  // What `fedbridge` runs, as a library so that tests can run it too.
  host(
    "GatewayService",
    [
      "BLEHost", "BLESecurity", "Baselines", "BluetoothDevices", "BluetoothPolicy", "Bytes", "ConsoleLog",
      "Cryptography", "Datasets", "Digests", "Gateway", "GatewayControl", "GatewayStore", "LinkProtocol",
      "Rounds",
      "SerialDevices", "TrainingCore", "UpdateCodec", logging,
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ]),
  .executableTarget(
    name: "fedbridge",
    dependencies: [
      "BoardFlasher", "ConsoleLog", "FirmwareImage", "Gateway", "GatewayControl", "GatewayService", "Rounds",
      "SerialBootloader", "SerialDevices", argumentParser, logging,
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ],
    swiftSettings: strict),
  .executableTarget(
    name: "VirtualBoard",
    dependencies: [
      "BLEHost", "BLESecurity", "BoardRuntime", "Bytes", "CLinux", "Cryptography", "Datasets", "LinkProtocol",
      "VirtualHardware", argumentParser,
    ],
    swiftSettings: strict),
  .executableTarget(
    name: "Benchmarks",
    dependencies: [
      "Aggregation", "Baselines", "Bytes", "CLinux", "CTrainBaseline", "Datasets", "Digests", "Gateway",
      "LinkProtocol",
      "LinkSimulation", "SerialDevices", "TrainingCore", "UpdateCodec", argumentParser,
    ],
    swiftSettings: strict),
  // The same training step in C, measured beside ours here and on the Cortex-M4F.
  .target(name: "CTrainBaseline", path: "Firmware/Sources/CFirmwareBaseline"),
]

let mirrors: [Target] = [
  // What property tests draw from.
  .target(name: "PropertyTesting", path: "Tests/PropertyTesting", swiftSettings: strict),
  tests("Bytes"),
  tests("Digests"),
  tests("BluetoothPolicy", ["Rounds"]),
  tests("BluetoothDevices"),
  tests("CBOR", ["Bytes"]),
  tests("TrainingCore", ["Bytes", "CoreChecks"]),
  tests("UpdateCodec", ["Bytes", "Digests", "TrainingCore"]),
  // Two sessions joined in virtual time by a link with the timing of a real carrier.
  .target(
    name: "LinkSimulation", dependencies: ["Bytes", "Digests", "LinkProtocol", "PropertyTesting"],
    path: "Tests/LinkSimulation", swiftSettings: strict),
  tests("LinkProtocol", ["Bytes", "CBOR", "Digests", "LinkSimulation"]),
  tests("BLEHost", ["BLESecurity", "Bytes", "Cryptography", "LinkProtocol"]),
  tests("BLELinkLayer", ["BLEHost", "BLESecurity", "Bytes", "Cryptography", "LinkProtocol"]),
  tests("BoardStorage", ["Digests", "VirtualHardware"]),
  tests("BLESecurity", ["Bytes", "Cryptography", "LinkProtocol"]),
  tests("Cryptography", ["Bytes", .product(name: "Crypto", package: "swift-crypto")]),
  tests(
    "BoardRuntime",
    [
      "BoardStorage", "Bytes", "Datasets", "Digests", "LinkProtocol", "TrainingCore", "UpdateCodec",
      "VirtualHardware",
    ]),
  tests("SerialDevices"),
  tests("FirmwareImage"),
  tests("SerialBootloader", ["FirmwareImage"]),
  tests("BoardFlasher", ["SerialBootloader", "SerialDevices"]),
  tests("USBDevice", ["Bytes", "LinkProtocol"]),
  tests("ConsoleLog", [logging]),
  tests("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
  tests(
    "GatewayControl",
    [
      "BoardFlasher", "FirmwareImage", "SerialBootloader", "fedbridge", argumentParser, logging,
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ]),
  tests("Aggregation"),
  tests("Datasets"),
  tests("Baselines", ["Datasets", "TrainingCore"]),
  tests("Rounds", ["Digests"]),
  tests("VirtualHardware", ["BoardStorage"]),
  // The gateway's engine and the boards' runtime, joined in virtual time.
  .target(
    name: "FederationSimulation",
    dependencies: [
      "Baselines", "BoardRuntime", "Bytes", "Datasets", "Digests", "Gateway", "LinkProtocol",
      "PropertyTesting",
      "Rounds", "TrainingCore", "UpdateCodec", "VirtualHardware",
    ], path: "Tests/FederationSimulation", swiftSettings: strict),
  .executableTarget(
    name: "simulate", dependencies: ["FederationSimulation", argumentParser], path: "Tests/Simulation",
    swiftSettings: strict),
  tests(
    "Gateway",
    [
      "Baselines", "Bytes", "Digests", "FederationSimulation", "LinkProtocol", "Rounds", "TrainingCore",
      "UpdateCodec",
    ]),
  tests(
    "GatewayService",
    [
      "Baselines", "Bytes", "Datasets", "Gateway", "GatewayControl", "GatewayStore", "Rounds",
      "SerialDevices",
      "TrainingCore", "fedbridge", logging, .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
    ]),
  // The firmware's image on QEMU, against the same runtime in this process.
  .testTarget(
    name: "QEMUTests",
    dependencies: [
      "BoardRuntime", "Bytes", "Datasets", "Digests", "LinkProtocol", "PropertyTesting", "TrainingCore",
      "UpdateCodec", "VirtualHardware",
    ], swiftSettings: strict),
  // The programs themselves, as processes.
  .testTarget(
    name: "EndToEndTests",
    dependencies: [
      "Aggregation", "Baselines", "Bytes", "Datasets", "Digests", "FederationSimulation", "Gateway",
      "GatewayService", "GatewayStore", "LinkProtocol", "PropertyTesting", "Rounds", "TrainingCore",
      "UpdateCodec",
      "VirtualBoard", "fedbridge",
      .product(name: "GRDB", package: "GRDB.swift"),
    ],
    swiftSettings: strict),
]

let package = Package(
  name: "FedBridge",
  products: [
    .library(name: "PortableCore", targets: portableCore.map(\.name)),
    .executable(name: "fedbridge", targets: ["fedbridge"]),
    .executable(name: "virtual-board", targets: ["VirtualBoard"]),
    .executable(name: "fedbridge-bench", targets: ["Benchmarks"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // For tests only: what our own cryptography is compared with.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: portableCore + drivers + gateway + applications + mirrors
)

// Scripts/build-firmware asks for the portable core alone: it needs no other package, so nothing is downloaded.
if Context.environment["FEDBRIDGE_CORE_ONLY"] != nil {
  package.products.removeAll { $0.name != "PortableCore" }
  package.dependencies = []
  package.targets = portableCore
}
