"""The bootloader behind a USB port, and the program that it starts: a board of `Tests/LinuxGuest/usb` with a flash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from usb.firmware import Firmware
from usb.port_board import PortBoard

from .flash import Flash
from .image import Header
from .target import SambaTarget


class BootloaderFirmware(Firmware):
    """The bootloader as it runs: each time it gets power, or a reset, it begins anew over the same flash."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.target = SambaTarget(flash)
        #: Every stay so far, the present one last.
        self.stays: list[SambaTarget] = []
        #: Called after `K#`, when the chip resets.
        self.on_reset: Callable[[], None] | None = None
        #: Called with the bytes that the host has sent in this stay, before they are answered.
        self.on_bytes: Callable[[int], None] | None = None
        self._replies = bytearray()
        self._heard = 0

    async def power_on(self) -> None:
        self.target = SambaTarget(self.flash)
        self.stays.append(self.target)
        self._replies.clear()
        self._heard = 0

    def readable(self) -> None:
        while data := self.port.peek():
            self.port.consume(len(data))
            self._heard += len(data)
            if self.on_bytes is not None:
                self.on_bytes(self._heard)
                if not self.port.is_attached:
                    return  # somebody pulled the cable at this very byte
            self._replies += self.target.feed(data)
            if self.target.was_reset:
                if self.on_reset is not None:
                    # Not from within the transfer that brought the command: the host gets its end first.
                    asyncio.get_running_loop().call_soon(self.on_reset)
                return
        self.writable()

    def writable(self) -> None:
        if self._replies:
            del self._replies[: self.port.send(bytes(self._replies))]


class FlashedProgram(PortBoard):
    """A board's program that tells the version of the image in its flash, as the image itself would."""

    def __init__(self, flash: Flash, command: Sequence[str | Path], link: Path, *, log_file: Path | None = None) -> None:
        super().__init__(command, link, log_file=log_file)
        self._flash = flash
        self._command = list(self.program.command)

    async def power_on(self) -> None:
        header = Header.in_flash(self._flash)
        version = [] if header is None else ["--firmware-version", header.version]
        self.program.command = [*self._command, *version]
        await super().power_on()
