/// Why a data set cannot be read, written or divided: a stable code, the cause and what to do about it.
public struct DatasetError: Error, Equatable, CustomStringConvertible {
  /// The kinds of failure; the raw values are stable names for scripts.
  public enum Code: String, Sendable {
    /// No data set of that name was found.
    case notFound = "dataset-not-found"
    /// The file cannot be opened or read.
    case unreadable = "dataset-unreadable"
    /// The file cannot be written.
    case unwritable = "dataset-unwritable"
    /// The bytes are no data set at all.
    case notADataset = "dataset-not-a-dataset"
    /// The file is of a version of the format that this program does not know.
    case unsupportedVersion = "dataset-version"
    /// The file is truncated, has been changed, or contradicts itself.
    case damaged = "dataset-damaged"
    /// The parts that a data set was to be made of do not fit together.
    case inconsistent = "dataset-inconsistent"
    /// The data set cannot be divided among boards in the way that was asked for.
    case impossiblePartition = "dataset-partition"
  }

  /// What kind of failure it is.
  public let code: Code
  /// What is wrong, in a clause that can follow the name of the file.
  public let cause: String
  /// What the user can do.
  public let remedy: String
  /// The file or data set that it is about, if known.
  public var subject: String?

  init(_ code: Code, _ cause: String, remedy: String, subject: String? = nil) {
    self.code = code
    self.cause = cause
    self.remedy = remedy
    self.subject = subject
  }

  static func damaged(_ cause: String) -> Self {
    Self(.damaged, cause, remedy: "copy the file again; Scripts/prepare-datasets makes the bundled ones anew")
  }

  func about(_ subject: String) -> Self {
    var named = self
    named.subject = subject
    return named
  }

  /// One line: subject, cause, remedy and code.
  public var description: String {
    "\(subject.map { "\($0): " } ?? "")\(cause); \(remedy) [\(code.rawValue)]"
  }
}
