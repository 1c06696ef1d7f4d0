"""What the air, the kernel and a small program in the guest do without a gateway and a board."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from machine.guest import Guest

from .air import Air
from .bare import BarePeripheral
from .chip import Chip
from .transcript import Frames

LIMIT = 120.0
#: A command to write, and a notification; where they say so, and what stands before their octets.
COMMANDS, COMMAND_AT, ATT_HEADER = (0x52, 0x1B), 4, 7
ATTRIBUTES = 4
READ_NAME = "0a0300"


class Meter:
    """Hands what a peripheral takes and gives to `heard(is_down, pdu)`; keep it in `air.witness`."""

    def __init__(self, peripheral: Chip, heard: Callable[[bool, bytes], None]) -> None:
        self._peripheral, self._heard = peripheral, heard

    def advertised(self, *_: object) -> None:
        """Of no interest."""

    def sent(self, sender: Chip, receiver: Chip, pdu: bytes) -> None:
        if self._peripheral in (sender, receiver):
            self._heard(receiver is self._peripheral, pdu)


class BarePump:
    """guest/l2cap.py and a peripheral that is no board."""

    def __init__(self, guest: Guest, air: Air) -> None:
        self._guest, self._air = guest, air

    async def octets_a_second(self, words: str, is_down: bool, octets: int) -> float:
        """From the first message to the last. `words`: of l2cap.py, with {address}."""
        moved: list[tuple[float, int]] = []
        messages = Frames()

        def heard(went_down: bool, pdu: bytes) -> None:
            if went_down == is_down:
                is_command = pdu[2] == ATTRIBUTES and pdu[COMMAND_AT] in COMMANDS
                message = pdu[ATT_HEADER:] if is_command else messages.take(pdu)
                if message:
                    moved.append((time.monotonic(), len(message)))

        async with BarePeripheral(self._air) as peripheral:
            peripheral.outgoing = 0 if is_down else octets
            self._air.witness = Meter(peripheral.chip, heard)
            await self._run(f"{words.format(address=peripheral.address)} {'--flood' if is_down else '--drain'} {octets}")
        return sum(count for _, count in moved[1:]) / (moved[-1][0] - moved[0][0])

    async def turnaround(self, count: int = 21) -> float:
        """Seconds from an answer on the air to the next request: what no gateway in this guest can do better."""
        times: list[tuple[bool, float]] = []

        def heard(is_down: bool, pdu: bytes) -> None:
            if pdu[2] == ATTRIBUTES:
                times.append((is_down, time.monotonic()))

        async with BarePeripheral(self._air) as peripheral:
            self._air.witness = Meter(peripheral.chip, heard)
            await self._run(f"att {peripheral.address} {f'{READ_NAME} ' * count}")
        return statistics.median(
            later - earlier for (was_down, earlier), (is_down, later) in zip(times, times[1:]) if is_down and not was_down)

    async def _run(self, words: str) -> None:
        # In a thread: this one carries the air.
        await asyncio.to_thread(
            self._guest.check, f"python3 -S Tests/LinuxGuest/guest/l2cap.py {words} --patience 60", LIMIT)
