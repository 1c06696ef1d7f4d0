"""POWER and CLOCK, which share their registers' page and interrupt (nRF52840 PS, "POWER", "CLOCK")."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .errors import NotModelled, Violation
from .peripheral import Peripheral, reads, task, wrote
from .units import MICROSECOND, MILLISECOND

if TYPE_CHECKING:
    from .machine import Machine

#: Typical start-up times: the high-frequency crystal's, with what software has seen; the RC oscillator's and the
#: crystal's of the low-frequency clock; a calibration's.
CRYSTAL_START = 360 * MICROSECOND
LOW_FREQUENCY_START = {0: 600 * MICROSECOND, 1: 250 * MILLISECOND, 2: 600 * MICROSECOND}
CALIBRATION = 32 * MILLISECOND
#: From VBUS to the event, and to the regulator's output being stable.
USB_DETECTION, USB_REGULATOR = 1 * MICROSECOND, 1_700 * MICROSECOND
RUNNING = 1 << 16
#: The low-frequency clock's source that every chip has.
RC, CRYSTAL = 0, 1
VBUS_DETECTED, OUTPUT_READY = 1, 2
#: CTIV counts quarters of a second.
CALIBRATION_TIMER_UNIT = 250 * MILLISECOND


class Reason(enum.IntFlag):
    """Of RESETREAS. A power-up is none of them."""

    PIN = 1 << 0
    WATCHDOG = 1 << 1
    SOFTWARE = 1 << 2
    LOCK_UP = 1 << 3
    SYSTEM_OFF = 1 << 16
    VBUS = 1 << 20


class Power(Peripheral):
    blocks = ("POWER", "CLOCK")
    #: RAM retention (anomaly 115), and what start-up code of older chips writes.
    undocumented = dict.fromkeys((0x53C, *range(0xE00, 0xE38, 4), 0xEE4), 0)

    def __init__(self, machine: Machine) -> None:
        #: How long the low-frequency crystal takes to start. Programs that wait for it spin all the time.
        self.crystal_start = LOW_FREQUENCY_START[CRYSTAL]
        #: What stays over most resets.
        self._reasons = 0
        self._retained = [0, 0]
        self._vbus = False
        self._usb_output = False
        super().__init__(machine)

    def reset(self) -> None:
        super().reset()
        self.high_frequency_crystal_runs = False
        self._crystal_wanted = False
        self.low_frequency_clock_runs = False
        #: Counts starts and stops: what an earlier start has under way is void.
        self._low_frequency_start = 0
        self._calibrating = self._timer_runs = False

    def came_up(self, reason: Reason | None) -> None:
        """The chip was reset; without a reason, the power came on. What is retained has an end with that, and with a
        reset by the watchdog or the pin."""
        if reason is None:
            self._reasons = 0
        else:
            self._reasons |= reason
        if reason is None or reason & (Reason.WATCHDOG | Reason.PIN):
            self._retained = [0, 0]

    @property
    def reset_mark(self) -> int:
        """GPREGRET."""
        return self._retained[0]

    # The USB supply.

    def vbus(self, on: bool) -> None:
        """The cable's supply comes or goes. It is a level; the events are made only when it changes."""
        if on == self._vbus:
            return
        self._vbus = on
        if on:
            self.core.at(self.core.now + USB_DETECTION, self._detected)
            self.core.at(self.core.now + USB_DETECTION + USB_REGULATOR, self._regulated)
        else:
            self._usb_output = False
            self.event("USBREMOVED")

    def _detected(self) -> None:
        if self._vbus:
            self.event("USBDETECTED")

    def _regulated(self) -> None:
        if self._vbus and not self._usb_output:
            self._usb_output = True
            self.machine.usb.look_at_connection()
            self.event("USBPWRRDY")

    @property
    def has_usb_supply(self) -> bool:
        """Whether USBD has its voltage."""
        return self._vbus and self._usb_output

    @reads("USBREGSTATUS")
    def usb_status(self) -> int:
        return self._vbus * VBUS_DETECTED | self._usb_output * OUTPUT_READY

    # What is kept over resets.

    @reads("RESETREAS")
    def reasons(self) -> int:
        return self._reasons

    @wrote("RESETREAS")
    def clear_reasons(self, value: int) -> None:
        self._reasons &= ~value

    @reads("GPREGRET")
    def retained(self) -> int:
        return self._retained[0]

    @wrote("GPREGRET")
    def retain(self, value: int) -> None:
        self._retained[0] = value & 0xFF

    @reads("GPREGRET2")
    def retained_too(self) -> int:
        return self._retained[1]

    @wrote("GPREGRET2")
    def retain_too(self, value: int) -> None:
        self._retained[1] = value & 0xFF

    @task("CONSTLAT")
    def constant_latency(self) -> None:
        """About wake-up times, which are not modelled."""

    @task("LOWPWR")
    def low_power(self) -> None:
        """Likewise."""

    @wrote("SYSTEMOFF")
    def system_off(self, _value: int) -> None:
        raise NotModelled("System OFF")

    # Clocks.

    @task("HFCLKSTART")
    def start_crystal(self) -> None:
        self["HFCLKRUN"] = 1
        if not self._crystal_wanted:
            self._crystal_wanted = True
            self.after(CRYSTAL_START, self._crystal_started)
        elif self.high_frequency_crystal_runs:
            self.event("HFCLKSTARTED")

    def _crystal_started(self) -> None:
        if self._crystal_wanted:
            self.high_frequency_crystal_runs = True
            self["HFCLKSTAT"] = RUNNING | 1
            self.event("HFCLKSTARTED")

    @task("HFCLKSTOP")
    def stop_crystal(self) -> None:
        self._crystal_wanted = self.high_frequency_crystal_runs = False
        self["HFCLKRUN"] = 0
        self["HFCLKSTAT"] = RUNNING

    @task("LFCLKSTART")
    def start_low_frequency(self) -> None:
        """While the crystal starts, the RC oscillator stands in for it."""
        self["LFCLKRUN"] = 1
        source = self["LFCLKSRCCOPY"] = self["LFCLKSRC"] & 3
        self._low_frequency_start += 1
        start = self._low_frequency_start
        if source != RC and not self.low_frequency_clock_runs:
            self.after(LOW_FREQUENCY_START[RC], lambda: self._low_frequency_runs(start, RC))
        duration = self.crystal_start if source == CRYSTAL else LOW_FREQUENCY_START[source]
        self.after(duration, lambda: self._low_frequency_started(start, source))

    def _low_frequency_runs(self, start: int, source: int) -> None:
        if start == self._low_frequency_start:
            self.low_frequency_clock_runs = True
            self["LFCLKSTAT"] = RUNNING | source
            self._tell_counters()

    def _low_frequency_started(self, start: int, source: int) -> None:
        if start == self._low_frequency_start:
            self._low_frequency_runs(start, source)
            self.event("LFCLKSTARTED")

    @task("LFCLKSTOP")
    def stop_low_frequency(self) -> None:
        self._low_frequency_start += 1
        self.low_frequency_clock_runs = False
        self["LFCLKRUN"] = self["LFCLKSTAT"] = 0
        self._tell_counters()

    def _tell_counters(self) -> None:
        for counter in self.machine.counters:
            counter.clock_changed()

    @task("CAL")
    def calibrate(self) -> None:
        if not self.high_frequency_crystal_runs:
            raise Violation("CLOCK.TASKS_CAL without the high-frequency crystal")
        if not self._calibrating:
            self._calibrating = True
            self.after(CALIBRATION, self._calibrated)

    def _calibrated(self) -> None:
        self._calibrating = False
        self.event("DONE")

    @task("CTSTART")
    def start_calibration_timer(self) -> None:
        self._timer_runs = True
        self.event("CTSTARTED")
        self.after(self["CTIV"] * CALIBRATION_TIMER_UNIT, self._calibration_time)

    def _calibration_time(self) -> None:
        if self._timer_runs:
            self.event("CTTO")

    @task("CTSTOP")
    def stop_calibration_timer(self) -> None:
        self._timer_runs = False
        self.event("CTSTOPPED")

    def already_running(self) -> None:
        """Both clocks from crystals, as a bootloader leaves them."""
        self["LFCLKSRC"] = self["LFCLKSRCCOPY"] = 1
        self["LFCLKRUN"] = self["HFCLKRUN"] = 1
        self._crystal_wanted = True
        self.low_frequency_clock_runs = self.high_frequency_crystal_runs = True
        self["LFCLKSTAT"] = self["HFCLKSTAT"] = RUNNING | 1
