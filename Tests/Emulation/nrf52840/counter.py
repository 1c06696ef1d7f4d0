"""TIMER and RTC: counters that are worked out from the time, and compare registers (nRF52840 PS, "TIMER", "RTC")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import Violation
from .peripheral import Peripheral, reads, task, wrote
from .timeline import Appointment
from .units import CYCLE, low_frequency_ticks, low_frequency_time

if TYPE_CHECKING:
    from .machine import Machine

#: TIMER counts 16 MHz, divided by a power of two.
TICK_16M = 4 * CYCLE
#: TIMER.BITMODE.
WIDTHS = (16, 8, 24, 32)
GREATEST_PRESCALER = 9


class Counter(Peripheral):
    """Counts while it runs, and remembers since when rather than how far."""

    def __init__(self, machine: Machine, block: str, compares: int) -> None:
        self._compares = compares
        super().__init__(machine, (block,))

    def reset(self) -> None:
        super().reset()
        self._running = False
        #: What it had counted when it was started or cleared, and when that was.
        self._counted = 0
        self._since = 0
        self._armed: list[Appointment | None] = [None] * self._compares

    def ticks(self, duration: int) -> int:
        """Whole ticks in so much time."""
        raise NotImplementedError

    def duration(self, ticks: int) -> int:
        """How long so many ticks take."""
        raise NotImplementedError

    def bits(self) -> int:
        raise NotImplementedError

    def matched(self, index: int) -> None:
        """The counter has reached CC[index]."""
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        return self._running

    def count(self) -> int:
        ticks = self.ticks(self.core.now - self._since) if self._running else 0
        return self._counted + ticks & (1 << self.bits()) - 1

    def run(self) -> None:
        if not self._running:
            self._running, self._since = True, self.core.now
            self._arm_all()

    def halt(self) -> None:
        self._counted, self._running = self.count(), False
        self._arm_all()

    def set_count(self, count: int) -> None:
        self._counted, self._since = count, self.core.now
        self._arm_all()

    def _arm_all(self) -> None:
        for index in range(self._compares):
            self.arm(index)

    def arm(self, index: int) -> None:
        """Plans the next time that the counter becomes equal to CC[index]. It does not match what it is already."""
        if appointment := self._armed[index]:
            appointment.call_off()
            self._armed[index] = None
        if not self._running:
            return
        ticks = self.ticks(self.core.now - self._since)
        span = 1 << self.bits()
        ahead = (self["CC", index] - self._counted - ticks) % span or span
        self._armed[index] = self.at(self._since + self.duration(ticks + ahead), lambda: self._match(index))

    def _match(self, index: int) -> None:
        self._armed[index] = None
        self.arm(index)
        self.matched(index)

    @wrote("CC")
    def compare_written(self, index: int, _value: int) -> None:
        if index >= self._compares:
            raise Violation(f"{self.name} has no CC[{index}]")
        self.arm(index)


class Timer(Counter):
    """16 MHz, or events counted."""

    def duration(self, ticks: int) -> int:
        return ticks * (TICK_16M << self["PRESCALER"])

    def ticks(self, duration: int) -> int:
        return 0 if self._counts_events else duration // (TICK_16M << self["PRESCALER"])

    def bits(self) -> int:
        return WIDTHS[self["BITMODE"] & 3]

    @property
    def _counts_events(self) -> bool:
        return bool(self["MODE"] & 3)

    def arm(self, index: int) -> None:
        if not self._counts_events:
            super().arm(index)

    def matched(self, index: int) -> None:
        # The shortcuts COMPARE_CLEAR and COMPARE_STOP follow from the event.
        self.event("COMPARE", index)

    @task("START")
    def start(self) -> None:
        self.run()

    @task("STOP")
    def stop(self) -> None:
        self.halt()

    @task("SHUTDOWN")
    def shut_down(self) -> None:
        self.halt()

    @task("CLEAR")
    def clear(self) -> None:
        self.set_count(0)

    @task("COUNT")
    def count_one(self) -> None:
        if not self._counts_events:
            raise Violation(f"{self.name}.TASKS_COUNT while it counts time")
        count = self._counted + 1 & (1 << self.bits()) - 1
        self._counted = count
        for index in range(self._compares):
            if self["CC", index] == count:
                self.matched(index)

    @task("CAPTURE")
    def capture(self, index: int) -> None:
        self["CC", index] = self.count()
        # A compare that was pending on this register is off: link layers build their time-outs on that.
        self.arm(index)

    @wrote("PRESCALER")
    def prescaler_written(self, value: int) -> None:
        if self._running or value > GREATEST_PRESCALER:
            raise Violation(f"{self.name}.PRESCALER = {value}, while it runs or beyond {GREATEST_PRESCALER}")

    @wrote("BITMODE")
    def width_written(self, _value: int) -> None:
        if self._running:
            raise Violation(f"{self.name}.BITMODE while it runs")

    @wrote("MODE")
    def mode_written(self, _value: int) -> None:
        if self._running:
            raise Violation(f"{self.name}.MODE while it runs")


class RealTimeCounter(Counter):
    """32.768 kHz divided by up to 4096, in 24 bits."""

    def reset(self) -> None:
        super().reset()
        self._enabled = 0
        self._is_on = False

    def duration(self, ticks: int) -> int:
        return low_frequency_time(ticks * (self["PRESCALER"] + 1))

    def ticks(self, duration: int) -> int:
        return low_frequency_ticks(duration) // (self["PRESCALER"] + 1)

    def bits(self) -> int:
        return 24

    def matched(self, index: int) -> None:
        bit = self._events["EVENTS_COMPARE", index].bit
        if (self._enabled | self._interrupts) & bit:
            self.event("COMPARE", index)

    def routes(self, bit: int) -> bool:
        return bool(self._enabled & bit)

    @task("START")
    def start(self) -> None:
        self._is_on = True
        self.clock_changed()

    @task("STOP")
    def stop(self) -> None:
        self._is_on = False
        self.clock_changed()

    def clock_changed(self) -> None:
        """It counts while it is on and the low-frequency clock runs."""
        if self._is_on and self.machine.power.low_frequency_clock_runs:
            self.run()
        elif self.is_running:
            self.halt()

    @task("CLEAR")
    def clear(self) -> None:
        self.set_count(0)

    @task("TRIGOVRFLW")
    def nearly_overflow(self) -> None:
        self.set_count(0xFF_FFF0)

    @reads("COUNTER")
    def counter(self) -> int:
        return self.count()

    @wrote("PRESCALER")
    def prescaler_written(self, _value: int) -> None:
        if self._running:
            raise Violation(f"{self.name}.PRESCALER while it runs")

    @reads("EVTEN")
    def enabled(self) -> int:
        return self._enabled

    @reads("EVTENSET")
    def enabled_by_set(self) -> int:
        return self._enabled

    @reads("EVTENCLR")
    def enabled_by_clear(self) -> int:
        return self._enabled

    @wrote("EVTEN")
    def enable_these(self, value: int) -> None:
        self._enabled = value

    @wrote("EVTENSET")
    def enable(self, value: int) -> None:
        self._enabled |= value

    @wrote("EVTENCLR")
    def disable(self, value: int) -> None:
        self._enabled &= ~value
