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

let portableCore: [Target] = [
  core("Bytes")
]

/// One kind of I/O on Linux each, without policy.
let drivers: [Target] = [
  .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
  .target(name: "SerialDevices", dependencies: ["CUdev"], swiftSettings: strict),
  .target(
    name: "ConsoleLog", dependencies: [.product(name: "Logging", package: "swift-log")], swiftSettings: strict
  ),
]

let package = Package(
  name: "FedBridge",
  products: [
    .library(name: "PortableCore", targets: portableCore.map(\.name))
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2")
  ],
  targets: portableCore + drivers + [
    tests("Bytes"),
    tests("SerialDevices"),
    tests("ConsoleLog", [.product(name: "Logging", package: "swift-log")]),
  ]
)
