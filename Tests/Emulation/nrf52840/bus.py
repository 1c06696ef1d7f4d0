"""Finds the register at an address. What neither the register map nor a model knows ends the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .errors import Violation

#: Peripherals on the APB, and those on the AHB, which are the ports.
RANGES = ((0x4000_0000, 0x80_000), (0x5000_0000, 0x80_000))

#: Is told of every access: whether it was a write, the register's name, the value.
Trace = Callable[[bool, str, int], None]


class Block(Protocol):
    """Something with registers: for each a function, by its address."""

    @property
    def name(self) -> str: ...

    def readers(self) -> dict[int, Callable[[], int]]: ...

    def writers(self) -> dict[int, Callable[[int], None]]: ...

    def name_of(self, address: int) -> str: ...

    def trigger_at(self, address: int) -> None: ...


class Bus:
    """The registers of all peripherals, by their addresses."""

    def __init__(self) -> None:
        self._readers: dict[int, Callable[[], int]] = {}
        self._writers: dict[int, Callable[[int], None]] = {}
        self._owners: dict[int, Block] = {}
        self.trace: Trace | None = None

    def connect(self, block: Block) -> None:
        readers = block.readers()
        if both := self._readers.keys() & readers.keys():
            raise ValueError(f"{block.name} lies over {self._owners[min(both)].name}")
        self._readers |= readers
        self._writers |= block.writers()
        self._owners |= dict.fromkeys(readers, block)

    def read(self, address: int, size: int) -> int:
        reader = self._readers.get(address & ~3)
        if reader is None or size != 4:
            raise Violation(f"read of {size} bytes at {address:#x}{self._near(address)}")
        value = reader() & 0xFFFF_FFFF
        if self.trace is not None:
            self.trace(False, self.name_of(address), value)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        writer = self._writers.get(address)
        if writer is None or size != 4:
            raise Violation(f"write of {value:#x} in {size} bytes to {address:#x}{self._near(address)}")
        if self.trace is not None:
            self.trace(True, self.name_of(address), value)
        writer(value)

    def trigger(self, address: int) -> None:
        """Triggers a task, for the PPI."""
        if (owner := self._owners.get(address)) is None:
            raise Violation(f"the PPI is to trigger {address:#x}, where nothing is")
        owner.trigger_at(address)

    def name_of(self, address: int) -> str:
        return self._owners[address & ~3].name_of(address & ~3)

    def _near(self, address: int) -> str:
        if address & ~3 in self._owners:
            return f", {self.name_of(address)}, which takes words only"
        return ", where no register is known"
