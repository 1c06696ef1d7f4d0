"""A desk with a Bluetooth adapter in the guest, and boards in the air around it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
from collections.abc import AsyncIterator

from machine.guest import Guest
from machine.places import PROJECT
from radio import AirBoard, GatewayAdapter, Radio
from usb import Hub

from .bluez import Bluetoothctl
from .desk import Desk, References
from .reference import PROGRAMS, identity

ARTEFACTS = PROJECT / "build" / "guest"
"""What failed scenarios leave: what went through the adapters, for btmon -r or Wireshark, and what the boards said."""

DIGITS = PROJECT / "Sources" / "Datasets" / "Resources" / "digits.fbds"

class Recorder:
    """Records what goes through the guest's adapters."""

    FILE = "/tmp/air.btsnoop"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._guest.command(f"echo $$ >/tmp/btmon.pid; exec btmon -w {self.FILE} >/dev/null", 24 * 3600),
            stdin=asyncio.subprocess.DEVNULL)

    async def stop(self) -> None:
        """Only then is everything in the file."""
        assert self._process is not None
        # It may have died: while it records it also decodes, and BlueZ 5.66's crashes over some attribute packets.
        await asyncio.to_thread(self._guest.execute, "kill $(cat /tmp/btmon.pid)")
        await self._process.wait()

    async def keep(self, path: pathlib.Path) -> None:
        """Puts the recording there, and begins another."""
        await self.stop()
        await asyncio.to_thread(self._guest.check, f"mv {self.FILE} /srv/share/air.btsnoop")
        await asyncio.to_thread(shutil.move, self._guest.run / "share" / "air.btsnoop", path)
        await self.start()


class AirDesk(Desk):
    """As `Desk`. The event loop carries the air: whatever takes a while has to be awaited, also what is no coroutine."""

    tidy = Desk.tidy + """
        pidof bluetoothd >/dev/null || echo bluetoothd has died
        for switch in /sys/class/bluetooth/hci*/rfkill*/soft; do echo 0 >$switch; done
        busctl set-property org.bluez /org/bluez/$(cd /sys/class/bluetooth && ls | grep -v :) org.bluez.Adapter1 Powered b true
        # Bonds, and what bluetoothd remembers of boards.
        for device in $(busctl tree org.bluez --list | grep -E '^/org/bluez/hci[0-9]+/dev_[0-9A-F_]+$'); do
          busctl call org.bluez ${device%/dev_*} org.bluez.Adapter1 RemoveDevice o $device
        done
        """

    def __init__(
        self, guest: Guest, hub: Hub, folder: pathlib.Path, references: References, radio: Radio,
        recorder: Recorder,
    ) -> None:
        super().__init__(guest, hub, folder, references)
        self.radio = radio
        self._recorder = recorder

    @property
    def adapter(self) -> GatewayAdapter:
        """The guest's first adapter, plugged in and powered when a scenario begins."""
        return self.radio.adapters[0]

    async def other_adapter(self) -> GatewayAdapter:
        """The guest's second adapter, plugged in and powered for this scenario."""
        other = self.radio.adapters[1] if len(self.radio.adapters) > 1 else await self.radio.adapter()
        await other.plug()
        await other.until_ready()
        return other

    async def air_board(
        self, number: int, *, pairing: str = "just-works", cable: bool = False, secret: bytes | None = None,
        program: str = "virtual-board", data: pathlib.Path | None = None, name: str | None = None,
    ) -> AirBoard:
        """Board `number`, from 1, on battery, advertising. `pairing`, `secret`: its --pairing and --cable-secret.

        `cable`: it has a USB port as well (`board.usb`, for `desk.hub.plug`). `data`: the bundled digits if not given."""
        path = PROJECT / "Scripts" / "qemu-board" if program == "qemu-board" else PROGRAMS / program
        options: list[str | pathlib.Path] = ["--data", data or DIGITS, "--pairing", pairing]
        if secret is not None:
            options += ["--cable-secret", secret.hex()]
        board = await self.radio.board(
            name or f"air-{number}", identity(number), path, self.folder, options, cable=self.hub if cable else None)
        await board.power_on()
        await board.until_advertising()
        return board

    @contextlib.asynccontextmanager
    async def bluetoothctl(self, capability: str = "KeyboardDisplay") -> AsyncIterator[Bluetoothctl]:
        """BlueZ's tool, with an agent that can do this."""
        async with Bluetoothctl(self.guest, capability) as tool:
            yield tool

    async def put_away(self) -> None:
        for board in self.radio.boards.values():
            # Nobody need wait for a good-bye.
            board.lose_link()
        await super().put_away()
        await self.radio.clear()
        for adapter in self.radio.adapters[1:]:
            await adapter.unplug()
        if not self.adapter.is_plugged:
            await self.adapter.plug()
            await self.adapter.until_ready()

    async def keep(self, name: str) -> None:
        """Keeps what went through the adapters and what boards said, for who wants to know why a scenario failed."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self._recorder.keep(ARTEFACTS / f"{name}.btsnoop")
        for log in self.folder.glob("*.log"):
            shutil.copyfile(log, ARTEFACTS / f"{name}-{log.name}")
