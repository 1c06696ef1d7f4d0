"""Where a scenario has its boards and its gateway."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib

from machine.guest import Guest
from machine.places import PROJECT
from usb import Board, Firmware, Hub, PortBoard

from .gateway import Gateway
from .reference import PROGRAMS, Reference, identity

RULE = "/etc/udev/rules.d/70-fedbridge.rules"


class References:
    """Undisturbed federations, each held once."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._held: dict[str, Reference] = {}

    def held(self, name: str, rounds: int, *options: str) -> Reference:
        if name not in self._held:
            folder = self._folder / name
            folder.mkdir()
            self._held[name] = Reference.of(folder, 4, rounds, *options)
        return self._held[name]

    @property
    def digits(self) -> Reference:
        """Four boards with handwritten digits, six rounds; updates and models coded without loss."""
        return self.held("digits", 6, "--codec", "lossless")


class Desk:
    """Where a scenario has its boards and its gateway."""

    #: Leaves the guest as it was, and prints what is wrong with it.
    tidy = """
        gone() { ! ls /dev/ttyACM* >/dev/null 2>&1; }
        # One that was plugged in a moment before it was pulled may come and go after the others have gone.
        for _ in $(seq 600); do if gone && sleep 1 && gone; then break; fi; sleep 0.1; done
        ls /dev/ttyACM* 2>/dev/null; udevadm settle
        dmesg | grep -E 'BUG|Oops|list_del corruption|use-after-free|blocked for more than'
        systemctl --failed --no-legend --plain
        """

    def __init__(self, guest: Guest, hub: Hub, folder: pathlib.Path, references: References) -> None:
        self.guest, self.hub, self.folder = guest, hub, folder
        self.references = references
        self._gateways: list[Gateway] = []

    def board(self, number: int, *, program: str = "virtual-board", data: pathlib.Path | None = None,
              claims: int | None = None) -> Board:
        """Board `number`, from 1, with the examples of that virtual board of four; unplugged.

        `claims`: the identity that its firmware greets with, if not that of its USB serial number."""
        name = f"board-{number}"
        path = PROJECT / "Scripts/qemu-board" if program == "qemu-board" else PROGRAMS / program
        firmware = PortBoard.running(
            path, self.folder / name,
            ["--data", data or self.references.digits.examples(number), "--id", f"{claims or identity(number):x}",
             "--state", self.folder / f"{name}.flash"],
            log_file=self.folder / f"{name}.log")
        return self.hub.add_nano33ble(name, identity(number), firmware)

    def device(self, number: int, firmware: Firmware, *, interface_protocol: int = 0) -> Board:
        """A board with another firmware."""
        return self.hub.add_nano33ble(f"board-{number}", identity(number), firmware, interface_protocol=interface_protocol)

    async def plug(self, *boards: Board, first: int = 0) -> None:
        """Into ports `first`, `first` + 1, …"""
        await asyncio.gather(*(self.hub.plug(board, first + index) for index, board in enumerate(boards)))

    async def gateway(self, *options: str, state: str | None = None, user: str | None = None) -> Gateway:
        gateway = await Gateway.start(self.guest, *options, state=state, user=user)
        self._gateways.append(gateway)
        return gateway

    async def run(self, words: str, timeout: float = 60, user: str | None = None) -> str:
        """In the guest."""
        return await asyncio.to_thread(self.guest.check, words, timeout, user)

    async def eventually(self, words: str, timeout: float = 60) -> None:
        """Waits in the guest until the shell's condition holds."""
        result = await asyncio.to_thread(
            self.guest.execute, f"until {words}; do sleep 0.1; done", timeout)
        assert result.status == 0, f"not within {timeout} s: {words}\n{result.output}"

    async def put_away(self) -> None:
        """Ends what the scenario left running."""
        with contextlib.ExitStack() as stack:
            for gateway in self._gateways:
                if not gateway.has_ended:
                    await gateway.stop()
            for board in self.hub.boards.values():
                stack.callback(board.pull)

    async def clear(self) -> None:
        await self.put_away()
        # The next scenario begins with empty ports, and the kernel and its daemons have to be well.
        complaints = await self.run(self.tidy, 120)
        assert complaints.strip() == "", f"the guest is not well: {complaints}"
