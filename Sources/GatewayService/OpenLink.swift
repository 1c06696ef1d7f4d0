import Bytes
import Gateway
import NIOCore

/// A link in use, whatever carries it.
protocol OpenLink: AnyObject {
  /// What moves the bytes.
  var channel: any Channel { get }
  /// Set when the gateway itself closes the link.
  var refusal: LinkRefusal? { get set }
  /// Why it closed; the first reason that is known.
  var reason: String? { get set }
  /// Whether a board was ever served on it.
  var hasServed: Bool { get set }

  /// Sends what `next` writes, until it answers false or the link takes no more.
  func send(_ next: (inout BoundedBytes) -> Bool)
}
