import Bytes
import FuzzSupport
import TrainingCore
import UpdateCodec

/// Models, updates and deltas: headers that are written again as they were read, and codes of differences that come
/// out the same however they are cut into pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzObjects(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var input = FuzzInput(start, count)
  switch input.byte() % 4 {
  case 0: readSnapshot(input.rest())
  case 1: readUpdate(input.rest())
  case 2: readDelta(input.rest())
  default: readDifference(&input)
  }
  return 0
}

private func readSnapshot(_ bytes: [UInt8]) {
  do throws(SnapshotError) {
    let snapshot = try ModelSnapshot(parsing: bytes.span, length: bytes.count)
    require(snapshot.length == bytes.count, "a model of another length than its object")
    var header = BoundedBytes(capacity: ModelSnapshot.maximumHeaderLength)
    snapshot.encodeHeader(into: &header)
    require(header.copied() == Array(bytes[..<snapshot.headerLength]), "a model's header is another one")
  } catch {}
}

private func readUpdate(_ bytes: [UInt8]) {
  do throws(UpdateError) {
    let update = try UpdateHeader(parsing: bytes.span)
    var header = BoundedBytes(capacity: UpdateHeader.maximumLength)
    update.encode(into: &header)
    require(header.count == update.length, "an update's header is longer than it says")
    require(header.copied() == Array(bytes[..<update.length]), "an update's header is another one")
  } catch {}
}

private func readDelta(_ bytes: [UInt8]) {
  do throws(UpdateError) {
    let delta = try DeltaHeader(parsing: bytes.span)
    var header = BoundedBytes(capacity: DeltaHeader.maximumLength)
    delta.encode(into: &header)
    require(header.count == delta.length, "a delta's header is longer than it says")
    require(header.copied() == Array(bytes[..<delta.length]), "a delta's header is another one")
  } catch {}
}

private func readDifference(_ input: inout FuzzInput) {
  let code = input.byte()
  let parameter = UInt16(input.byte()) | UInt16(input.byte()) << 8
  let width = 1 + Int(input.byte() & 63)
  let (piece, room) = (1 + Int(input.byte()), 1 + Int(input.byte()))
  let bytes = input.rest()
  guard let coding = UpdateCoding(code: code, parameter: parameter),
    let model = try? ModelDescription(inputWidth: width, classes: 2)
  else { return }
  let whole = decode(bytes, coding, model, piece: bytes.count + 1, room: model.parameterCount)
  let cut = decode(bytes, coding, model, piece: piece, room: room)
  require(whole == cut, "a difference depends on the pieces that it came in")
  require(whole?.count ?? model.parameterCount == model.parameterCount, "a difference of another model")
}

/// The bits of the difference, taken up to `room` values at a time from a code of which `piece` more bytes than have
/// to be there are there each time; nil if it is none.
private func decode(
  _ code: [UInt8], _ coding: UpdateCoding, _ model: ModelDescription, piece: Int, room: Int
) -> [UInt32]? {
  var decoder = DifferenceDecoder(coding, for: model)
  var values = [Float](repeating: 0, count: room)
  var bits: [UInt32] = []
  var begin = 0
  do throws(UpdateError) {
    while !decoder.isComplete {
      let end = min(begin + DifferenceDecoder.inputRoom + piece, code.count)
      let isLast = end == code.count
      var space = values.mutableSpan
      let (consumed, produced) = try decoder.decode(
        code.span.extracting(begin..<end), isLast: isLast, into: &space)
      require(consumed >= 0 && begin + consumed <= end && produced <= room, "a decoder left its input")
      require(consumed > 0 || produced > 0 || decoder.isComplete, "a decoder that goes round in circles")
      begin += consumed
      for i in 0..<produced { bits.append(values[i].bitPattern) }
    }
    return bits
  } catch {
    return nil
  }
}
