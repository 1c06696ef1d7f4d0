"""Prints what the radio costs the processor, on the model, where an instruction takes one cycle: lower bounds.

    PYTHONPATH=Tests/Emulation .venv/bin/python -m tests.air_figures

A gateway leaves its secret over the cable, pairs, and reads an attribute again and again over the encrypted connection,
while rubbish comes over the cable. For each interrupt: how often it came, the longest that it was kept waiting, and the
longest that it took, more urgent ones included; then the longest that the link layer keeps the radio's interrupt away, while
it exchanges plans with it. A word of flash, 41 µs in which the processor stands still, is not among it. Each line is a JSON object {"bench": …, "value": …, "unit": …}.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from bumble.device import Peer
from nrf52840 import CYCLE, SECOND, Machine, UsbHost
from nrf52840.engine import Register

from .air_bumble import Central
from .air_peers import Meeting
from .board import BYTES, SET_LINES, symbols

INTERRUPTS = {1: "RADIO", 20: "link layer", 39: "USBD"}
#: As an exception.
RADIO = 16 + 1
SECRET = bytes(range(0x40, 0x50))
#: Handle of the board's name (Protocols/gatt.md, section 2).
NAME = 3
PAINT = b"\xef\xbe\xad\xde"


class Gates(set[int]):
    """Interrupts that are let through, by exception number; notes how long the radio's is not."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.core.exceptions.enabled)
        self._core = machine.core
        self._since: int | None = None
        #: In cycles.
        self.longest = 0

    def update(self, *numbers: Iterable[int]) -> None:
        super().update(*numbers)
        if RADIO in self and self._since is not None:
            self.longest = max(self.longest, (self._core.now - self._since) // CYCLE)
            self._since = None

    def difference_update(self, *numbers: Iterable[int]) -> None:
        super().difference_update(*numbers)
        if RADIO not in self and self._since is None:
            self._since = self._core.now


class Watch:
    """Times interrupts from being asked for to being entered, and from there to their end."""

    def __init__(self, machine: Machine) -> None:
        self._core = machine.core
        self.count = dict.fromkeys(INTERRUPTS, 0)
        self.waited = dict.fromkeys(INTERRUPTS, 0)
        self.took = dict.fromkeys(INTERRUPTS, 0)
        self._asked: dict[int, int] = {}
        self._entered: dict[int, int] = {}
        exceptions = machine.core.exceptions
        set_pending, enter, leave = exceptions.set_pending, machine.core._enter, machine.core._leave

        def asked(number: int) -> None:
            if number not in exceptions.pending:
                self._asked[number - 16] = self._core.now
            set_pending(number)

        def entered(number: int, return_address: int) -> None:
            if (interrupt := number - 16) in INTERRUPTS:
                self.count[interrupt] += 1
                self._entered[interrupt] = self._core.now
                if number not in exceptions.active:
                    self._note(self.waited, interrupt, self._asked.get(interrupt, self._core.now))
            enter(number, return_address)

        def left(exc_return: int) -> None:
            interrupt = (exceptions.active[-1] if exceptions.active else 0) - 16
            leave(exc_return)
            if interrupt in INTERRUPTS:
                self._note(self.took, interrupt, self._entered[interrupt])

        exceptions.set_pending, machine.core._enter, machine.core._leave = asked, entered, left

    def _note(self, longest: dict[int, int], interrupt: int, since: int) -> None:
        longest[interrupt] = max(longest[interrupt], (self._core.now - since) // CYCLE)


def tell(bench: str, value: float, unit: str) -> None:
    print(json.dumps({"bench": bench, "value": value, "unit": unit}))


async def main() -> None:
    meeting = Meeting()
    meeting.leave_secret(SECRET)
    host = UsbHost(meeting.board, meeting.world)
    host.plug()
    host.enumerate()
    host.control_out(*SET_LINES, value=3)
    bottom, top = symbols()["_stack_bottom"], symbols()["_stack_top"]
    # What setting up took of the stack is not what running takes.
    core = meeting.board.core
    assert meeting.world.run_while(lambda: not (core.sleeping and not core.exceptions.active), SECOND)
    meeting.board.memory.write(bottom, PAINT * ((core.engine[Register.SP] - bottom) // 4), "figures")
    watch = Watch(meeting.board)
    gates = core.exceptions.enabled = Gates(meeting.board)
    central = Central(meeting)
    await central.until(central.device.power_on())
    connection = await central.connect()
    await central.pair(connection, SECRET)
    client = Peer(connection).gatt_client
    for number in range(60):
        host.write(BYTES, bytes((1 + number,)) * 600)
        await central.until(client.read_value(NAME))
    for interrupt, name in INTERRUPTS.items():
        tell(f"{name}: times", watch.count[interrupt], "")
        tell(f"{name}: longest wait", watch.waited[interrupt], "cycles")
        tell(f"{name}: longest run", watch.took[interrupt], "cycles")
    tell("longest critical section that keeps RADIO away", gates.longest, "cycles")
    spaces = meeting.world.air.spaces()
    tell("shortest space between packets", round(min(spaces), 2), "µs")
    tell("longest space between packets", round(max(spaces), 2), "µs")
    stack = meeting.board.memory.read(bottom, top - bottom, "figures")
    unused = next(at for at in range(0, top - bottom, 4) if stack[at:at + 4] != PAINT)
    tell("stack while running", top - bottom - unused, "bytes")


if __name__ == "__main__":
    asyncio.run(main())
