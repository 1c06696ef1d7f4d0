"""RAM as the peripherals see it. EasyDMA reaches nothing else (nRF52840 PS, "EasyDMA")."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .engine import RAM_BASE
from .errors import Violation

if TYPE_CHECKING:
    from .engine import Engine


class Memory:
    """The chip's RAM."""

    def __init__(self, engine: Engine) -> None:
        self._ram = memoryview(engine.ram).cast("B")

    def poison(self, seed: int) -> None:
        """Fills it with what nobody put there, as after power-up."""
        self._ram[:] = random.Random(seed).randbytes(len(self._ram))

    def read(self, address: int, count: int, who: str) -> bytes:
        """What `who` reads by DMA."""
        at = self._place(address, count, who)
        return bytes(self._ram[at:at + count])

    def write(self, address: int, data: bytes, who: str) -> None:
        at = self._place(address, len(data), who)
        self._ram[at:at + len(data)] = data

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4, "a test"), "little")

    def set_word(self, address: int, value: int) -> None:
        self.write(address, value.to_bytes(4, "little"), "a test")

    def _place(self, address: int, count: int, who: str) -> int:
        at = address - RAM_BASE
        if not 0 <= at <= len(self._ram) - count:
            raise Violation(f"{who} has {count} bytes at {address:#010x} for its DMA, which only reaches RAM")
        return at
