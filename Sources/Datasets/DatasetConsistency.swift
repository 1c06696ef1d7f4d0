extension Dataset {
  /// The most inputs that an example can have.
  public static let widestExample = 4096
  /// The most examples that a file can hold.
  public static let mostExamples = 1 << 24

  /// What does not fit together, or nil: the one place where the rules of the format are checked.
  var contradiction: String? {
    if let fault = Self.fault(inText: name) { return "its name \(fault)" }
    guard (1...256).contains(classNames.count) else { return "it has \(classNames.count) classes, not 1…256" }
    for (label, className) in classNames.enumerated() {
      if let fault = Self.fault(inText: className) { return "the name of class \(label) \(fault)" }
    }
    guard (1...Self.widestExample).contains(featureWidth) else {
      return "its examples have \(featureWidth) features, not 1…\(Self.widestExample)"
    }
    guard columns.isEmpty || columns.count == featureWidth else {
      return "it describes \(columns.count) of \(featureWidth) features"
    }
    for (i, column) in columns.enumerated() {
      if let fault = Self.fault(inText: column.name) { return "the name of feature \(i) \(fault)" }
      guard column.mean.isFinite, column.deviation.isFinite, column.deviation > 0 else {
        return "feature \(i) has mean \(column.mean) and deviation \(column.deviation)"
      }
    }
    guard count <= Self.mostExamples else {
      return "it has \(count) examples, more than \(Self.mostExamples)"
    }
    guard groups.count == count, splits.count == count, features.count == count * featureWidth else {
      return "it has \(count) labels, \(groups.count) groups, \(splits.count) splits and \(features.count) "
        + "feature values of \(featureWidth) an example"
    }
    if let bad = labels.firstIndex(where: { Int($0) >= classNames.count }) {
      return "example \(bad) is of class \(labels[bad]), but there are \(classNames.count) classes"
    }
    switch features {
    case .float32(let values):
      if let bad = values.firstIndex(where: { !$0.isFinite }) {
        return "example \(bad / featureWidth) holds \(values[bad])"
      }
    case .int8(_, let scale, _):
      guard scale.isFinite, scale > 0 else { return "its features have the scale \(scale)" }
    }
    return nil
  }

  private static func fault(inText text: String) -> String? {
    let bytes = text.utf8
    if bytes.isEmpty { return "is empty" }
    if bytes.count > 255 { return "is \(bytes.count) bytes long, more than 255" }
    // Names come to stand in log lines, which must stay one line.
    return bytes.contains { $0 < 0x20 || $0 == 0x7f } ? "has a control character" : nil
  }
}
