"""A board's program as a process: started, listened to, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from .watched import Watched


class ProgramFailed(Exception):
    """The board's program did not come up, or it ended when it should not have."""


class Program(Watched):
    """Runs `command`. What it says, on both streams, is kept in `lines` and appended to `log_file`.

    Its standard input is a pipe of ours, so that with --exit-with-parent it ends when this process dies.
    """

    def __init__(self, command: Sequence[str | Path], *, log_file: Path | None = None) -> None:
        super().__init__()
        self.command = [str(word) for word in command]
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._dying: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        #: What it has said since it was made, over all its runs.
        self.lines: list[str] = []
        #: Times that it was started.
        self.start_count = 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def status(self) -> int | None:
        """The exit status of the one that was started last and has ended by itself."""
        return self._process.returncode if self._process is not None else None

    async def start(self) -> None:
        """Starts it, after the last one is quite gone: its files are locked until then."""
        await self.gone()
        self._process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True)
        self.start_count += 1
        self._reading = asyncio.get_running_loop().create_task(self._read(self._process))

    def kill(self) -> None:
        """Ends it at once, with whatever it has started: a QEMU that outlives its wrapper still holds the state file."""
        if self._process is not None and self.is_running:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._dying = self._process
        self._process = None
        self.changed()

    def signal(self, number: signal.Signals) -> None:
        """To it and whatever it has started."""
        if self._process is not None and self.is_running:
            os.killpg(self._process.pid, number)

    async def gone(self) -> None:
        """Returns when the one that was killed has ended and all that it said is in `lines`."""
        if self._dying is not None:
            await self._dying.wait()
            self._dying = None
        if self._reading is not None and not self.is_running:
            await self._reading

    async def line(self, beginning: str, since: int = 0, timeout: float = 60) -> str:
        """The first line from index `since` on that begins like this, without its beginning; waits until there is one."""

        def found() -> str | None:
            return next((line for line in self.lines[since:] if line.startswith(beginning)), None)

        await self.until(lambda _: found() is not None or self.status is not None, timeout)
        line = found()
        if line is None:
            raise ProgramFailed(f"{self.describe()}; it never said '{beginning}'")
        return line.removeprefix(beginning).strip()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        log = open(self._log_file, "ab") if self._log_file else None
        try:
            while line := await process.stdout.readline():
                if log is not None:
                    log.write(line)
                    log.flush()
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed()
        finally:
            if log is not None:
                log.close()
        await process.wait()
        self.changed()

    def describe(self) -> str:
        state = f"process {self.process_id}" if self.is_running else f"status {self.status}"
        return " | ".join([f"{self.command[0]}, {state}", *self.lines[-5:]])
