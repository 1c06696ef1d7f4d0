"""`fedbridge flash` in the guest, and files for it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
import shlex

from .desk import Desk


@dataclasses.dataclass
class Flashing:
    """How the command ended."""

    status: int
    lines: list[dict]

    @property
    def last(self) -> dict:
        return self.lines[-1]


class FlashCommand:
    """`fedbridge flash` in the guest, as it runs."""

    def __init__(self, desk: Desk, board: str, path: pathlib.PurePath, state: str, *options: str) -> None:
        words = ["/srv/programs/fedbridge", "flash", "--json", "--state-dir", state, board, str(path), *options]
        self._words = desk.guest.command("exec " + shlex.join(words), 300)
        self.lines: list[dict] = []

    async def __aenter__(self) -> FlashCommand:
        self._process = await asyncio.create_subprocess_exec(
            *self._words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _next(self) -> dict | None:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            return None
        self.lines.append(json.loads(line))
        return self.lines[-1]

    async def until(self, phase: str, done: int, timeout: float = 120) -> None:
        """Until so many bytes are told of."""
        async with asyncio.timeout(timeout):
            while line := await self._next():
                if line.get("phase") == phase and line["done"] >= done:
                    return
        raise AssertionError(f"it ended before that: {self.lines}")

    async def end(self, timeout: float = 240) -> Flashing:
        async with asyncio.timeout(timeout):
            while await self._next():
                pass
            return Flashing(await self._process.wait(), self.lines)


async def flash(desk: Desk, board: str, path: pathlib.PurePath, state: str, *options: str) -> Flashing:
    async with FlashCommand(desk, board, path, state, *options) as command:
        return await command.end()


async def put(desk: Desk, content: bytes, name: str = "image.bin") -> pathlib.PurePath:
    """Puts a file into the guest."""
    share = desk.guest.run / "share" / name
    share.write_bytes(content)
    path = pathlib.PurePosixPath("/tmp") / name
    await desk.run(f"cp /srv/share/{name} {path}")
    return path
