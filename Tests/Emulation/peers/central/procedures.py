"""Link-layer control: what a central asks and answers (Core Specification Vol 6 Part B 2.4.2, 5.1, 5.3)."""

from __future__ import annotations

import enum
import random
import struct
from collections import deque
from collections.abc import Callable, Generator

from nrf52840 import SECOND
from nrf52840.air import Phy
from nrf52840.audit import PHYS
from nrf52840.link_layer import CONTROL, Control
from nrf52840.timeline import Appointment

from .link import LONG, LONG_TIME, SHORT, SHORT_TIME, Cipher, Lengths, Link, Parameters


class Opcode(enum.IntEnum):
    """Of the control PDUs that `Control` leaves out, because a listener need not understand them."""

    UNKNOWN_RSP = 0x07
    FEATURE_REQ = 0x08
    FEATURE_RSP = 0x09
    PAUSE_ENC_RSP = 0x0B
    VERSION_IND = 0x0C
    REJECT_IND = 0x0D
    PERIPHERAL_FEATURE_REQ = 0x0E
    REJECT_EXT_IND = 0x11
    PING_REQ = 0x12
    PING_RSP = 0x13
    PHY_REQ = 0x16
    PHY_RSP = 0x17


#: Encryption, extended reject, the peripheral's features exchange, ping, data length, 2M, channel selection #2.
FEATURES = sum(1 << bit for bit in (0, 2, 3, 4, 5, 8, 14)).to_bytes(8, "little")
#: 5.0, of no company.
VERSION = struct.pack("<BHH", 9, 0xFFFF, 1)
RESPONSE_TIMEOUT = 40 * SECOND
UNSUPPORTED, TIMED_OUT, COLLISION = 0x1A, 0x22, 0x23
#: What a procedure waits for, and gets: opcode and content of a PDU.
Procedure = Generator[tuple[int, ...], bytes, None]


class Rejected(Exception):
    """The other end does not know what it was asked, or will not; the error."""

    def __init__(self, error: int) -> None:
        super().__init__(f"rejected: {error:#x}")
        self.error = error


class Procedures:
    """Of one connection, one after another. What they come to is told by functions that are handed in; the first
    argument of those is an error, or 0."""

    def __init__(self, link: Link, draw: random.Random) -> None:
        self.link = link
        self.lengths_changed: Callable[[Lengths], object] = lambda lengths: None
        self.phys_changed: Callable[[int, Phy, Phy], object] = lambda error, out, back: None
        self._draw = draw
        self._waiting: deque[Procedure] = deque()
        self._active: Procedure | None = None
        #: What was asked last, and what is waited for.
        self._asked = 0
        self._awaited: tuple[int, ...] = ()
        self._timeout: Appointment | None = None
        self._has_sent_version = False
        self._version: bytes | None = None

    # What goes on.

    def start(self, procedure: Procedure) -> None:
        self._waiting.append(procedure)
        self._begin_next()

    def _begin_next(self) -> None:
        while self._active is None and self._waiting:
            self._active = self._waiting.popleft()
            self._go_on(lambda procedure: next(procedure))

    def _go_on(self, step: Callable[[Procedure], tuple[int, ...]]) -> None:
        assert self._active is not None
        if self._timeout is not None:
            self._timeout.call_off()
            self._timeout = None
        try:
            self._awaited = step(self._active)
        except StopIteration:
            self._active, self._awaited = None, ()
            return
        self._timeout = self.link.station.at(
            self.link.station.now + RESPONSE_TIMEOUT, lambda: self.link.close(TIMED_OUT))

    def close(self) -> None:
        """Nothing is waited for any more."""
        if self._timeout is not None:
            self._timeout.call_off()
        self._active, self._awaited = None, ()
        self._waiting.clear()

    def send(self, opcode: int, content: bytes = b"", acknowledged: Callable[[], object] = lambda: None) -> None:
        self.link.send(CONTROL, bytes((opcode,)) + content, acknowledged)

    def _ask(self, opcode: int, content: bytes = b"") -> None:
        self._asked = opcode
        self.send(opcode, content)

    # What comes.

    def received(self, pdu: bytes) -> None:
        if self.link.faults.is_deaf and pdu[0] != Control.TERMINATE_IND:
            return
        if self._active is not None and pdu[0] in self._awaited:
            self._go_on(lambda procedure: procedure.send(pdu))
            self._begin_next()
        elif (error := self._rejection(pdu)) is not None:
            self._go_on(lambda procedure: procedure.throw(Rejected(error)))
            self._begin_next()
        else:
            self._answer(pdu)

    def _rejection(self, pdu: bytes) -> int | None:
        if self._active is None:
            return None
        match pdu[0]:
            case Opcode.UNKNOWN_RSP if pdu[1:2] == bytes((self._asked,)):
                return UNSUPPORTED
            case Opcode.REJECT_IND if self._asked == Control.ENC_REQ:
                return pdu[1]
            case Opcode.REJECT_EXT_IND if pdu[1:2] == bytes((self._asked,)):
                return pdu[2]
            case _:
                return None

    def _answer(self, pdu: bytes) -> None:
        match pdu[0]:
            case Control.TERMINATE_IND:
                self.link.close_when_acknowledged(pdu[1])
            case Opcode.PERIPHERAL_FEATURE_REQ:
                self.send(Opcode.FEATURE_RSP, FEATURES)
            case Opcode.VERSION_IND:
                self._version = pdu[1:]
                self._send_version()
            case Opcode.PING_REQ:
                self.send(Opcode.PING_RSP)
            case Control.LENGTH_REQ:
                self.send(Control.LENGTH_RSP, self._own_lengths(LONG, LONG_TIME))
                self._agree(pdu)
            case Opcode.PHY_REQ if self._asked == Opcode.PHY_REQ and self._active is not None:
                # Both have asked at once: the central's counts (5.3).
                self.send(Opcode.REJECT_EXT_IND, bytes((Opcode.PHY_REQ, COLLISION)))
            case Opcode.PHY_REQ:
                self.start(self._update_phys(pdu[1] & 3, pdu[2] & 3))
            case Opcode.UNKNOWN_RSP | Opcode.REJECT_IND | Opcode.REJECT_EXT_IND:
                pass
            case _:
                self.send(Opcode.UNKNOWN_RSP, pdu[:1])

    def _send_version(self) -> None:
        if not self._has_sent_version:
            self._has_sent_version = True
            self.send(Opcode.VERSION_IND, VERSION)

    # Procedures.

    def features(self, done: Callable[[int, bytes], object]) -> Procedure:
        try:
            self._ask(Opcode.FEATURE_REQ, FEATURES)
            answer = yield (Opcode.FEATURE_RSP,)
            done(0, answer[1:])
        except Rejected as rejected:
            done(rejected.error, bytes(8))

    def version(self, done: Callable[[int, bytes], object]) -> Procedure:
        if self._version is None:
            self._send_version()
            self._version = (yield (Opcode.VERSION_IND,))[1:]
        done(0, self._version)

    def data_length(self, octets: int, time: int) -> Procedure:
        try:
            self._ask(Control.LENGTH_REQ, self._own_lengths(octets, time))
            self._agree((yield (Control.LENGTH_RSP,)), octets, time)
        except Rejected:
            pass

    def _own_lengths(self, octets: int, time: int) -> bytes:
        return struct.pack("<HHHH", LONG, LONG_TIME, octets, time)

    def _agree(self, pdu: bytes, octets: int = LONG, time: int = LONG_TIME) -> None:
        receives, receive_time, sends, send_time = struct.unpack_from("<HHHH", pdu, 1)
        agreed = Lengths(
            max(SHORT, min(octets, receives)), max(SHORT_TIME, min(time, receive_time)),
            max(SHORT, min(LONG, sends)), max(SHORT_TIME, min(LONG_TIME, send_time)))
        if agreed != self.link.lengths:
            self.link.lengths = agreed
            self.lengths_changed(agreed)

    def phys(self, send: int, receive: int) -> Procedure:
        """PHYs by their bits; no bit: any."""
        try:
            self._ask(Opcode.PHY_REQ, bytes((send or 3, receive or 3)))
            answer = yield (Opcode.PHY_RSP,)
        except Rejected as rejected:
            self.phys_changed(rejected.error, self.link.phy_out, self.link.phy_in)
            return
        yield from self._update_phys((receive or 3) & answer[1], (send or 3) & answer[2], always=True)

    def _update_phys(self, to_central: int, to_peripheral: int, always: bool = False) -> Procedure:
        """The faster one of those that both have."""
        link = self.link
        out = PHYS[1 << (to_peripheral.bit_length() - 1)] if to_peripheral else link.phy_out
        back = PHYS[1 << (to_central.bit_length() - 1)] if to_central else link.phy_in
        bits = {phy: bit for bit, phy in PHYS.items()}
        changes = (0 if back is link.phy_in else bits[back], 0 if out is link.phy_out else bits[out])
        # The fields say what the central sends on first (2.4.2.22).
        content = struct.pack("<BBH", changes[1], changes[0], link.instant if any(changes) else 0)
        self.send(Control.PHY_UPDATE_IND, content)
        if not any(changes):
            if always:
                self.phys_changed(0, link.phy_out, link.phy_in)
            return
        yield from self._until(int.from_bytes(content[2:], "little"), lambda: self._set_phys(out, back))

    def _set_phys(self, out: Phy, back: Phy) -> None:
        self.link.phy_out, self.link.phy_in = out, back
        self.phys_changed(0, out, back)

    def _until(self, instant: int, change: Callable[[], object]) -> Procedure:
        """No other procedure begins before it."""

        def now() -> None:
            change()
            self._go_on(lambda procedure: next(procedure))
            self._begin_next()

        self.link.at(instant, now)
        yield ()

    def parameters(self, interval: int, latency: int, timeout: int, done: Callable[[int], object]) -> Procedure:
        instant = self.link.instant
        self.send(
            Control.CONNECTION_UPDATE_IND, struct.pack("<BHHHHH", 1, 0, interval, latency, timeout, instant))
        self.link.update(instant, 0, Parameters(interval, latency, timeout))
        yield from self._until(instant, lambda: done(0))

    def channels(self, channel_map: int) -> Procedure:
        instant = self.link.instant
        self.send(Control.CHANNEL_MAP_IND, channel_map.to_bytes(5, "little") + struct.pack("<H", instant))
        yield from self._until(instant, lambda: setattr(self.link, "channel_map", channel_map))

    def encryption(self, number: bytes, diversifier: bytes, key: bytes, done: Callable[[int], object]) -> Procedure:
        """`number`, `diversifier` and `key` as HCI has them."""
        link = self.link
        own, own_vector = self._draw.randbytes(8), self._draw.randbytes(4)
        link.holds_data = True
        try:
            self._ask(Control.ENC_REQ, number + diversifier + own + own_vector)
            answer = yield (Control.ENC_RSP,)
            yield (Control.START_ENC_REQ,)
            link.cipher = Cipher(key, own + answer[1:9], own_vector + answer[9:13])
            self._ask(Control.START_ENC_RSP)
            yield (Control.START_ENC_RSP,)
            done(0)
        except Rejected as rejected:
            done(rejected.error)
        link.holds_data = False

    def terminate(self, reason: int, ended: int) -> Procedure:
        self.send(Control.TERMINATE_IND, bytes((reason,)), lambda: self.link.close(ended))
        yield ()
