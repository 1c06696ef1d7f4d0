"""A board program on a pseudo-terminal, as the firmware of a USB device.

`virtual-board` and `qemu-board` make a pseudo-terminal and link it somewhere: whoever has that open is their host. DTR
means the same on USB, so it opens and closes the pseudo-terminal here. The program runs while the board has power, and
losing the cable is losing the power: SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import termios
import time
import tty
from collections.abc import Sequence
from pathlib import Path

from .firmware import Firmware
from .program import Program, ProgramFailed

log = logging.getLogger(__name__)

#: Seconds between looks for the program's link.
LOOK = 0.02
#: Seconds that a program may take from its start to its link.
START_TIMEOUT = 30.0
#: Seconds that the pseudo-terminal stays closed at least. The programs look every 20 ms whether it still is, and one
#: that was closed and opened in between would not have seen that somebody was gone.
LEAST_CLOSED = 0.06


class PortBoard(Firmware):
    """Runs `command`, which is to serve a pseudo-terminal linked at `link`, and joins it to the USB port.

    Backpressure goes both ways: bytes are taken from the host only as far as the pseudo-terminal takes them, and from
    the pseudo-terminal only as far as the host has asked for them.
    """

    def __init__(self, command: Sequence[str | Path], link: Path, *, log_file: Path | None = None) -> None:
        self._program = Program(command, log_file=log_file)
        self._link = link
        self._terminal: int | None = None
        self._opening: asyncio.Task[None] | None = None
        self._closed_at = 0.0
        self._is_reading = self._is_writing = False

    @classmethod
    def running(
        cls, program: Path, link: Path, arguments: Sequence[str | Path], *, log_file: Path | None = None
    ) -> PortBoard:
        """A board of `virtual-board` or `qemu-board`, with what it takes besides --link."""
        # Their standard input is a pipe of ours: if this process dies, so do they.
        return cls([program, "--link", link, *arguments, "--exit-with-parent"], link, log_file=log_file)

    @property
    def program(self) -> Program:
        return self._program

    @property
    def is_running(self) -> bool:
        return self._program.is_running

    @property
    def is_open(self) -> bool:
        """Whether the program sees its port open."""
        return self._terminal is not None

    @property
    def process_id(self) -> int | None:
        return self._program.process_id

    @property
    def start_count(self) -> int:
        """Times that the program was started."""
        return self._program.start_count

    # Power.

    async def power_on(self) -> None:
        if self.is_running:
            return
        await self.gone()
        # A link left behind by a program that was killed leads nowhere, or to somebody else's terminal by now.
        self._link.unlink(missing_ok=True)
        await self._program.start()
        deadline = time.monotonic() + START_TIMEOUT
        while not self._link.exists():
            if not self.is_running:
                raise ProgramFailed(f"{self._program.command[0]} ended with status {self._program.status}")
            if time.monotonic() > deadline:
                self.power_off()
                raise ProgramFailed(f"{self._program.command[0]} made no link {self._link} within {START_TIMEOUT} s")
            await asyncio.sleep(LOOK)

    def power_off(self) -> None:
        self._close()
        self._program.kill()

    async def gone(self) -> None:
        """Returns when the program that lost its power has ended."""
        await self._program.gone()

    # The port's opening and closing.

    def line_state(self, dtr: bool, rts: bool) -> None:
        if not dtr:
            self._close()
        elif self._terminal is None and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._closed_at + LEAST_CLOSED - time.monotonic()))
            terminal = os.open(self._link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            tty.setraw(terminal, termios.TCSANOW)
        except OSError as error:
            # A board that does not run answers nothing; the USB device stays, as that of a chip that hangs would.
            log.warning("%s: %s", self._link, error.strerror)
            return
        finally:
            self._opening = None
        self._terminal = terminal
        self._read_on()
        self.readable()
        self.port.changed()

    def _close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._terminal is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._terminal)
        loop.remove_writer(self._terminal)
        self._is_reading = self._is_writing = False
        os.close(self._terminal)
        self._terminal = None
        self._closed_at = time.monotonic()
        self.port.changed()

    # Bytes.

    def readable(self) -> None:
        """From the host to the program."""
        while self._terminal is not None and (data := self.port.peek()):
            try:
                self.port.consume(os.write(self._terminal, data))
            except BlockingIOError:
                if not self._is_writing:
                    self._is_writing = True
                    asyncio.get_running_loop().add_writer(self._terminal, self.readable)
                return
            except OSError as error:
                self._hung_up(error)
                return
        if self._is_writing and self._terminal is not None:
            self._is_writing = False
            asyncio.get_running_loop().remove_writer(self._terminal)

    def writable(self) -> None:
        self._read_on()

    def _read_on(self) -> None:
        if self._terminal is not None and not self._is_reading:
            self._is_reading = True
            asyncio.get_running_loop().add_reader(self._terminal, self._read)

    def _read(self) -> None:
        """From the program to the host."""
        assert self._terminal is not None
        room = self.port.room
        if room == 0:
            self._is_reading = False
            asyncio.get_running_loop().remove_reader(self._terminal)
            self.port.wants_room()
            return
        try:
            data = os.read(self._terminal, room)
        except BlockingIOError:
            return
        except OSError as error:
            self._hung_up(error)
            return
        if data:
            self.port.send(data)
        else:
            self._hung_up(None)

    def _hung_up(self, error: OSError | None) -> None:
        """The program has ended, or closed its side."""
        if error is not None and error.errno != errno.EIO:
            log.warning("%s: %s", self._link, error.strerror)
        self._close()
