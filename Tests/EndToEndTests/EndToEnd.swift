import Testing

/// The programs as they are shipped, run as processes and joined by pseudo-terminals. One test after the other:
/// each has the machine for itself.
@Suite(.serialized, .timeLimit(.minutes(3))) enum EndToEnd {}
