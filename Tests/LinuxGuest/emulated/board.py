"""Our Bluetooth host and all above it as a process of this machine, on a controller that we did not write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nrf52840 import World
from radio import air_address
from radio.h4 import H4Port
from usb.nano33ble import serial_number
from usb.program import Program

from .controller import Controller


class HostedBoard:
    """`virtual-board`. It runs from `power_on` to `power_off`, as with a battery."""

    def __init__(
        self, world: World, name: str, identity: int, program: Path, folder: Path, options: Sequence[str | Path]
    ) -> None:
        self.name, self.identity = name, identity
        self.address = air_address(identity)
        self.serial = serial_number(identity)
        self.controller = Controller(world, name, f"C0:FF:EE:00:04:{identity & 0xFF:02X}", identity & 0xFF)
        self._h4 = H4Port(self.controller)
        self.controller.port = self._h4
        #: What survives a loss of power.
        self.flash = folder / f"{name}.flash"
        self._command = [program, "--id", f"{identity:x}", "--state", self.flash, "--exit-with-parent", *options]
        self._log = folder / f"{name}.log"
        self.program: Program

    async def __aenter__(self) -> HostedBoard:
        await self._h4.__aenter__()
        self.program = Program([*self._command, "--hci", f"127.0.0.1:{self._h4.port}"], log_file=self._log)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.power_off()
        await self.program.gone()
        await self._h4.__aexit__()

    async def power_on(self) -> None:
        """Returns when it runs; it advertises a moment later."""
        await self.program.start()

    def power_off(self) -> None:
        """Without a warning: whoever is connected notices after the supervision timeout."""
        self.program.kill()
        self._h4.hang_up()

    async def line(self, beginning: str, since: int = 0, timeout: float = 60) -> str:
        """What it says; see `Program.line`."""
        return await self.program.line(beginning, since, timeout)
