"""`fedbridge boards`, `permit-join`, `pair` and `forget` in the guest, as a person or a script uses them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shlex

from .gateway import PATIENCE, Gateway


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command printed with --json, and its exit status."""

    status: int
    replies: list[dict]

    @property
    def last(self) -> dict:
        """The reply that ended it."""
        return self.replies[-1]


class Command:
    """A command that runs, with whoever reads what it prints and types what it asks for."""

    def __init__(self, gateway: Gateway, *words: str) -> None:
        program = shlex.join(["/srv/programs/fedbridge", words[0], "--state-dir", gateway.state, "--json", *words[1:]])
        self._command = gateway.guest.command(f"exec {program}", 300)
        self._replies: list[dict] = []
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Command:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def until(self, kind: str, timeout: float = PATIENCE) -> dict:
        """Reads on until it prints a reply of this kind."""
        async with asyncio.timeout(timeout):
            while reply := await self._next():
                if reply["reply"] == kind:
                    return reply
        raise AssertionError(f"it ended without '{kind}': {self._replies}")

    async def _next(self) -> dict | None:
        assert self._process is not None and self._process.stdout is not None
        if not (line := await self._process.stdout.readline()):
            return None
        self._replies.append(json.loads(line))
        return self._replies[-1]

    def type(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def end(self, timeout: float = PATIENCE) -> Answer:
        """Reads on until it ends."""
        assert self._process is not None
        async with asyncio.timeout(timeout):
            while await self._next():
                pass
            return Answer(await self._process.wait(), self._replies)


async def ask(gateway: Gateway, *words: str) -> Answer:
    """Runs a command that asks nothing."""
    async with Command(gateway, *words) as command:
        return await command.end()


async def boards(gateway: Gateway) -> dict:
    """What `fedbridge boards` says."""
    answer = await ask(gateway, "boards")
    assert answer.status == 0, answer.replies
    return answer.last


async def permit_join(gateway: Gateway, time: str) -> None:
    answer = await ask(gateway, "permit-join", "--for", time)
    assert answer.status == 0, answer.replies
