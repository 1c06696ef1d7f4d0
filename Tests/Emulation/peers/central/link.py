"""A connection as its central has it: events, acknowledgement, encryption (Core Specification Vol 6 Part B 4.5,
Part E)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from nrf52840 import MICROSECOND
from nrf52840.air import Packet, Phy
from nrf52840.ciphers import AUTHENTICATED, MIC, aes
from nrf52840.link_layer import CONTROL, ConnectRequest, channel_by_first_algorithm, channel_by_second_algorithm
from nrf52840.listener import BY_CENTRAL, MORE_DATA, NEXT_EXPECTED, SEQUENCE
from nrf52840.schedule import TIMEOUT_UNIT, UNIT, WINDOW_DELAY
from nrf52840.timeline import Appointment

from .station import INTER_FRAME_SPACE, TOLERANCE, Station, duration

CONTINUES, BEGINS = 1, 2
SHORT, SHORT_TIME, LONG, LONG_TIME = 27, 328, 251, 2120
TIMED_OUT, MIC_FAILURE, NOT_ESTABLISHED = 0x08, 0x3D, 0x3E
#: How late in its window an event begins: a central with another connection has no choice either.
IN_WINDOW = 500 * MICROSECOND


class Cipher:
    """What encrypts the packets of both directions (Part E)."""

    def __init__(self, key: bytes, diversifier: bytes, vector: bytes) -> None:
        """A long-term key as HCI has it; both halves of what makes a session's key of it, and of the vector."""
        self._cipher = AESCCM(aes(key[::-1], diversifier[::-1]), tag_length=MIC)
        self._vector = vector
        self._sent = self._received = 0

    def seal(self, header: int, body: bytes) -> bytes:
        nonce = (self._sent | BY_CENTRAL).to_bytes(5, "little") + self._vector
        self._sent += 1
        return self._cipher.encrypt(nonce, body, bytes((header & AUTHENTICATED,)))

    def open(self, header: int, body: bytes) -> bytes:
        """InvalidTag if it is not the next packet's."""
        nonce = self._received.to_bytes(5, "little") + self._vector
        opened = self._cipher.decrypt(nonce, body, bytes((header & AUTHENTICATED,)))
        self._received += 1
        return opened


@dataclass(eq=False)
class Outgoing:
    """What waits to be sent; data may need several packets."""

    kind: int
    body: bytes
    #: Called when the last of it was acknowledged.
    acknowledged: Callable[[], object] = lambda: None


@dataclass
class Lengths:
    """The longest bodies, and how long they may take, in microseconds."""

    send: int = SHORT
    send_time: int = SHORT_TIME
    receive: int = SHORT
    receive_time: int = SHORT_TIME


@dataclass(eq=False)
class Faults:
    """What the central does wrong because a test wants it to."""

    #: Sees each PDU as it would go into the air, header and MIC included, and says what goes there.
    alter: Callable[[bytes], bytes] = lambda pdu: pdu
    #: Begins no event any more.
    is_silent: bool = False
    #: Takes no notice of what the board asks or answers: only acknowledges.
    is_deaf: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of a connection, in units of 1.25 ms and 10 ms."""

    interval: int
    latency: int
    timeout: int


@dataclass(eq=False)
class Link:
    """One connection. What comes goes to `received`, with its LLID; why it is over, to `ended`."""

    station: Station
    request: ConnectRequest
    uses_second_algorithm: bool
    received: Callable[[int, bytes], object]
    ended: Callable[[int], object]
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        request = self.request
        self.parameters = Parameters(request.interval, request.latency, request.timeout)
        self.channel_map = request.channel_map
        #: Number of the event that is on, or was on last.
        self.counter = -1
        self.phy_out = self.phy_in = Phy.LE_1M
        self.lengths = Lengths()
        self.cipher: Cipher | None = None
        self.is_open = True
        #: No data goes out while encryption is being begun.
        self.holds_data = False
        self._control: deque[Outgoing] = deque()
        self._data: deque[Outgoing] = deque()
        #: What was sent and is not acknowledged: its LLID, its body as it is in the air, and what to do then.
        self._current: tuple[int, bytes, Callable[[], object]] | None = None
        self._sequence = self._expected = 0
        self._has_more = self._peer_has_more = False
        self._bad_in_row = 0
        self._is_on = False
        self._channel = 0
        #: What changes at which event; and the parameters that do, with the window's offset.
        self._instants: dict[int, Callable[[], object]] = {}
        self._update: tuple[int, int, Parameters] | None = None
        self._closing: int | None = None
        self._next_anchor = self.station.now
        self._next: Appointment | None = None
        self._supervision: Appointment | None = None

    def begin(self, requested: int) -> None:
        """The request ended then."""
        self._next_anchor = requested + WINDOW_DELAY + self.request.window_offset * UNIT + IN_WINDOW
        self._next = self.station.at(self._next_anchor, self._begin_event)
        self._supervise(6 * self.parameters.interval * UNIT, NOT_ESTABLISHED)

    # What is to be sent, and what is to change.

    def send(self, kind: int, body: bytes, acknowledged: Callable[[], object] = lambda: None) -> None:
        """Data, or a control PDU, which goes first."""
        (self._control if kind == CONTROL else self._data).append(Outgoing(kind, body, acknowledged))

    @property
    def instant(self) -> int:
        """One that the other end has heard of by then: 6 events off at least (5.5.1), and some that may get lost."""
        return self.counter + 10 & 0xFFFF

    @property
    def awaits_instant(self) -> bool:
        return bool(self._instants) or self._update is not None

    def at(self, instant: int, change: Callable[[], object]) -> None:
        """Changes something when the event of that number begins."""
        self._instants[instant] = change

    def update(self, instant: int, offset: int, parameters: Parameters) -> None:
        """From that event on; its window begins so much later than it would have."""
        self._update = instant, offset, parameters

    def close(self, reason: int) -> None:
        """Ends it: nothing is sent any more."""
        if not self.is_open:
            return
        self.is_open = False
        self.station.radio.stop()
        for appointment in (self._next, self._supervision):
            if appointment is not None:
                appointment.call_off()
        self.ended(reason)

    def close_when_acknowledged(self, reason: int) -> None:
        """The other end has said that it is over: it wants to know that this was heard."""
        self._closing = reason

    # Events.

    def _begin_event(self) -> None:
        self.counter += 1
        if (change := self._instants.pop(self.counter & 0xFFFF, None)) is not None:
            change()
        anchor = self._next_anchor
        self._plan_next(anchor)
        if self.faults.is_silent or self._is_on:
            # Or the last event is still on, because the other end had more to say than was to be expected.
            return
        self._is_on = True
        self._bad_in_row = 0
        self._channel = self._select_channel()
        self._transmit()

    def _plan_next(self, anchor: int) -> None:
        self._next_anchor = anchor + self.parameters.interval * UNIT
        if self._update is not None and self._update[0] == self.counter + 1 & 0xFFFF:
            _, offset, self.parameters = self._update
            self._update = None
            self._next_anchor += offset * UNIT + IN_WINDOW
            self._supervise(self.parameters.timeout * TIMEOUT_UNIT, TIMED_OUT)
        self._next = self.station.at(self._next_anchor, self._begin_event)

    def _select_channel(self) -> int:
        if self.uses_second_algorithm:
            return channel_by_second_algorithm(self.channel_map, self.request.address, self.counter & 0xFFFF)
        return channel_by_first_algorithm(self.channel_map, self.request.hop, self.counter)

    def _supervise(self, time: int, reason: int) -> None:
        if self._supervision is not None:
            self._supervision.call_off()
        self._supervision = self.station.at(self.station.now + time, lambda: self.close(reason))

    def _end_event(self) -> None:
        self._is_on = False

    # Sending.

    def _transmit(self) -> None:
        """The next packet, or the last one again."""
        if self._current is None:
            self._current = self._take()
        kind, body, _ = self._current
        self._has_more = self._has_waiting and self._fits(len(body), another=True)
        header = (
            kind | (NEXT_EXPECTED if self._expected else 0) | (SEQUENCE if self._sequence else 0)
            | (MORE_DATA if self._has_more else 0))
        pdu = self.faults.alter(bytes((header, len(body))) + body)
        self.station.radio.send(
            self._channel, self.phy_out, self.request.address, self.request.checksum, pdu, self._sent)

    @property
    def _has_waiting(self) -> bool:
        return bool(self._control) or bool(self._data) and not self.holds_data

    def _take(self) -> tuple[int, bytes, Callable[[], object]]:
        if self._control:
            outgoing = self._control.popleft()
            return outgoing.kind, self._seal(outgoing.kind, outgoing.body), outgoing.acknowledged
        if not self._data or self.holds_data:
            return CONTINUES, b"", lambda: None
        outgoing = self._data[0]
        kind, piece, outgoing.body = outgoing.kind, outgoing.body[:self._longest], outgoing.body[self._longest:]
        if outgoing.body:
            outgoing.kind = CONTINUES
            return kind, self._seal(kind, piece), lambda: None
        self._data.popleft()
        return kind, self._seal(kind, piece), outgoing.acknowledged

    def _seal(self, kind: int, body: bytes) -> bytes:
        return self.cipher.seal(kind, body) if self.cipher is not None and body else body

    @property
    def _longest(self) -> int:
        """The most octets of data that a packet may have."""
        in_time = self.lengths.send_time * MICROSECOND - duration(self.phy_out, MIC)
        return min(self.lengths.send, in_time // (8 * self.phy_out.bit))

    def _fits(self, length: int, another: bool = False) -> bool:
        """Whether a packet, its answer, and an inter-frame space have time before the next event, if it begins now; and
        one more of each kind. Who has said that he has more to say gets the time for it."""
        expected = self.lengths.receive + MIC if self._peer_has_more else 0
        time = duration(self.phy_out, length) + duration(self.phy_in, expected) + 2 * INTER_FRAME_SPACE
        if another:
            time += duration(self.phy_out, 0) + duration(self.phy_in, 0) + 2 * INTER_FRAME_SPACE
        return self.station.now + time <= self._next_anchor

    def _sent(self, end: int) -> None:
        if self._closing is not None:
            self.close(self._closing)
            return
        self.station.radio.listen(
            self._channel, self.phy_in, self.request.address, self.request.checksum, self._heard,
            end + INTER_FRAME_SPACE + TOLERANCE)

    # Receiving.

    def _heard(self, packet: Packet | None, is_good: bool, end: int) -> None:
        if packet is None:
            self._end_event()
            return
        goes_on = self._has_more
        self._peer_has_more = False
        if is_good:
            self._bad_in_row = 0
            self._supervise(self.parameters.timeout * TIMEOUT_UNIT, TIMED_OUT)
            self._peer_has_more = bool(packet.pdu[0] & MORE_DATA)
            goes_on |= self._peer_has_more
            self._acknowledge(bool(packet.pdu[0] & NEXT_EXPECTED))
            self._accept(packet.pdu)
        else:
            self._bad_in_row += 1
            goes_on = self._bad_in_row < 2
        if goes_on and self.is_open:
            self.station.at(end + INTER_FRAME_SPACE, self._go_on)
        else:
            self._end_event()

    def _go_on(self) -> None:
        if not self.is_open:
            return
        if self._current is None:
            self._current = self._take()
        if self._fits(len(self._current[1])):
            self._transmit()
        else:
            self._end_event()

    def _acknowledge(self, next_expected: bool) -> None:
        if self._current is not None and next_expected != bool(self._sequence):
            self._sequence ^= 1
            acknowledged, self._current = self._current[2], None
            acknowledged()

    def _accept(self, pdu: bytes) -> None:
        if bool(pdu[0] & SEQUENCE) != bool(self._expected) or not self.is_open:
            return
        self._expected ^= 1
        body = pdu[2:]
        if not body:
            return
        if self.cipher is not None:
            try:
                body = self.cipher.open(pdu[0], body)
            except InvalidTag:
                self.close(MIC_FAILURE)
                return
        self.received(pdu[0] & 3, body)
