public import Rounds

/// Names for boards that people can say: plants, all of them short and hard to mix up.
///
/// A board proposes its names in an order that follows from its identity, so a board has the same name on every
/// gateway unless another board took it before.
public enum FriendlyNames {
  /// The names without a number.
  public static let words = [
    "acacia", "agave", "alder", "almond", "aloe", "anise", "apple", "arnica", "ash", "aspen", "aster",
    "azalea", "balsa", "bamboo", "banyan", "barley", "basil", "beech", "begonia", "birch", "borage", "briar",
    "broom", "cacao", "cactus", "camellia", "caper", "caraway", "cassia", "cedar", "celery", "cherry",
    "chicory", "chive", "cicely", "citron", "clover", "cocoa", "coltsfoot", "comfrey", "coral", "cosmos",
    "cowslip", "cress", "crocus", "cumin", "cypress", "dahlia", "daisy", "date", "dill", "dock", "dogwood",
    "ebony", "elder", "elm", "endive", "fennel", "fern", "fig", "fir", "flax", "foxglove", "freesia",
    "gentian", "ginger", "ginkgo", "gorse", "grape", "guava", "hawthorn", "hazel", "heather", "hemlock",
    "henna", "hibiscus", "holly", "hops", "hyssop", "iris", "ivy", "jasmine", "juniper", "kale", "kiwi",
    "larch", "laurel", "lavender", "leek", "lemon", "lilac", "lily", "lime", "linden", "lotus", "lupin",
    "mallow", "mango", "maple", "medlar", "melon", "millet", "mint", "mulberry", "myrtle", "nettle", "oak",
    "oats", "olive", "orchid", "osier", "palm", "pansy", "papaya", "parsley", "peach", "pear", "peony",
    "pepper", "pine", "plum", "poplar", "poppy", "primrose", "quince", "reed", "rose", "rowan", "rue", "rye",
    "saffron", "sage", "sedge", "senna", "sesame", "sorrel", "spruce", "squill", "sumac", "tansy", "tarragon",
    "teak", "teasel", "thistle", "thyme", "tulip", "vanilla", "verbena", "vetch", "viola", "walnut", "willow",
    "yarrow", "yew", "yucca", "zinnia",
  ]

  /// The first name a board would like that is still free.
  ///
  /// - Parameters:
  ///   - board: who wants a name.
  ///   - isTaken: whether another board has this name, given in lower case.
  /// - Returns: a word, or a word with a number from 2 when all words are taken.
  public static func name(for board: BoardID, isTaken: (String) -> Bool) -> String {
    // Fibonacci hashing: neighbouring serial numbers get unrelated words.
    let start = Int((board.rawValue &* 0x9e37_79b9_7f4a_7c15) >> 33) % words.count
    var lap = 1
    while true {
      for step in 0..<words.count {
        let word = words[(start + step) % words.count]
        let name = lap == 1 ? word : "\(word)-\(lap)"
        if !isTaken(name) { return name }
      }
      lap += 1
    }
  }

  /// Whether a person may give a board this name: 1 to 32 ASCII letters, digits and hyphens, a letter first.
  public static func isValid(_ name: String) -> Bool {
    guard name.utf8.count <= 32, let first = name.first, first.isASCII, first.isLetter else { return false }
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
  }
}
