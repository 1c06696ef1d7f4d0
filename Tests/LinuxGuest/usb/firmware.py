"""What runs on a board, seen from its serial port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cdc_acm import AcmDevice, LineCoding


class Firmware:
    """The program behind a serial port. Such as it stands here it takes every byte and never says anything.

    Calls come from the device's event loop. `port` is the device; from there the firmware reads (`peek`, `consume`)
    and there it writes (`send`) as far as there is room.
    """

    port: AcmDevice

    async def power_on(self) -> None:
        """The board gets power; returns when the firmware would connect to the bus. A failure keeps it unplugged."""

    def power_off(self) -> None:
        """The power is cut, without any warning."""

    async def gone(self) -> None:
        """Returns when nothing of it is left after `power_off`."""

    def line_state(self, dtr: bool, rts: bool) -> None:
        """DTR or RTS has changed. DTR is how a board knows that a program has its port open."""

    def line_coding(self, coding: LineCoding) -> None:
        """The host has set a line coding, which may be the one there was."""

    def line_break(self, milliseconds: int) -> None:
        """The host sends a break: 0xFFFF begins one without end, 0 ends it."""

    def readable(self) -> None:
        """Bytes from the host wait."""
        while data := self.port.peek():
            self.port.consume(len(data))

    def writable(self) -> None:
        """There is room again, after `send` took less than it was given."""


class EchoFirmware(Firmware):
    """Says what it is told."""

    def readable(self) -> None:
        while data := self.port.peek():
            taken = self.port.send(data)
            if taken == 0:
                return
            self.port.consume(taken)

    def writable(self) -> None:
        self.readable()
