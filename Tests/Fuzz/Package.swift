// swift-tools-version: 6.2
// Every parser of what comes from outside, under libFuzzer. A package of its own: these programs exist only with
// `--sanitize=fuzzer`, which brings their `main`. Scripts/fuzz builds and runs them.
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

let portableCore = Target.Dependency.product(name: "PortableCore", package: "FedBridge")

/// A program that libFuzzer calls with one input after the other.
func fuzz(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: [portableCore, "FuzzSupport"],
    swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "FedBridge", path: "../..")],
  targets: [
    .target(name: "FuzzSupport", dependencies: [portableCore], swiftSettings: strict),
    fuzz("FuzzFrames"),
    fuzz("FuzzCBOR"),
    fuzz("FuzzMessages"),
    fuzz("FuzzSession"),
    fuzz("FuzzObjects"),
    fuzz("FuzzBluetooth"),
    fuzz("FuzzLinkLayer"),
    fuzz("FuzzUSB"),
  ]
)
