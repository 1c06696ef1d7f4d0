"""Registers without names, which the vendor's errata have programs write to (anomalies 171, 187, 211 of the nRF52840).

A lock is before them: a word opens it, and the same word closes it. What the registers do is known as far as the errata
tell it: USBD may not start without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import Violation

if TYPE_CHECKING:
    from .machine import Machine

BASE = 0x4006_E000
LOCK, WORD = BASE + 0xC00, 0x9375
#: Anomaly 171: the voltage of USBD. Anomaly 187: its clock.
SUPPLY, SUPPLY_ON = BASE + 0xC14, 0xC0
CLOCK, CLOCK_ON = BASE + 0xD14, 3


class WorkArounds:
    name = "work-arounds"

    def __init__(self, machine: Machine) -> None:
        self._values = {SUPPLY: 0, CLOCK: 0}
        self._is_open = False
        machine.bus.connect(self)

    def reset(self) -> None:
        self._values = dict.fromkeys(self._values, 0)
        self._is_open = False

    @property
    def usb_can_start(self) -> bool:
        return self._values[SUPPLY] == SUPPLY_ON and self._values[CLOCK] == CLOCK_ON

    def readers(self) -> dict[int, Callable[[], int]]:
        return {
            LOCK: lambda: int(self._is_open), SUPPLY: lambda: self._values[SUPPLY], CLOCK: lambda: self._values[CLOCK]}

    def writers(self) -> dict[int, Callable[[int], None]]:
        return {
            LOCK: self._turn, SUPPLY: lambda value: self._write(SUPPLY, value),
            CLOCK: lambda value: self._write(CLOCK, value)}

    def _turn(self, value: int) -> None:
        if value != WORD:
            raise Violation(f"write of {value:#x} to {LOCK:#x}")
        self._is_open = not self._is_open

    def _write(self, address: int, value: int) -> None:
        if not self._is_open:
            raise Violation(f"write to {address:#x}, which is locked")
        self._values[address] = value

    def name_of(self, address: int) -> str:
        return f"{address:#x}"

    def trigger_at(self, address: int) -> None:
        raise Violation(f"the PPI is to trigger {address:#x}, which is no task")
