"""The flash of an emulated chip, as its bootloader works it."""

from __future__ import annotations

from nrf52840 import Machine
from nrf52840.flash import PAGE as CHIP_PAGE

from .flash import PAGE, Flash

assert CHIP_PAGE == PAGE


class ChipFlash(Flash):
    """What the bootloader writes here is what the chip runs next. Breaking a rule of the chip's flash is an error there."""

    def __init__(self, machine: Machine) -> None:
        self._chip = machine.flash
        self.stuck: set[int] = set()
        self.erasures: dict[int, int] = {}

    def read(self, address: int, count: int) -> bytes:
        return self._chip.read(address, count)

    def erase(self, address: int) -> None:
        assert address % PAGE == 0
        self.erasures[address] = self.erasures.get(address, 0) + 1
        held = self._chip.read(address, PAGE)
        self._chip.erase(address // PAGE)
        if address in self.stuck:
            self._chip.load(address, held)

    def write(self, address: int, data: bytes) -> None:
        """Whole words; bits that are 0 stay so, as the controller programs what it is told."""
        assert address % 4 == 0 and len(data) % 4 == 0, f"{len(data)} bytes at {address:#x} are no whole words"
        for at in range(0, len(data), 4):
            old = int.from_bytes(self._chip.read(address + at, 4), "little")
            word = int.from_bytes(data[at : at + 4], "little") & old
            if word != old:
                self._chip.program(address + at, word)
