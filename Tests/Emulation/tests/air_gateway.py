"""The real gateway above a channel to the board: the pseudo-terminal that it takes for a board's port carries what the
channel carries, each frame stuffed (Protocols/link.md, section 2) where there is an SDU of it in the air.

Virtual time stands still while the gateway thinks about what it got: to the board it seems to answer at once.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import select
import subprocess
import sys
import tty

from bumble.l2cap import LeCreditBasedChannel
from nrf52840 import SECOND, World

from .board import BUILD, unstuffed

PROJECT = BUILD.parents[1]
sys.path[:0] = [str(PROJECT / "Scripts"), str(PROJECT / "Tests" / "LinuxGuest")]
from datasets import fbds  # noqa: E402  (folders of scripts, not installed packages)
from radio.transcript import Transcript, Transfer  # noqa: E402

__all__ = ["Gateway", "Story", "Transfer", "fbds"]

#: The release build of fedbridge.
PROGRAM = pathlib.Path(os.environ.get("FEDBRIDGE_PROGRAM") or PROJECT / ".build" / "release" / "fedbridge")
#: How long the gateway may think about frames, and how long it is quiet when it has said all, in seconds of real time.
THINKS, QUIET = 0.1, 0.003


def stuffed(frame: bytes) -> bytes:
    """Of any length, zeros around it."""
    blocks = []
    for block in frame.split(b"\0"):
        while len(block) >= 254:
            blocks.append(b"\xff" + block[:254])
            block = block[254:]
        blocks.append(bytes((len(block) + 1,)) + block)
    return b"\0" + b"".join(blocks) + b"\0"


class Story(Transcript):
    """What the two said, in seconds of virtual time."""

    def __init__(self) -> None:
        self.transfers, self.greetings, self.chunks = [], [], []
        self._forget()

    def tell(self, frame: bytes, is_down: bool, now: float) -> None:
        for (direction, _), transfer in self._open.items():
            if direction == is_down:
                transfer.carried += len(frame)
        self._heard(frame, is_down, now)


class Gateway:
    """The program, its port, and what goes through it."""

    def __init__(self, world: World, channel: LeCreditBasedChannel, folder: pathlib.Path, *options: str) -> None:
        self._world, self._channel = world, channel
        self.story = Story()
        self._stream = b""
        self._was_told = False
        self._leader, follower = os.openpty()
        tty.setraw(follower)
        os.set_blocking(self._leader, False)
        port = os.ttyname(follower)
        channel.sink = self._from_board
        self._log = folder / "gateway.log"
        with self._log.open("wb") as log:
            self._program = subprocess.Popen(
                [PROGRAM, "run", "--no-usb", "--no-bluetooth", "--serial", port, "--minimum-boards", "1",
                 "--state-dir", folder / "state", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        # Kept open, or the port would hang up while the program is not there yet.
        self._follower = follower

    def close(self) -> None:
        self._program.terminate()
        self._program.wait()
        os.close(self._follower)
        os.close(self._leader)

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def held(self) -> None:
        """All rounds are over; it carries on from one step of the world to the next."""
        while self._program.poll() is None:
            self._to_board(THINKS if self._was_told else 0)
            self._was_told = False
            await asyncio.sleep(0)
        assert self._program.returncode == 0, self.log

    def _from_board(self, frame: bytes) -> None:
        self.story.tell(frame, False, self._world.now / SECOND)
        os.write(self._leader, stuffed(frame))
        self._was_told = True

    def _to_board(self, patience: float) -> None:
        while select.select([self._leader], [], [], patience)[0]:
            self._stream += os.read(self._leader, 65536)
            patience = QUIET
        end = self._stream.rfind(b"\0") + 1
        for frame in unstuffed(self._stream[:end]):
            if frame:
                self.story.tell(frame, True, self._world.now / SECOND)
                self._channel.write(frame)
        self._stream = self._stream[end:]
