import Digests
import Foundation
import PropertyTesting
import Testing

@Suite struct SHA256Tests {
  @Test func agreesWithTheVectorsOfNIST() throws {
    let vectors = try Vectors.load().sha256
    #expect(vectors.count > 60)
    for vector in vectors {
      #expect(SHA256.hash(of: unhex(vector.message).span).description == vector.digest)
    }
  }

  @Test func aMillionTimesTheSameByte() throws {
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
    var hash = SHA256()
    for _ in 0..<1000 { hash.update(piece.span) }
    let digest = hash.finalize()
    #expect(digest.description == (try Vectors.load().sha256MillionA))
  }

  /// The pseudo-random test of NIST's validation system: every digest is made of the three before it.
  @Test func agreesWithTheMonteCarloTestOfNIST() throws {
    let test = try Vectors.load().sha256MonteCarlo
    var seed = try #require(Digest32(hex: test.seed))
    for count in 0...24 {
      var (a, b, c) = (seed, seed, seed)
      for _ in 0..<1000 {
        var hash = SHA256()
        hash.update(a.span)
        hash.update(b.span)
        hash.update(c.span)
        (a, b, c) = (b, c, hash.finalize())
      }
      seed = c
      for checkpoint in test.checkpoints where checkpoint.count == count {
        #expect(seed.description == checkpoint.digest, "checkpoint \(count)")
      }
    }
  }

  @Test func itDoesNotMatterHowTheBytesAreCut() {
    var generator = SeededGenerator(seed: 3)
    for round in 0..<500 {
      let bytes = generator.bytes(Int.random(in: 0...300, using: &generator))
      let cuts = generator.cuts(of: bytes.count)
      var hash = SHA256()
      for (from, to) in zip(cuts, cuts.dropFirst()) { hash.update(bytes.span.extracting(from..<to)) }
      let digest = hash.finalize()
      #expect(
        digest == SHA256.hash(of: bytes.span), "seed 3, round \(round): \(bytes.count) bytes at \(cuts)")
    }
  }

  @Test func afterADigestTheNextOneStartsFromNothing() {
    var hash = SHA256()
    hash.update([1, 2, 3].span)
    let first = hash.finalize()
    let second = hash.finalize()
    #expect(first != second)
    let ofNothing = SHA256.hash(of: [UInt8]().span)
    #expect(second == ofNothing)
  }

  /// Every length around the block's edges and random ones, against sha256sum in one process.
  @Test func agreesWithTheSystemsOwn() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sha256-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var generator = SeededGenerator(seed: 4)
    let lengths = Array(0...260) + (0..<40).map { _ in Int.random(in: 261...9000, using: &generator) }
    var inputs: [String: [UInt8]] = [:]
    for (i, length) in lengths.enumerated() {
      let bytes = generator.bytes(length)
      inputs["\(i)"] = bytes
      try Data(bytes).write(to: folder.appending(path: "\(i)"))
    }
    let sums = folder.appending(path: "sums")
    try Data().write(to: sums)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/sha256sum")
    process.arguments = inputs.keys.sorted()
    process.currentDirectoryURL = folder
    process.standardOutput = try FileHandle(forWritingTo: sums)
    try process.run()
    process.waitUntilExit()
    let lines = try String(contentsOf: sums, encoding: .utf8).split(separator: "\n")
    #expect(process.terminationStatus == 0 && lines.count == lengths.count)
    for line in lines {
      let columns = line.split(separator: " ")
      let bytes = try #require(inputs[String(columns[1])])
      #expect(SHA256.hash(of: bytes.span).description == columns[0], "seed 4, \(bytes.count) bytes")
    }
  }
}
