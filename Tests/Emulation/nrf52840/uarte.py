"""UARTE with EasyDMA, and the older UART without, at the same address (nRF52840 PS, "UARTE", "UART").

The wire's other end is `send` and `sent`. Bytes take their time by the baud rate that the program has set; that the
other end has the same is taken for granted.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import TYPE_CHECKING

from .errors import Violation
from .peripheral import Peripheral, reads, task, wrote
from .timeline import Appointment
from .units import SECOND

if TYPE_CHECKING:
    from .machine import Machine

#: Bytes that the receiver holds when DMA has no place for them; with flow control RTS stops the other end when there is
#: room for this many.
FIFO, SPARE = 6, 4
FLOW_CONTROL = 1
OVERRUN = 1
BITS_A_BYTE = 10


class Mode(enum.IntEnum):
    """Of ENABLE."""

    OFF = 0
    UART = 4
    UARTE = 8


class Uarte(Peripheral):
    blocks = ("UARTE0", "UART0")
    cleared_by_ones = frozenset(("ERRORSRC",))

    def __init__(self, machine: Machine, blocks: tuple[str, ...] | None = None) -> None:
        #: What the program has sent and nobody has taken yet.
        self.sent = bytearray()
        #: What comes over the wire, from the next byte on.
        self._coming: deque[int] = deque()
        super().__init__(machine, blocks)

    def reset(self) -> None:
        super().reset()
        self._receiving = False
        self._fifo: deque[int] = deque()
        #: Of the older kind: a byte waits in RXD.
        self._register_full = False
        #: Where DMA puts bytes, how many there is room for, and how many it has.
        self._target, self._room, self._got = 0, 0, 0
        self._next_byte: Appointment | None = None
        self._sending: Appointment | None = None
        self._arrive_later()

    @property
    def _mode(self) -> int:
        return self["ENABLE"] & 0xF

    @property
    def _byte_time(self) -> int:
        """BAUDRATE is the fraction of 16 MHz, in 32 bits."""
        rate = max(self["BAUDRATE"], 1)
        return BITS_A_BYTE * SECOND * (1 << 32) // (rate * 16_000_000)

    # The wire.

    def send(self, data: bytes) -> None:
        """Sends bytes to the chip, behind those that are under way."""
        self._coming += data
        self._arrive_later()

    def take_sent(self) -> bytes:
        taken = bytes(self.sent)
        self.sent.clear()
        return taken

    def _arrive_later(self) -> None:
        if self._coming and self._next_byte is None and self._is_ready:
            self._next_byte = self.after(self._byte_time, self._arrive)

    @property
    def _is_ready(self) -> bool:
        """RTS: the other end may send."""
        return not self["CONFIG"] & FLOW_CONTROL or self._receiving and len(self._fifo) <= FIFO - SPARE

    def _arrive(self) -> None:
        self._next_byte = None
        if not self._is_ready:
            return
        byte = self._coming.popleft()
        if self._receiving:
            if len(self._fifo) < FIFO:
                self._fifo.append(byte)
                self._drain()
            else:
                self["ERRORSRC"] |= OVERRUN
                self.event("ERROR")
        self._arrive_later()

    def _drain(self) -> None:
        """From the FIFO to memory, or to the register of the older kind."""
        self._move()
        self._arrive_later()

    def _move(self) -> None:
        if self._mode == Mode.UART:
            if self._fifo and not self._register_full:
                self["RXD"] = self._fifo.popleft()
                self._register_full = True
                self.event("RXDRDY")
            return
        while self._fifo and self._got < self._room:
            byte = self._fifo.popleft()
            self.machine.memory.write(self._target + self._got, bytes((byte,)), "UARTE")
            self._got += 1
            self.event("RXDRDY")
            if self._got == self._room:
                self._end_buffer()

    def _end_buffer(self) -> None:
        self["RXD.AMOUNT"] = self._got
        self._room = self._got = 0
        self.event("ENDRX")

    # Receiving.

    @task("STARTRX")
    def start_receiver(self) -> None:
        if self._mode == Mode.OFF:
            raise Violation("UARTE.TASKS_STARTRX while it is off")
        self._receiving = True
        if self._mode == Mode.UARTE:
            self._target, self._room, self._got = self["RXD.PTR"], self["RXD.MAXCNT"], 0
            self.machine.memory.read(self._target, self._room, "UARTE")
            self.event("RXSTARTED")
        self._drain()

    @task("STOPRX")
    def stop_receiver(self) -> None:
        if self._receiving:
            self.after(4 * self._byte_time, self._receiver_stopped)

    def _receiver_stopped(self) -> None:
        if self._receiving and self._mode == Mode.UARTE and self._room:
            self._end_buffer()
        self._receiving = False
        self.event("RXTO")

    @task("FLUSHRX")
    def flush(self) -> None:
        self._target, self._room, self._got = self["RXD.PTR"], self["RXD.MAXCNT"], 0
        self._drain()
        if self._room:
            self._end_buffer()

    @reads("RXD")
    def received(self) -> int:
        value = self["RXD"]
        self._register_full = False
        # At once: who clears the event before he reads, as he should, finds it again.
        self._drain()
        return value

    # Sending.

    @task("STARTTX")
    def start_transmitter(self) -> None:
        if self._mode == Mode.OFF:
            raise Violation("UARTE.TASKS_STARTTX while it is off")
        if self._mode == Mode.UART:
            return
        if self._sending is not None and self._sending.is_on:
            raise Violation("UARTE.TASKS_STARTTX while it sends")
        data = self.machine.memory.read(self["TXD.PTR"], self["TXD.MAXCNT"], "UARTE")
        self.event("TXSTARTED")
        self._sending = self.after(self._byte_time * len(data), lambda: self._sent(data))

    def _sent(self, data: bytes) -> None:
        self.sent += data
        self["TXD.AMOUNT"] = len(data)
        self.event("TXDRDY")
        self.event("ENDTX")

    @task("STOPTX")
    def stop_transmitter(self) -> None:
        if self._sending is not None:
            self._sending.call_off()
            self._sending = None
        self.after(self._byte_time, lambda: self.event("TXSTOPPED"))

    @wrote("TXD")
    def send_byte(self, value: int) -> None:
        self.after(self._byte_time, lambda: self._byte_sent(value & 0xFF))

    def _byte_sent(self, byte: int) -> None:
        self.sent.append(byte)
        self.event("TXDRDY")

    @task("SUSPEND")
    def suspend(self) -> None:
        self._receiving = False

    @wrote("ENABLE")
    def switched(self, value: int) -> None:
        if value & 0xF == Mode.OFF:
            self._receiving = False
            self._room = 0
            self._fifo.clear()

    def left_receiving(self, target: int, room: int) -> None:
        """On, receiving to memory, as a bootloader leaves it."""
        self["ENABLE"] = Mode.UARTE
        self["BAUDRATE"] = 0x01D6_0000
        self["RXD.PTR"], self["RXD.MAXCNT"] = target, room
        self.start_receiver()
        self.forget("RXSTARTED")
