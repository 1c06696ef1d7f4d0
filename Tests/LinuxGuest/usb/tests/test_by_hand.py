"""`python3 -m usb`, and the boards in a thread of their own."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from .. import nano33ble
from ..background import Background
from ..cables import AttachFailed, Cables
from ..hub import Hub
from ..usbip import UsbipServer
from .follower import following
from .host import imported
from .support import PATIENCE, asynchronous

FOLDER = Path(__file__).parents[2]


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "usb", *arguments, cwd=FOLDER, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)


@asynchronous
async def test_boards_by_hand() -> None:
    process = await start("--board", "echo:A1", "--board", "silent:B2", "--port", "0", "--follow-port", "0")
    assert process.stdin and process.stdout and process.stderr
    lines = [(await process.stdout.readline()).decode() for _ in range(5)]
    assert lines[1:4:2] == ["1-1  00000000000000A1  echo:A1\n", "1-2  00000000000000B2  silent:B2\n"]
    server, follow = (int(re.findall(r"10\.0\.2\.2:(\d+)", line)[0]) for line in (lines[0], lines[4]))
    async with imported(server, "1-1") as host:
        await host.open()
        await host.write(b"hello")
        assert await host.read(5) == b"hello"
        process.stdin.write(b"unplug 1-1\nnonsense\nplug 9-9\n")
        await host.ended
    assert (await process.stderr.readline()).startswith(b"usb: ")
    # A guest that begins to follow gets what is plugged in, and then what is said.
    async with following(follow) as follower:
        async with asyncio.timeout(PATIENCE):
            while follower.occupied != {1: "1-2"}:
                await asyncio.sleep(0.01)
            process.stdin.write(b"plug 1-1 6\n")
            while follower.occupied != {1: "1-2", 6: "1-1"}:
                await asyncio.sleep(0.01)
            process.stdin.write(b"quit\n")
            assert await process.wait() == 0


@pytest.mark.parametrize(("arguments", "word"), [
    (["--board", "toaster"], "toaster"), (["--board", "echo:XYZ"], "XYZ"), (["--board", "virtual"], "--data"),
])
@asynchronous
async def test_wrong_use_by_hand(arguments: list[str], word: str) -> None:
    process = await start("--port", "0", "--follow-port", "0", *arguments)
    _, errors = await process.communicate()
    assert process.returncode == 2 and word in errors.decode()


def test_boards_in_a_thread_of_their_own() -> None:
    with Background() as background:
        server = background.enter(UsbipServer())
        hub = background.enter(Hub(server, background.enter(Cables(server.port)).attach))
        board = hub.add_nano33ble("a", 1)
        with pytest.raises(AttachFailed, match="no guest"):
            background.run(hub.plug(board, 0))
        background.call(server.add, "1-1", nano33ble.application("00000000000000A1"))
        assert server.bus_ids == ["1-1"]
