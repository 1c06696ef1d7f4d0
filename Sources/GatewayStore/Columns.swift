import Digests
import Foundation
import GRDB
import Rounds

/// A column does not hold what this program writes into it.
struct UnreadableColumn: Error, CustomStringConvertible {
  let column: String

  var description: String { "column \(column) holds something else" }
}

extension Row {
  /// The value of a column. GRDB's own subscripts trap on a value of another type, and a damaged file has those.
  func value<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    guard let value = Value.fromDatabaseValue(self[column]) else { throw UnreadableColumn(column: column) }
    return value
  }

  /// The value of a column that may be NULL.
  func optional<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws
    -> Value?
  {
    let stored: DatabaseValue = self[column]
    return stored.isNull ? nil : try value(column)
  }

  func digest(_ column: String) throws -> Digest32 {
    guard let digest = Digest32(hex: try value(column, as: String.self)) else {
      throw UnreadableColumn(column: column)
    }
    return digest
  }

  func board(_ column: String) throws -> BoardID {
    guard let board = BoardID(try value(column, as: String.self)) else {
      throw UnreadableColumn(column: column)
    }
    return board
  }

  func date(_ column: String) throws -> Date {
    Date(timeIntervalSince1970: Double(try value(column, as: Int64.self)) / 1000)
  }

  func optionalDate(_ column: String) throws -> Date? {
    try optional(column, as: Int64.self).map { Date(timeIntervalSince1970: Double($0) / 1000) }
  }

  func bytes(_ column: String) throws -> [UInt8] { [UInt8](try value(column, as: Data.self)) }
}

extension Date {
  /// Milliseconds since 1970, as the database keeps times; dates beyond all clocks are clamped.
  var milliseconds: Int64 {
    let value = (timeIntervalSince1970 * 1000).rounded()
    return Int64(exactly: value) ?? (value > 0 ? .max : 0)
  }
}
