"""The real `fedbridge run`, as a process in the guest."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import itertools
import json
import os
import re
import shlex
from collections.abc import Callable

from machine.guest import Guest

PATIENCE = 90.0
"""Seconds for what takes less than one on a machine of its own. The guest's processor is emulated and shared."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the log."""

    index: int
    level: str
    message: str
    fields: dict[str, str]


class Gateway:
    """A gateway that runs. Its state survives it in the guest, at `state`."""

    _numbers = itertools.count(1)

    def __init__(self, guest: Guest, state: str | None, user: str | None) -> None:
        self.guest = guest
        # The guest may have served another session of tests before.
        self.name = f"gateway-{os.getpid()}-{next(self._numbers)}"
        self.state = state or f"/tmp/{self.name}"
        self.user = user
        self.lines: list[Line] = []
        #: What is no line of the log: the table at the end, or a crash.
        self.other: list[str] = []
        self._waiting: list[asyncio.Event] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, guest: Guest, *options: str, state: str | None = None, user: str | None = None) -> Gateway:
        """Starts it; returns when it says so. `state`: that of an earlier one, to go on with."""
        gateway = cls(guest, state, user)
        words = ["exec", "/srv/programs/fedbridge", "run", "--log-format", "json",
                 "--state-dir", gateway.state, "--summary", gateway._summary, *options]
        command = guest.command(f"echo $$ >{gateway._pid_file}; {shlex.join(words)}", timeout=3600, user=user)
        gateway._process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20)
        gateway._reading = asyncio.create_task(gateway._read())
        await gateway.line("fedbridge .*run")
        return gateway

    @property
    def _pid_file(self) -> str:
        return f"/tmp/{self.name}.pid"

    @property
    def _summary(self) -> str:
        return f"/tmp/{self.name}.json"

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for raw in self._process.stdout:
            text = raw.decode(errors="replace").rstrip("\n")
            try:
                record = json.loads(text)
                line = Line(len(self.lines), record.pop("level"), record.pop("message"), record)
            except (ValueError, KeyError, AttributeError):
                self.other.append(text)
                continue
            self.lines.append(line)
            for event in self._waiting:
                event.set()
        for event in self._waiting:
            event.set()

    # --- what it says

    async def line(self, pattern: str, since: Line | int = 0, timeout: float = PATIENCE) -> Line:
        """The first line whose message matches, from `since` on; waits until there is one."""
        found = await self.first(lambda line: re.search(pattern, line.message) is not None, since, timeout, pattern)
        return found

    async def first(self, condition: Callable[[Line], bool], since: Line | int, timeout: float, what: str) -> Line:
        index = since.index if isinstance(since, Line) else since
        event = asyncio.Event()
        self._waiting.append(event)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    event.clear()
                    while index < len(self.lines):
                        if condition(self.lines[index]):
                            return self.lines[index]
                        index += 1
                    if self._reading is None or self._reading.done():
                        raise AssertionError(f"the gateway ended without '{what}'\n{self.tail()}")
                    await event.wait()
        except TimeoutError:
            raise AssertionError(f"nothing about '{what}' within {timeout} s\n{self.tail()}") from None
        finally:
            self._waiting.remove(event)

    def said(self, pattern: str, since: Line | int = 0) -> list[Line]:
        """All lines so far whose message matches."""
        index = since.index if isinstance(since, Line) else since
        return [line for line in self.lines[index:] if re.search(pattern, line.message)]

    def tail(self, count: int = 40) -> str:
        return "\n".join([f"{line.level} {line.message}" for line in self.lines[-count:]] + self.other[-20:])

    @staticmethod
    def seconds(earlier: Line, later: Line) -> float:
        """Between two lines, by the guest's clock."""
        begun, ended = (datetime.datetime.fromisoformat(line.fields["time"]) for line in (earlier, later))
        return (ended - begun).total_seconds()

    # --- what it is

    async def measure(self) -> tuple[int, int]:
        """Open descriptors, and resident memory in KB."""
        words = (f"p=$(cat {self._pid_file}); ls /proc/$p/fd | wc -l; awk '/VmRSS/ {{ print $2 }}' /proc/$p/status")
        output = (await self._in_guest(words)).split()
        return int(output[0]), int(output[1])

    async def _in_guest(self, words: str) -> str:
        return await asyncio.to_thread(self.guest.check, words)

    # --- its end

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    async def held(self, timeout: float = 300) -> list[dict]:
        """Waits until it has held all its rounds and ended; the rounds of its summary."""
        assert self._process is not None
        try:
            async with asyncio.timeout(timeout):
                status = await self._process.wait()
                assert self._reading is not None
                await self._reading
        except TimeoutError:
            raise AssertionError(f"not held within {timeout} s\n{self.tail()}") from None
        assert status == 0, f"status {status}\n{self.tail()}"
        return json.loads(await self._in_guest(f"cat {self._summary}"))["rounds"]

    async def signal(self, name: str) -> None:
        await self._in_guest(f"kill -{name} $(cat {self._pid_file})")

    async def stop(self) -> None:
        """Asks it to end, and waits; a gateway that has ended is fine."""
        assert self._process is not None
        if self._process.returncode is None:
            # It may end by itself at this very moment.
            await asyncio.to_thread(self.guest.execute, f"kill -TERM $(cat {self._pid_file})")
            try:
                await asyncio.wait_for(self._process.wait(), 60)
            except TimeoutError:
                await asyncio.to_thread(self.guest.execute, f"kill -KILL $(cat {self._pid_file})")
                raise AssertionError(f"the gateway did not end within 60 s of SIGTERM\n{self.tail()}") from None
            finally:
                if self._reading is not None:
                    await self._reading
