"""An adapter of the guest: the controller is here, the kernel and BlueZ are there."""

from __future__ import annotations

import asyncio
from typing import Self

from machine.guest import Guest
from usb.watched import Watched

from . import h4
from .air import Air
from .chip import Chip

PATIENCE = 60.0


class AdapterFailed(Exception):
    """The guest has no such adapter, and why."""


class Adapter(Watched):
    """One that can be plugged into the guest, as a USB stick would be, and pulled out.

    Without a guest it only listens, for `guest/adapter.py` that somebody starts.
    """

    def __init__(self, chip: h4.Chip, address: str, guest: Guest | None = None, port: int = 0) -> None:
        super().__init__()
        self.address = address
        self._guest = guest
        self._h4 = h4.H4Port(chip, port)
        self._relay: asyncio.subprocess.Process | None = None
        #: The kernel's latest name for it.
        self.name = ""

    async def __aenter__(self) -> Self:
        await self._h4.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._relay is not None:
            await self.unplug()
        await self._h4.__aexit__()

    @property
    def port(self) -> int:
        """Where `guest/adapter.py` finds the controller, on this machine's loopback."""
        return self._h4.port

    @property
    def is_plugged(self) -> bool:
        return self._h4.has_host

    async def plug(self) -> None:
        """Returns when the guest's kernel has it; bluetoothd, if it runs, takes it up a moment later."""
        if self._guest is None:
            raise AdapterFailed("nobody said into which guest")
        if self._relay is not None:
            await self.unplug()
        self._relay = await asyncio.create_subprocess_exec(
            *self._guest.command(
                "modprobe hci_vhci && exec python3 Tests/LinuxGuest/guest/adapter.py "
                f"10.0.2.2:{self.port} 2>&1", 24 * 3600),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
        assert self._relay.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await self._relay.stdout.readline()).decode().strip()
        if not line.startswith("hci"):
            raise AdapterFailed(f"the guest did not take the adapter: {line}")
        self.name = line

    async def unplug(self) -> None:
        """Returns when the kernel has it no more, which can be a while after it was pulled: nobody answers what it says
        last."""
        self._h4.hang_up()
        if self._relay is not None:
            async with asyncio.timeout(PATIENCE):
                await self._relay.wait()
            self._relay = None

    async def until_ready(self) -> None:
        """Waits until bluetoothd has it, and has it powered."""
        await self._in_guest(f"until {self._get('Powered')} 2>/dev/null | grep -q true; do sleep 0.1; done")

    async def power(self, on: bool) -> None:
        """Switches it on or off, as somebody does who uses bluetoothctl."""
        await self._in_guest(f"busctl set-property org.bluez /org/bluez/{self.name} org.bluez.Adapter1 "
                             f"Powered b {str(on).lower()}")

    async def block(self, on: bool) -> None:
        """As the flight mode does."""
        await self._in_guest(f"echo {int(on)} | tee /sys/class/bluetooth/{self.name}/rfkill*/soft >/dev/null")

    def _get(self, name: str) -> str:
        return f"busctl get-property org.bluez /org/bluez/{self.name} org.bluez.Adapter1 {name}"

    async def _in_guest(self, words: str) -> str:
        if self._guest is None:
            raise AdapterFailed("nobody said in which guest")
        return await asyncio.to_thread(self._guest.check, words, PATIENCE)

    def describe(self) -> str:
        return f"{self.address} {self.name if self.is_plugged else 'unplugged'}, port {self.port}"


class GatewayAdapter(Adapter):
    """With a controller of Bumble's."""

    def __init__(self, air: Air, number: int, guest: Guest | None = None, port: int = 0) -> None:
        address = f"C0:FF:EE:00:00:{number:02X}"
        self.chip = Chip(f"adapter {number}", air, address)
        super().__init__(self.chip, address, guest, port)
        self.chip.host = self._h4

    async def __aexit__(self, *what: object) -> None:
        await super().__aexit__(*what)
        self.chip.link.remove_controller(self.chip)
