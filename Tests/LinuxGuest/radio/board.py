"""A board in the air: its program, its controller, and its cable if it has one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from bumble import hci
from bumble.controller import Connection
from usb.hub import Board, Hub
from usb.nano33ble import serial_number
from usb.port_board import PortBoard
from usb.program import Program

from .air import Air
from .chip import Chip
from .h4 import H4Port


def air_address(identity: int) -> str:
    """The static random address that a board makes of its identity (Protocols/gatt.md §1)."""
    octets = (identity & (1 << 46) - 1 | 0b11 << 46).to_bytes(6, "big")
    return ":".join(f"{octet:02X}" for octet in octets)


class AirBoard:
    """A board of `virtual-board` or `qemu-board`. It runs from `power_on` to `power_off`, as with a battery.

    `program`: what it says, and whether it runs. What else it takes besides --hci, --id and --state is in `options`.
    """

    def __init__(
        self, air: Air, name: str, identity: int, program: Path, folder: Path, options: Sequence[str | Path],
        cable: Hub | None = None,
    ) -> None:
        self.name, self.identity = name, identity
        self.address = air_address(identity)
        self.serial = serial_number(identity)
        #: What survives a reset, and a loss of power.
        self.flash = folder / f"{name}.flash"
        self.log = folder / f"{name}.log"
        self.chip = Chip(name, air, f"C0:FF:EE:00:01:{len(air.controllers):02X}")
        self._air = air
        self._h4 = H4Port(self.chip)
        self.chip.host = self._h4
        self._command: list[str | Path] = [program, "--id", f"{identity:x}", "--state", self.flash, *options]
        self._folder = folder
        self._hub = cable
        self._terminal: PortBoard | None = None
        #: In the hub's hands: what is plugged in and pulled out, if it was made with a cable.
        self.usb: Board | None = None
        self.program: Program

    async def __aenter__(self) -> AirBoard:
        await self._h4.__aenter__()
        command = [*self._command, "--hci", f"127.0.0.1:{self._h4.port}", "--exit-with-parent"]
        if self._hub is not None:
            link = self._folder / self.name
            self._terminal = PortBoard([*command, "--link", link], link, log_file=self.log)
            self.program = self._terminal.program
            self.usb = self._hub.add_nano33ble(self.name, self.identity, self._terminal, keeps_power=True)
        else:
            self.program = Program(command, log_file=self.log)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.usb is not None:
            self.usb.pull()
        self.power_off()
        await self.program.gone()
        await self._h4.__aexit__()
        self._air.remove_controller(self.chip)

    # Power.

    async def power_on(self) -> None:
        """Returns when it runs; it advertises a moment later."""
        if self._terminal is not None:
            await self._terminal.power_on()
        elif not self.program.is_running:
            await self.program.start()

    def power_off(self) -> None:
        """Without a warning. Whoever is connected to it notices after the supervision timeout."""
        if self._terminal is not None:
            self._terminal.power_off()
        else:
            self.program.kill()
        self._h4.hang_up()

    async def reset(self) -> None:
        """The button: the same flash, and everything else from the beginning."""
        if self.usb is not None and self.usb.is_plugged:
            count = self.program.start_count
            self.usb.reset()
            self._h4.hang_up()
            await self.program.until(lambda program: program.start_count > count, 30)
        else:
            self.power_off()
            await self.power_on()

    async def wipe(self) -> None:
        """Its flash is as new, and so it knows nobody. It runs again when this returns."""
        self.power_off()
        await self.program.gone()
        self.flash.unlink()
        await self.power_on()

    def silence(self) -> None:
        """The program stands still; the controller goes on, and keeps connections up."""
        self.program.signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.program.signal(signal.SIGCONT)

    # The air.

    @property
    def is_connected(self) -> bool:
        return bool(self.chip.le_connections)

    @property
    def is_advertising(self) -> bool:
        return self.chip.le_legacy_advertiser.enabled

    @property
    def in_range(self) -> bool:
        """Set it to carry the board away and back. Connections end if it is away for their supervision timeout."""
        return self.chip.in_range

    @in_range.setter
    def in_range(self, value: bool) -> None:
        self.chip.in_range = value

    def lose_link(self) -> None:
        """Both ends of its connections notice, at this moment, that they have not heard each other for too long."""
        for connection in list(self.chip.le_connections.values()):
            self._lose(connection)

    def _lose(self, connection: Connection) -> None:
        peer = self._air.peer(self.chip, connection)
        mirror = peer.le_connections.get(connection.self_address) if peer is not None else None
        self.chip.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        if peer is not None and mirror is not None:
            peer.on_le_disconnected(mirror, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def until_advertising(self, timeout: float = 30) -> None:
        """Waits until somebody who listens would find it."""
        async with asyncio.timeout(timeout):
            while not self.is_advertising:
                await asyncio.sleep(0.02)

    async def line(self, beginning: str, since: int = 0, timeout: float = 60) -> str:
        """What it says; see `Program.line`."""
        return await self.program.line(beginning, since, timeout)

    def describe(self) -> str:
        state = "connected" if self.is_connected else "advertising" if self.is_advertising else "silent"
        where = "" if self.in_range else ", out of range"
        return f"{self.name} {self.address} {self.program.describe()}; {state}{where}"
