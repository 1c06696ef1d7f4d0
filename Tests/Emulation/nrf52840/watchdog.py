"""WDT: resets the chip unless it is fed (nRF52840 PS, "WDT")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Violation
from .peripheral import Peripheral, reads, task, wrote
from .timeline import Appointment
from .units import low_frequency_time

if TYPE_CHECKING:
    from .machine import Machine

FOOD = 0x6E52_4635
SHORTEST = 15
RUNS_IN_SLEEP = 1
SETTINGS = ("CRV", "RREN", "CONFIG")
#: From the interrupt, if it is on, to the reset: two periods of the low-frequency clock.
WARNING = low_frequency_time(2)


class Watchdog(Peripheral):
    """Goes on over every reset but its own, a reset by the pin, and a power-up: its registers cannot be changed then."""

    blocks = ("WDT",)

    def __init__(self, machine: Machine) -> None:
        self.is_running = False
        self._end: Appointment | None = None
        self._unfed = 0
        #: What it runs with.
        self._settings: dict[str, int] = {}
        super().__init__(machine)

    def reset(self) -> None:
        if not self.is_running:
            super().reset()

    def stop(self) -> None:
        """One of the resets that end it."""
        self.is_running = False
        if self._end is not None:
            self._end.call_off()
        self.reset()

    @task("START")
    def start(self) -> None:
        if self.is_running:
            return
        if self["CRV"] < SHORTEST:
            raise Violation(f"WDT.CRV = {self['CRV']}, shorter than {SHORTEST}")
        if not self["CONFIG"] & RUNS_IN_SLEEP:
            raise Violation("WDT that pauses while the processor sleeps")
        self.is_running = True
        self._settings = {name: self[name] for name in SETTINGS}
        self._reload()

    def _reload(self) -> None:
        if self._end is not None:
            self._end.call_off()
        self._unfed = self["RREN"]
        self._end = self.core.at(self.core.now + low_frequency_time(self["CRV"] + 1), self._starved)

    def _starved(self) -> None:
        warns = self.interrupts_on("TIMEOUT")
        self.event("TIMEOUT")
        self._end = self.core.at(self.core.now + (WARNING if warns else 0), self.machine.watchdog_bites)

    @wrote("RR")
    def feed(self, index: int, value: int) -> None:
        if value != FOOD:
            raise Violation(f"WDT.RR[{index}] = {value:#x}, which feeds no dog")
        if not self.is_running:
            return
        self._unfed &= ~(1 << index)
        if not self._unfed:
            self._reload()

    @reads("RUNSTATUS")
    def run_status(self) -> int:
        return int(self.is_running)

    @reads("REQSTATUS")
    def request_status(self) -> int:
        return self._unfed

    @wrote("CRV")
    def period_written(self, _value: int) -> None:
        self._keep_while_running("CRV")

    @wrote("RREN")
    def channels_written(self, _value: int) -> None:
        self._keep_while_running("RREN")

    @wrote("CONFIG")
    def mode_written(self, _value: int) -> None:
        self._keep_while_running("CONFIG")

    def _keep_while_running(self, name: str) -> None:
        """A program may find it running after a reset, and set it up as it did before. Other settings have no effect."""
        if self.is_running and self[name] != self._settings[name]:
            raise Violation(f"WDT.{name} = {self[name]:#x} while it runs with {self._settings[name]:#x}")
