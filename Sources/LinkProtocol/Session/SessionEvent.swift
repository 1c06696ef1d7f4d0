/// Why a session ended.
public enum SessionEnd: Sendable, Equatable {
  /// The peer said farewell.
  case farewell
  /// The peer does not know the session any more: it was reset.
  case peerReset
  /// The peer did not answer for long.
  case peerSilent
  /// The carrier under it is gone.
  case carrierLost
}

/// What a frame or the passing of time led to. One frame leads to at most one event.
public enum SessionEvent: Sendable, Equatable {
  /// Nothing the owner has to act on.
  case nothing
  /// Gateway: the board accepted the session.
  case established(Welcome)
  /// Board: a gateway opened a session; an earlier one is over.
  case opened(Greeting)
  /// Gateway: the board speaks no version that this gateway speaks.
  case refused(Refusal)
  /// The session is over; a gateway greets anew.
  case ended(SessionEnd)
  /// The peer said something.
  case message(ControlMessage)
  /// The peer offers an object: accept or decline it.
  case offered(TransferNumber, ObjectOffer)
  /// An incoming transfer has come further.
  case arriving(TransferNumber)
  /// All bytes of an accepted object are here: verify, store, then confirm or reject.
  case received(TransferNumber, ObjectOffer)
  /// An outgoing transfer has come further.
  case departing(TransferNumber)
  /// The peer has stored an object for good.
  case delivered(TransferNumber, ObjectOffer)
  /// The peer does not want an object, or did not keep it.
  case declined(TransferNumber, ObjectOffer, TransferRefusal)
  /// An accepted object will not come.
  case withdrawn(TransferNumber, ObjectOffer, TransferRefusal)
  /// Bytes that are no frame came in; they count as lost.
  case damaged(FrameError)
  /// A frame in order whose content is none: the peer has a defect.
  case violation(ProtocolViolation)
}

/// What a peer sent that it must not send.
public enum ProtocolViolation: Sendable, Equatable {
  /// A handshake or control message that cannot be read.
  case malformedMessage
  /// A control message of a kind this side does not know; it was answered with a problem.
  case unknownMessage(UInt64)
  /// A chunk that belongs to no accepted range, or an acknowledgement of bytes never sent.
  case impossibleTransfer(TransferNumber)
  /// A frame that only the other role may send.
  case wrongRole
}
