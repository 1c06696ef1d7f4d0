public import Bytes

// The encoded form, all integers little-endian:
//
//     u8   format version, 1
//     u8   loss: 0 softmax cross entropy
//     u8   input format: 0 float32, 1 int8
//     [int8 only]  f32 scale, i8 zero point
//     u16  input width
//     u8   number of layers, 1…6
//     for each layer:  u16 outputs, u8 activation: 0 none, 1 ReLU
//
// and nothing after it. A layer's inputs are the outputs of the one before.
extension ModelDescription {
  /// The format that is written and read.
  public static let formatVersion: UInt8 = 1

  /// The most bytes that ``encode(into:)`` appends.
  public static let maximumEncodedLength = 3 + 5 + 2 + 1 + 3 * maximumLayers

  private static let float32Code: UInt8 = 0
  private static let int8Code: UInt8 = 1

  /// Appends the encoded description, at most ``maximumEncodedLength`` bytes; look at the buffer's
  /// `overflowed` afterwards.
  public func encode(into buffer: inout BoundedBytes) {
    buffer.append(Self.formatVersion)
    buffer.append(loss.rawValue)
    switch input {
    case .float32:
      buffer.append(Self.float32Code)
    case .int8(let scale, let zeroPoint):
      buffer.append(Self.int8Code)
      buffer.append(littleEndian: UInt64(scale.bitPattern), width: 4)
      buffer.append(UInt8(bitPattern: zeroPoint))
    }
    buffer.append(littleEndian: UInt64(inputWidth), width: 2)
    buffer.append(UInt8(layerCount))
    for i in 0..<layerCount {
      let layer = layer(i)
      buffer.append(littleEndian: UInt64(layer.outputs), width: 2)
      buffer.append(layer.activation.rawValue)
    }
  }

  /// Reads an encoded description that fills `bytes` exactly.
  ///
  /// - Throws: any ``ModelError`` but `doesNotFit`; no bytes make it trap.
  public init(parsing bytes: Span<UInt8>) throws(ModelError) {
    var reader = ByteReader(bytes)
    guard let version = reader.readByte() else { throw .malformed }
    guard version == Self.formatVersion else { throw .unsupportedVersion(version) }
    guard let lossCode = reader.readByte(), let loss = Loss(rawValue: lossCode),
      let inputCode = reader.readByte()
    else { throw .malformed }

    var input = InputFormat.float32
    if inputCode == Self.int8Code {
      guard let scale = reader.readLittleEndian(width: 4), let zeroPoint = reader.readByte() else {
        throw .malformed
      }
      input = .int8(
        scale: Float(bitPattern: UInt32(truncatingIfNeeded: scale)), zeroPoint: Int8(bitPattern: zeroPoint))
    } else if inputCode != Self.float32Code {
      throw .malformed
    }

    guard let inputWidth = reader.readLittleEndian(width: 2), let layerCount = reader.readByte() else {
      throw .malformed
    }
    try self.init(inputWidth: Int(inputWidth), input: input, loss: loss)
    guard layerCount > 0 else { throw .noLayers }
    for _ in 0..<layerCount {
      guard let outputs = reader.readLittleEndian(width: 2), let code = reader.readByte(),
        let activation = Activation(rawValue: code)
      else { throw .malformed }
      try append(outputs: Int(outputs), activation: activation)
    }
    guard reader.remaining == 0 else { throw .malformed }
  }
}
