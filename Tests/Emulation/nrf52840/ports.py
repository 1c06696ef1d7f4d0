"""GPIO and GPIOTE: pins that are read and driven (nRF52840 PS, "GPIO", "GPIOTE")."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import NotModelled
from .peripheral import Peripheral, reads, task, wrote

if TYPE_CHECKING:
    from .machine import Machine

PULL_UP = 3
#: Of GPIOTE.CONFIG.
TASK_MODE = 3

#: Is told of a pin, by port and number, and whether it is high.
Watcher = Callable[[int, int, bool], None]


class Port(Peripheral):
    """P0 or P1."""

    def __init__(self, machine: Machine, number: int) -> None:
        self.number = number
        #: What comes from outside, where the chip does not drive.
        self._driven: dict[int, bool] = {}
        self.watcher: Watcher | None = None
        super().__init__(machine, (f"P{number}",))

    def drive(self, pin: int, is_high: bool | None) -> None:
        """From outside; None lets go."""
        if is_high is None:
            self._driven.pop(pin, None)
        else:
            self._driven[pin] = is_high

    def is_high(self, pin: int) -> bool:
        """What a voltmeter would say."""
        if self["DIR"] >> pin & 1:
            return bool(self["OUT"] >> pin & 1)
        if pin in self._driven:
            return self._driven[pin]
        return self["PIN_CNF", pin] >> 2 & 3 == PULL_UP

    @reads("IN")
    def inputs(self) -> int:
        return sum(1 << pin for pin in range(32) if self.is_high(pin))

    def _change(self, name: str, value: int) -> None:
        changed = self[name] ^ value
        self[name] = value
        if self.watcher is not None:
            for pin in range(32):
                if changed >> pin & 1 and self["DIR"] >> pin & 1:
                    self.watcher(self.number, pin, self.is_high(pin))

    @wrote("OUTSET")
    def set_high(self, value: int) -> None:
        self._change("OUT", self["OUT"] | value)

    @wrote("OUTCLR")
    def set_low(self, value: int) -> None:
        self._change("OUT", self["OUT"] & ~value)

    @wrote("DIRSET")
    def make_outputs(self, value: int) -> None:
        self._set_directions(self["DIR"] | value)

    @wrote("DIRCLR")
    def make_inputs(self, value: int) -> None:
        self._set_directions(self["DIR"] & ~value)

    @wrote("DIR")
    def directions_written(self, value: int) -> None:
        self._set_directions(value)

    @wrote("PIN_CNF")
    def configured(self, pin: int, value: int) -> None:
        """The direction is in there once more."""
        self._change("DIR", self["DIR"] & ~(1 << pin) | (value & 1) << pin)

    def _set_directions(self, value: int) -> None:
        for pin in range(32):
            self["PIN_CNF", pin] = self["PIN_CNF", pin] & ~1 | value >> pin & 1
        self._change("DIR", value)


class PinEvents(Peripheral):
    """GPIOTE: channels are configured, but no pin changes from outside."""

    blocks = ("GPIOTE",)

    @wrote("CONFIG")
    def configured(self, channel: int, value: int) -> None:
        if value & 3 == TASK_MODE:
            raise NotModelled(f"GPIOTE.CONFIG[{channel}] for tasks")


class SoftwareInterrupts(Peripheral):
    """EGU: tasks that are events, by the program and the PPI."""

    @task("TRIGGER")
    def triggered(self, channel: int) -> None:
        self.event("TRIGGERED", channel)


class Absent(Peripheral):
    """What this model does not have: registers keep what is written, and nothing can be started."""

    def __init__(self, machine: Machine, blocks: tuple[str, ...], undocumented: tuple[int, ...] = ()) -> None:
        self.undocumented = dict.fromkeys(undocumented, 0)
        super().__init__(machine, blocks)
