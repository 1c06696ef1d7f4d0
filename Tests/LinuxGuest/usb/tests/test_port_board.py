"""A program on a pseudo-terminal as a board's firmware: power, opening and closing, bytes, backpressure."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ..cdc_acm import AcmDevice
from ..port_board import PortBoard
from ..program import ProgramFailed
from .host import Host, imported
from .support import PATIENCE, asynchronous, served

PROGRAM = Path(__file__).with_name("pty_program.py")


def board(folder: Path, *arguments: str) -> PortBoard:
    link = folder / "port"
    command = [sys.executable, str(PROGRAM), "--link", str(link), "--exit-with-parent", *arguments]
    return PortBoard(command, link, log_file=folder / "log")


@asynccontextmanager
async def running(firmware: PortBoard) -> AsyncIterator[tuple[AcmDevice, Host]]:
    await firmware.power_on()
    try:
        async with served(firmware) as (device, server), imported(server.port) as host:
            yield device, host
    finally:
        firmware.power_off()
        await firmware.gone()


async def said(folder: Path, lines: list[str]) -> None:
    """Returns when the program has noticed just this, one after the other."""
    async with asyncio.timeout(PATIENCE):
        while (folder / "log").read_text().split() != lines:
            await asyncio.sleep(0.01)


@asynchronous
async def test_dtr_opens_and_closes_the_program_s_port(tmp_path: Path) -> None:
    async with running(board(tmp_path)) as (_, host):
        await host.open()
        await said(tmp_path, ["open"])
        await host.lines(0)
        await said(tmp_path, ["open", "closed"])
        await host.lines(3)
        await said(tmp_path, ["open", "closed", "open"])
        host.close()
        await said(tmp_path, ["open", "closed", "open", "closed"])


@asynchronous
async def test_a_program_notices_even_the_shortest_drop_of_dtr(tmp_path: Path) -> None:
    firmware = board(tmp_path)
    async with running(firmware) as (device, host):
        await host.open()
        await device.until(lambda _: firmware.is_open, PATIENCE)
        await said(tmp_path, ["open"])
        await host.lines(0)
        await host.lines(3)
        await said(tmp_path, ["open", "closed", "open"])
        await host.write(b"still there")
        assert await host.read(11) == b"still there"


@asynchronous
async def test_bytes_go_both_ways_unchanged(tmp_path: Path) -> None:
    async with running(board(tmp_path)) as (_, host):
        await host.open()
        data = os.urandom(200_000)

        async def write() -> None:
            for at in range(0, len(data), 1280):
                await host.write(data[at : at + 1280])

        _, answer = await asyncio.gather(write(), host.read(len(data)))
        assert answer == data


@asynchronous
async def test_a_program_that_does_not_read_makes_the_host_wait(tmp_path: Path) -> None:
    async with running(board(tmp_path, "--deaf")) as (device, host):
        await host.open()
        writes = [host.submit(2, False, 1280, bytes(1280))[1] for _ in range(100)]
        await device.until(lambda d: d.bytes_from_host > 0, PATIENCE)
        # What the pseudo-terminal holds is the kernel's business, but it is not 128,000 bytes.
        done, pending = await asyncio.wait(writes, timeout=1)
        assert done and pending
        assert device.bytes_from_host < 100_000


@asynchronous
async def test_a_host_that_does_not_read_makes_the_program_wait(tmp_path: Path) -> None:
    async with running(board(tmp_path, "--say", "3000")) as (device, host):
        await host.open()
        await device.until(lambda d: d.room == 0, PATIENCE)
        assert await host.read(3000) == bytes(3000)


@asynchronous
async def test_losing_power_kills_the_program_and_a_new_one_starts_with_it(tmp_path: Path) -> None:
    firmware = board(tmp_path)
    async with running(firmware) as (device, host):
        await host.open()
        await device.until(lambda _: firmware.is_open, PATIENCE)
        first = firmware.process_id
        assert first is not None
        firmware.power_off()
        await firmware.gone()
        assert not firmware.is_open and firmware.process_id is None
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        await firmware.power_on()
        assert firmware.process_id not in (None, first) and firmware.start_count == 2


@asynchronous
async def test_losing_power_kills_what_the_program_has_started_too(tmp_path: Path) -> None:
    link = tmp_path / "port"
    script = f"sleep 1000 & echo $! > {tmp_path}/helper; exec {sys.executable} {PROGRAM} --link {link}"
    firmware = PortBoard(["sh", "-c", script], link)
    await firmware.power_on()
    helper = int((tmp_path / "helper").read_text())
    firmware.power_off()
    await firmware.gone()
    async with asyncio.timeout(PATIENCE):
        # Its parent is gone, so whether somebody has collected it depends on the machine's first process.
        while Path(f"/proc/{helper}").exists() and "State:\tZ" not in Path(f"/proc/{helper}/status").read_text():
            await asyncio.sleep(0.01)


@asynchronous
async def test_a_program_that_dies_leaves_a_device_that_says_nothing(tmp_path: Path) -> None:
    firmware = board(tmp_path)
    async with running(firmware) as (device, host):
        await host.open()
        await device.until(lambda _: firmware.is_open, PATIENCE)
        os.kill(firmware.process_id or 0, 9)
        await device.until(lambda _: not firmware.is_open, PATIENCE)
        _, reading = host.submit(2, True, 128)
        assert (await host.control(0xA1, 0x21, length=7))[0] == 0
        assert not reading.done()


@asynchronous
async def test_a_program_that_does_not_start_is_an_error_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="status 3"):
        await board(tmp_path, "--fail").power_on()


@asynchronous
async def test_a_link_that_was_left_behind_is_not_taken_for_the_program_s(tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/dev/null")
    async with running(board(tmp_path)) as (_, host):
        await host.open()
        await host.write(b"hello")
        assert await host.read(5) == b"hello"
