import Bytes
import PropertyTesting
import Testing

@testable import BLEHost

/// The ring of frames, beside a list.
struct FrameQueueTests {
  @Test func itIsAQueueWhateverTheOrder() {
    for seed in 0..<50 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      let capacity = Int.random(in: 20...120, using: &generator)
      var queue = FrameQueue(capacity: capacity)
      var model: [[UInt8]] = []
      var growing: [UInt8]?
      var missing = 0
      var taken = BoundedBytes(capacity: 128)
      for _ in 0..<300 {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          let length = Int.random(in: 0...30, using: &generator)
          let free = queue.free + (growing.map { $0.count + 2 } ?? 0)
          guard length + 2 <= free else { continue }
          queue.begin(length: length)
          (growing, missing) = length == 0 ? (nil, 0) : ([], length)
          if length == 0 { model.append([]) }
        case 1:
          guard growing != nil else { continue }
          let part = octets(Int.random(in: 0...missing, using: &generator), &generator)
          queue.append(part.span)
          growing! += part
          missing -= part.count
          if missing == 0, let frame = growing {
            model.append(frame)
            growing = nil
          }
        case 2:
          #expect(queue.takeFrame(into: &taken) == !model.isEmpty, "seed \(seed)")
          if !model.isEmpty {
            let frame = taken.copied()
            #expect(frame == model.removeFirst(), "seed \(seed)")
          }
        default:
          if Int.random(in: 0..<5, using: &generator) == 0 {
            queue.dropGrowing()
            growing = nil
            missing = 0
          }
        }
        let used = model.reduce(0) { $0 + $1.count + 2 } + (growing.map { $0.count + 2 } ?? 0)
        #expect(queue.used == used && queue.count == model.count && queue.missing == missing, "seed \(seed)")
      }
    }
  }
}
