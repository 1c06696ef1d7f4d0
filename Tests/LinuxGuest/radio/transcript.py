"""What a board and a gateway said over the air and when: frames, transfers, and advertisements."""

from __future__ import annotations

import dataclasses
import struct
import time

from bumble import ll

from .air import Air
from .chip import Chip

ATTRIBUTES, FIRST_CHANNEL = 0x0004, 0x0040
#: Writing without an answer, and notifying, and the attributes that carry fragments (Protocols/gatt.md §2).
FRAGMENTS = {(0x52, 0x1F), (0x1B, 0x21)}
#: Kinds of frames (Protocols/link.md §3) and of control messages (Protocols/messages.cddl).
GREETING, CONTROL, CHUNK = 1, 4, 6
OFFER, CONFIRMATION = 10, 12


@dataclasses.dataclass
class Transfer:
    """An object on its way; times in seconds, of `time.monotonic`."""

    is_down: bool
    length: int
    offered: float
    #: Octets of L2CAP PDUs in its direction since.
    carried: int = 0
    #: When chunks of it went.
    chunks: list[float] = dataclasses.field(default_factory=list)
    confirmed: float | None = None

    @property
    def seconds(self) -> float:
        """From its offer to the word that it is stored for good."""
        assert self.confirmed is not None
        return self.confirmed - self.offered


class Frames:
    """Puts a direction's frames together, of either carrier (Protocols/gatt.md §4, §5). Nothing gets lost here."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._missing = 0

    def take(self, pdu: bytes) -> bytes | None:
        """The frame that this PDU completes."""
        channel = int.from_bytes(pdu[2:4], "little")
        if channel >= FIRST_CHANNEL:
            return self._append(pdu[4:], begins=self._missing == 0, header=0)
        if channel == ATTRIBUTES and struct.unpack_from("<BH", pdu + bytes(2), 4) in FRAGMENTS and len(pdu) > 7:
            return self._append(pdu[8:], begins=bool(pdu[7] & 0x80), header=1)
        return None

    def _append(self, data: bytes, begins: bool, header: int) -> bytes | None:
        if begins:
            self._missing = int.from_bytes(data[:2], "little")
            self._data.clear()
            data = data[2:]
        self._data += data
        self._missing = max(0, self._missing - len(data))
        return bytes(self._data) if self._missing == 0 and self._data else None


class Transcript:
    """Of one board; keep it in `air.witness`."""

    def __init__(self, air: Air, board: Chip) -> None:
        self._board = board
        #: All of them, in the order of their offers.
        self.transfers: list[Transfer] = []
        self.advertisements: list[float] = []
        self.connections: list[float] = []
        self.greetings: list[float] = []
        #: Of chunks to the board.
        self.chunks: list[float] = []
        self._forget()
        air.witness = self

    def _forget(self) -> None:
        self._frames = {True: Frames(), False: Frames()}
        self._open: dict[tuple[bool, int], Transfer] = {}

    def advertised(self, sender: Chip, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, ll.ConnectInd):
            if self._board.advertises_as(packet.advertiser_address):
                self.connections.append(time.monotonic())
                self._forget()
        elif sender is self._board:
            self.advertisements.append(time.monotonic())

    def sent(self, sender: Chip, receiver: Chip, pdu: bytes) -> None:
        if self._board not in (sender, receiver):
            return
        is_down = receiver is self._board
        for (direction, _), transfer in self._open.items():
            if direction == is_down:
                transfer.carried += len(pdu)
        if frame := self._frames[is_down].take(pdu):
            self._heard(frame, is_down, time.monotonic())

    def _heard(self, frame: bytes, is_down: bool, now: float) -> None:
        if frame[0] == GREETING:
            self.greetings.append(now)
        elif frame[0] == CHUNK:
            if is_down:
                self.chunks.append(now)
            if transfer := self._open.get((is_down, int.from_bytes(frame[6:8], "little"))):
                transfer.chunks.append(now)
        elif frame[0] == CONTROL:
            self._control(frame[8:-4], is_down, now)

    def _control(self, message: bytes, is_down: bool, now: float) -> None:
        """Of `[type, {1: transfer, …}]` what is needed here."""
        if message[0] != 0x82 or message[1] not in (OFFER, CONFIRMATION):
            return
        fields = message[2] & 0x1F
        number, rest = unsigned(message[4:])
        if message[1] == CONFIRMATION:
            # With a second field it says why the object was not kept.
            if (transfer := self._open.pop((not is_down, number), None)) and fields == 1:
                transfer.confirmed = now
        else:
            # 2: kind, 3: a digest of 32 octets, 4: length.
            length, _ = unsigned(rest[2 + 3 + 32 + 1:])
            transfer = self._open[is_down, number] = Transfer(is_down, length, now)
            self.transfers.append(transfer)


def unsigned(data: bytes) -> tuple[int, bytes]:
    """An unsigned integer of CBOR, and what follows it."""
    if data[0] < 24:
        return data[0], data[1:]
    size = 1 << data[0] - 24
    return int.from_bytes(data[1:1 + size], "big"), data[1 + size:]
