/// Why a model cannot be described, read or given memory.
public enum ModelError: Error, Equatable, Sendable {
  /// The bytes are not a model description: cut short, too long, an unknown code, or a scale that is no
  /// positive finite number. Remedy: send the description again; it was damaged or made by another program.
  case malformed

  /// The description is of a format this build does not read. Remedy: update the older side.
  case unsupportedVersion(UInt8)

  /// More layers than ``ModelDescription/maximumLayers``.
  case tooManyLayers

  /// No layer at all: there is nothing to train.
  case noLayers

  /// A layer or the input is narrower than 1 or wider than ``ModelDescription/maximumWidth``.
  case widthOutOfRange(Int)

  /// The lent memory is too small; both figures in floats of 4 bytes. Remedy: a narrower model, or a plan
  /// without momentum or proximal term, which need a copy of the parameters each.
  case doesNotFit(needed: Int, available: Int)
}
