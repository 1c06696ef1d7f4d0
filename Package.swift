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
  core("Bytes"),
  core("CBOR", ["Bytes"]),
  core("Digests"),
]

let package = Package(
  name: "FedBridge",
  products: [
    .library(name: "PortableCore", targets: portableCore.map(\.name))
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")
  ],
  targets: portableCore + [
    tests("Bytes"),
    tests("CBOR", ["Bytes"]),
    tests("Digests"),
    core("Rounds", ["Digests"]),
    tests("Rounds", ["Digests"]),
    // SQLite itself is Debian's: libsqlite3-dev.
    core("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
    tests("GatewayStore", ["Digests", "Rounds", .product(name: "GRDB", package: "GRDB.swift")]),
  ]
)
