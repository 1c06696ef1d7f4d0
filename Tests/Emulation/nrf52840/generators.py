"""RNG and TEMP: numbers from outside, here drawn by a seed so that runs repeat (nRF52840 PS, "RNG", "TEMP")."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .peripheral import Peripheral, task
from .units import MICROSECOND

if TYPE_CHECKING:
    from .machine import Machine

#: Typical times for a byte, without and with the correction of bias.
BYTE_TIME = (30 * MICROSECOND, 120 * MICROSECOND)
FIRST_BYTE = 128 * MICROSECOND
CORRECTS_BIAS = 1
MEASUREMENT = 36 * MICROSECOND


class RandomGenerator(Peripheral):
    blocks = ("RNG",)

    def __init__(self, machine: Machine, seed: int) -> None:
        self._random = random.Random(seed)
        super().__init__(machine)

    def reset(self) -> None:
        super().reset()
        self._running = False
        self._run = 0

    @task("START")
    def start(self) -> None:
        if not self._running:
            self._running = True
            self._run += 1
            self._draw_later(FIRST_BYTE)

    @task("STOP")
    def stop(self) -> None:
        self._running = False

    def _draw_later(self, start: int = 0) -> None:
        run = self._run
        self.after(start + BYTE_TIME[self["CONFIG"] & CORRECTS_BIAS], lambda: self._draw(run))

    def _draw(self, run: int) -> None:
        if not self._running or run != self._run:
            return
        self["VALUE"] = self._random.getrandbits(8)
        # The shortcut to STOP follows from the event.
        self.event("VALRDY")
        if self._running:
            self._draw_later()


class Thermometer(Peripheral):
    """Of a chip that stays at the same temperature."""

    blocks = ("TEMP",)

    def __init__(self, machine: Machine) -> None:
        #: In quarters of a degree Celsius.
        self.temperature = 25 * 4
        super().__init__(machine)

    @task("START")
    def start(self) -> None:
        self.after(MEASUREMENT, self._measured)

    @task("STOP")
    def stop(self) -> None:
        """A measurement that has begun goes on."""

    def _measured(self) -> None:
        self["TEMP"] = self.temperature
        self.event("DATARDY")
