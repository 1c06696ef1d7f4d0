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
    name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: strict)
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
  core("TrainingCore", ["Bytes"]),
  core("UpdateCodec", ["Bytes", "Digests", "TrainingCore"]),
  core("LinkProtocol", ["Bytes", "CBOR", "Digests"]),
  core("BoardRuntime", ["Bytes", "Digests", "LinkProtocol", "TrainingCore", "UpdateCodec"]),
  // What must give the same bits on every processor: run by host tests and by the firmware's CoreCheck.
  core("CoreChecks", ["TrainingCore"]),
]

/// One kind of I/O on Linux each, without policy.
let drivers: [Target] = [
  .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
  .target(name: "CLinux"),
  host("SerialDevices", ["CUdev"]),
  host("ConsoleLog", [logging]),
  host("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
  host("VirtualHardware", ["BoardRuntime", "Bytes", "Datasets", "LinkProtocol", "TrainingCore"]),
]

/// What the gateway decides and computes, without I/O.
let gateway: [Target] = [
  host("Aggregation"),
  host("Datasets", ["Bytes", "Digests"], resources: [.process("Resources")]),
  host("Rounds", ["Digests"]),
]

let applications: [Target] = [
  .executableTarget(
    name: "VirtualBoard",
    dependencies: [
      "BoardRuntime", "Bytes", "CLinux", "Datasets", "LinkProtocol", "VirtualHardware", argumentParser,
    ],
    swiftSettings: strict)
]

let mirrors: [Target] = [
  tests("Bytes"),
  tests("Digests"),
  tests("CBOR", ["Bytes"]),
  tests("TrainingCore", ["Bytes", "CoreChecks"]),
  tests("UpdateCodec", ["Bytes", "Digests", "TrainingCore"]),
  tests("LinkProtocol", ["Bytes", "CBOR", "Digests"]),
  tests("BoardRuntime", ["Bytes", "Digests", "LinkProtocol", "TrainingCore", "UpdateCodec"]),
  tests("SerialDevices"),
  tests("ConsoleLog", [logging]),
  tests("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
  tests("Aggregation"),
  tests("Datasets"),
  tests("Rounds", ["Digests"]),
  // The firmware's image on QEMU, against the same runtime in this process.
  .testTarget(
    name: "QEMUTests",
    dependencies: [
      "BoardRuntime", "Bytes", "Datasets", "Digests", "LinkProtocol", "TrainingCore", "UpdateCodec",
      "VirtualHardware",
    ], swiftSettings: strict),
]

let package = Package(
  name: "FedBridge",
  products: [
    .library(name: "PortableCore", targets: portableCore.map(\.name)),
    .executable(name: "virtual-board", targets: ["VirtualBoard"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: portableCore + drivers + gateway + applications + mirrors
)
