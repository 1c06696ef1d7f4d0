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

let portableCore: [Target] = [
  core("Bytes"),
  core("TrainingCore", ["Bytes"]),
  // What must give the same bits on every processor: run by host tests and by the firmware's CoreCheck.
  core("CoreChecks", ["TrainingCore"]),
]

let package = Package(
  name: "FedBridge",
  products: [
    .library(name: "PortableCore", targets: portableCore.map(\.name))
  ],
  targets: portableCore + [
    host("Aggregation"),
    host("Baselines", ["Aggregation", "Datasets", "TrainingCore"]),
    host("Datasets", ["Bytes"], resources: [.process("Resources")]),
    tests("Aggregation"),
    tests("Baselines", ["Datasets", "TrainingCore"]),
    tests("Bytes"),
    tests("Datasets"),
    tests("TrainingCore", ["Bytes", "CoreChecks"]),
  ]
)
