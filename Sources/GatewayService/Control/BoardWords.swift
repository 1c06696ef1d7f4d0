import BluetoothPolicy
import GatewayStore
import Rounds

/// Which board people mean: by its name, by its identity or the beginning of that, or by its address.
enum BoardWords {
  /// Digits that the beginning of an identity must have.
  private static let shortestPrefix = 4

  /// The known board that is meant; nil if there is none, or more than one.
  static func board(_ words: String, among records: [BoardRecord]) -> BoardID? {
    let small = words.lowercased()
    if let named = records.first(where: { $0.name.lowercased() == small }) { return named.id }
    let matching = records.filter { isIdentity(small, $0.id) }
    return matching.count == 1 ? matching[0].id : nil
  }

  /// Whether what was heard says that it is the board that is meant.
  static func matches(_ words: String, _ sighting: Sighting) -> Bool {
    if sighting.name.lowercased() == words.lowercased() { return true }
    return sighting.claimed.map { isIdentity(words.lowercased(), $0) } ?? false
  }

  private static func isIdentity(_ words: String, _ board: BoardID) -> Bool {
    words.utf8.count >= shortestPrefix && board.description.lowercased().hasPrefix(words)
  }
}
