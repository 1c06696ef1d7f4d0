"""BlueZ's own tools in the guest, as somebody uses them at a terminal."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import shlex

from machine.guest import Guest

PATIENCE = 60.0
SERVICE = "88cb0001-6dff-445c-9674-1a94cec12e53"
#: Colours, and what a line editor writes to draw its prompt anew.
DECORATION = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x01\x02\x08\r]|\x1b")


class Bluetoothctl:
    """A running bluetoothctl, with a person before it, or a program: its agent answers as `capability` allows."""

    def __init__(self, guest: Guest, capability: str) -> None:
        self._guest, self._capability = guest, capability
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        #: What it has printed, as text.
        self.text = ""
        self._read_to = 0

    async def __aenter__(self) -> Bluetoothctl:
        self._process = await asyncio.create_subprocess_exec(
            *self._guest.command(f"exec bluetoothctl --agent {self._capability}", 600),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        self._reading = asyncio.create_task(self._read())
        await self.expect("Agent registered")
        self.say("default-agent")
        await self.expect("Default agent request successful")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None and self._process.stdin is not None and self._reading is not None
        try:
            self.say("quit")
            self._process.stdin.close()
            await asyncio.wait_for(self._process.wait(), 10)
        except (ConnectionError, TimeoutError):
            self._process.kill()
        await self._reading

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while data := await self._process.stdout.read(4096):
            self.text += DECORATION.sub("", data.decode(errors="replace"))
            self._changed.set()
        self._changed.set()

    def say(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def expect(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Waits for this in what comes after the last thing that was waited for."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    self._changed.clear()
                    if found := re.compile(pattern).search(self.text, self._read_to):
                        self._read_to = found.end()
                        return found
                    if self._reading is not None and self._reading.done():
                        raise AssertionError(f"bluetoothctl ended without '{pattern}'\n{self.text[-2000:]}")
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"no '{pattern}' within {timeout} s\n{self.text[-2000:]}") from None

    async def ask(self, line: str, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Says a line and waits for this."""
        self.say(line)
        return await self.expect(pattern, timeout)

    async def find(self, address: str) -> None:
        """Scans until the board is known. Without a scan BlueZ forgets what it saw, and pairs with nobody."""
        self.say("scan on")
        await self.expect(f"Device {address}")
        self.say("scan off")
        await self.expect("Discovery stopped")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What guest/l2cap.py said."""

    error: str | None
    #: Of the channel: the board's MTU, and what else is told of it.
    facts: dict[str, float]
    #: What the board answered, request by request.
    replies: list[bytes]


async def l2cap(guest: Guest, *words: str, timeout: float = PATIENCE) -> Answer:
    """Runs guest/l2cap.py."""
    result = await asyncio.to_thread(
        guest.execute, f"python3 -S Tests/LinuxGuest/guest/l2cap.py {shlex.join(words)}", timeout)
    assert result.status in (0, 1), result.output
    facts: dict = {}
    replies = []
    for line in result.output.splitlines():
        if line.startswith("{"):
            facts |= json.loads(line)
        else:
            replies.append(bytes.fromhex(line))
    return Answer(facts.pop("error", None), facts, replies)
