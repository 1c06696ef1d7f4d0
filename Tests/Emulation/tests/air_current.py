"""Prints what the board's image draws at 3 V by the datasheet's figures, from how long the model of its chip sends, listens
and computes: an estimate, without USB, sensors and LEDs, of a processor that takes a cycle for an instruction.

    PYTHONPATH=Tests/Emulation .venv/bin/python -m tests.air_current

Advertising, in a connection that is idle at several intervals, and taking data by long packets. Each line is a JSON object
{"bench": …, "value": …, "unit": …}.
"""

from __future__ import annotations

import struct
from typing import Any

from nrf52840 import SECOND, Machine
from nrf52840.radio import State
from peers import controllers

from .air_figures import tell
from .air_peers import Meeting

#: Milliamperes by nRF52840 Product Specification v1.11, "Current consumption: Radio" (IRADIO_TX3, IRADIO_RX1: 0 dBm, 1 Mbps)
#: and "TIMER running" (ITIMER2: crystal and a timer at 1 MHz), all with the LDO regulator, which is what runs unless a
#: program switches to the other. The processor's is what "Compounded" has more for both (IS3) than for the radio alone.
SENDING, LISTENING, AT_REST, COMPUTING = 10.80, 10.10, 0.646, 16.2 - 10.10
#: The same with the DC/DC regulator (IRADIO_TX1, IRADIO_RX0, IS1).
SENDING_DC, LISTENING_DC, COMPUTING_DC = 6.40, 6.26, 8.6 - 6.26
#: From the order to the radio's being off again: to ramp up takes nearly as much as to be there.
TRANSMITTER = {State.TRANSMITTER_RAMPS, State.TRANSMITTER_IDLE, State.TRANSMITTING, State.TRANSMITTER_STOPS}


class Meter:
    """Adds up how long a machine's radio sends and listens, and its processor computes."""

    def __init__(self, machine: Machine) -> None:
        self._core = machine.core
        self.sending = self.listening = self.awake = 0
        self._since = self._began = machine.core.now
        self._meter(machine.radio, "state", self._radio)
        self._meter(machine.core, "sleeping", self._processor)
        self._state, self._state_since = machine.radio.state, self._began
        self._sleeps, self._sleeps_since = machine.core.sleeping, self._began

    @staticmethod
    def _meter(part: Any, name: str, changed: Any) -> None:
        """Has `changed` called whenever an attribute is set."""
        value = [getattr(part, name)]
        del part.__dict__[name]

        def write(_part: Any, new: Any) -> None:
            value[0] = new
            changed(new)

        part.__class__ = type(type(part).__name__, (type(part),), {name: property(lambda _: value[0], write)})

    def _radio(self, new: State) -> None:
        duration = self._core.now - self._state_since
        if self._state in TRANSMITTER:
            self.sending += duration
        elif self._state is not State.DISABLED:
            self.listening += duration
        self._state, self._state_since = new, self._core.now

    def _processor(self, new: bool) -> None:
        if not self._sleeps:
            self.awake += self._core.now - self._sleeps_since
        self._sleeps, self._sleeps_since = new, self._core.now

    def shares(self) -> tuple[float, float, float]:
        """How much of the time since the last call it was sending, listening, and computing."""
        self._radio(self._state)
        self._processor(self._sleeps)
        length = self._core.now - self._began
        shares = self.sending / length, self.listening / length, self.awake / length
        self.sending = self.listening = self.awake = 0
        self._began = self._core.now
        return shares


def report(name: str, meter: Meter) -> None:
    sending, listening, computing = meter.shares()
    for what, share in (("sends", sending), ("listens", listening), ("computes", computing)):
        tell(f"{name}: {what}", round(100 * share, 3), "% of the time")
    tell(f"{name}: average", round(AT_REST + SENDING * sending + LISTENING * listening + COMPUTING * computing, 2), "mA")
    by_converter = AT_REST + SENDING_DC * sending + LISTENING_DC * listening + COMPUTING_DC * computing
    tell(f"{name}: average if the DC/DC regulator were on", round(by_converter, 2), "mA")


def transfer(meeting: Meeting) -> None:
    """Long packets at 1M, as many as the central's controller manages to send in two seconds."""
    meeting.central.command(0x2022, meeting.handle + struct.pack("<HH", 251, 2120))
    meeting.run(300)
    end, since = meeting.world.now + 2 * SECOND, meeting.mark
    packet = struct.pack("<HH", 247, 4) + b"\x52\xff\xff" + bytes(244)
    while meeting.world.now < end:
        meeting.central.send_data(meeting.handle, packet)
        meeting.run(3)
        meeting.central.poll()
        meeting.central.packets.clear()
    octets = sum(len(each.pdu) - 2 for each in meeting.packets(since) if each.sender == "central")
    tell("transfer: octets a second", round(octets / 2), "")


def main() -> None:
    meeting = Meeting(controllers.USB_LONG)
    meeting.central.command(0x2024, struct.pack("<HH", 251, 2120))
    meter = Meter(meeting.board)
    meeting.run(10_000)
    report("advertising every 100 ms", meter)
    for interval in (24, 80, 800):
        meeting.connect(interval=interval, timeout=600)
        meeting.run(3000)
        meter.shares()
        meeting.run(10_000)
        report(f"idle connection, {interval * 1.25:g} ms", meter)
        if interval == 24:
            transfer(meeting)
            report("transfer to the board, 30 ms", meter)
        meeting.central.command(0x0406, meeting.handle + b"\x13")
        meeting.run(2000)
        meeting.central.poll()
        meeting.central.packets.clear()
    meeting.assert_alive()


if __name__ == "__main__":
    main()
