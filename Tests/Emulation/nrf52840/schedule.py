"""When a connection's events begin and on which channels, worked out from CONNECT_IND and what was announced since (Core
Specification Vol 6 Part B 4.5.3, 4.5.8, 5.1.1, 5.1.2)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from .link_layer import channel_by_first_algorithm, channel_by_second_algorithm
from .listener import Connection
from .units import MICROSECOND, MILLISECOND, low_frequency_time

#: What a sleep clock may be off besides its drift (4.2.2).
JITTER = 16 * MICROSECOND
#: The same for the first event in a window, which Zephyr's central works out in periods of 32.768 kHz: it was seen to begin
#: up to 32.3 µs before its window.
WINDOW_JITTER = JITTER + low_frequency_time(1)
#: What intervals, offsets and window sizes are multiples of; how long after a CONNECT_IND its window begins.
UNIT = WINDOW_DELAY = 1_250 * MICROSECOND
TIMEOUT_UNIT = 10 * MILLISECOND
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """The central begins an event in it."""

    earliest: int
    latest: int

    def shifted(self, by: int, size: int = 0) -> Window:
        return Window(self.earliest + by, self.latest + by + size)


class Schedule:
    """Of one connection. An event that the central leaves out counts too."""

    def __init__(self, connection: Connection) -> None:
        request = connection.request
        self._connection = connection
        self._map = request.channel_map
        self._interval, self._timeout = request.interval * UNIT, request.timeout * TIMEOUT_UNIT
        #: The event that is on.
        self.counter = -1
        self.left_out = 0
        self._known = connection.requested
        begin = connection.requested + WINDOW_DELAY + request.window_offset * UNIT
        #: Where the next event begins by the last anchor.
        self._next = Window(begin, begin + request.window_size * UNIT)
        self._updates: list[tuple[int, Callable[[], object]]] = []

    def begin_event(self, start: int) -> str | None:
        """The central begins an event; why it may not, if so."""
        while True:
            self.counter += 1
            self._update()
            # The anchor is the central's doing: only its clock counts, within what it says of it.
            jitter = JITTER if self._next.earliest == self._next.latest else WINDOW_JITTER
            slack = jitter + (self._next.latest - self._known) * self._connection.request.accuracy // MILLION
            if start < self._next.earliest - slack:
                return f"comes {(self._next.earliest - start) / MICROSECOND:.2f} µs before event {self.counter}"
            if start <= self._next.latest + slack:
                self._known, self._next = start, Window(start, start).shifted(self._interval)
                return None
            self._next = self._next.shifted(self._interval)
            self.left_out += 1
            if self._next.earliest - self._known > self._timeout + self._interval:
                return "begins an event after the supervision timeout"

    @property
    def channel(self) -> int:
        """Of the event that is on."""
        request = self._connection.request
        if self._connection.uses_second_algorithm:
            return channel_by_second_algorithm(self._map, request.address, self.counter & 0xFFFF)
        return channel_by_first_algorithm(self._map, request.hop, self.counter)

    # What was announced. PDUs have two bytes of header and the opcode in front.

    def at(self, instant: int, update: Callable[[], object]) -> None:
        """Does something when the event begins whose counter's lower 16 bits are `instant`."""
        self._updates.append((instant, update))

    def announce_parameters(self, pdu: bytes) -> None:
        """LL_CONNECTION_UPDATE_IND."""
        size, offset, interval, _, timeout, instant = struct.unpack_from("<BHHHHH", pdu, 3)

        def update() -> None:
            self._next = self._next.shifted(offset * UNIT, size * UNIT)
            self._interval, self._timeout = interval * UNIT, timeout * TIMEOUT_UNIT

        self.at(instant, update)

    def announce_channels(self, pdu: bytes) -> None:
        """LL_CHANNEL_MAP_IND."""

        def update() -> None:
            self._map = int.from_bytes(pdu[3:8], "little")

        self.at(int.from_bytes(pdu[8:10], "little"), update)

    def _update(self) -> None:
        due = [each for each in self._updates if each[0] == self.counter & 0xFFFF]
        for each in due:
            self._updates.remove(each)
            each[1]()
