"""Boards in the hands of a test: plugged in and out, swapped, touched, all of them gone at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from .. import hub as hub_module
from ..cables import AttachFailed, Cables
from ..firmware import EchoFirmware
from ..hub import Hub
from ..port_board import PortBoard
from ..program import ProgramFailed
from ..usbip import UsbipServer
from .follower import Follower, following
from .support import PATIENCE, asynchronous
from .test_port_board import PROGRAM


@asynccontextmanager
async def guest() -> AsyncIterator[tuple[Hub, Follower]]:
    async with UsbipServer() as server, Cables(server.port) as cables, following(cables.port) as follower:
        await cables.guest(PATIENCE)
        async with Hub(server, cables.attach) as hub:
            yield hub, follower


def program_board(folder: Path, name: str, *arguments: str) -> PortBoard:
    link = folder / name
    return PortBoard([sys.executable, PROGRAM, "--link", link, "--exit-with-parent", *arguments], link)


@asynchronous
async def test_boards_are_where_they_were_plugged_in() -> None:
    async with guest() as (hub, follower):
        for name, identity, port in (("a", "A1", 3), ("b", "B2", 0), ("c", "C3", 40)):
            hub.add_nano33ble(name, identity, EchoFirmware())
            await hub.plug(name, port)
        assert follower.occupied == {0: "1-2", 3: "1-1", 40: "1-3"}
        assert hub["a"].place["path"] == "1-4"
        await hub.replug("a", 7)
        await hub.swap("b", "c")
        await asyncio.sleep(0)
        assert {name: board.port for name, board in hub.boards.items()} == {"a": 7, "b": 40, "c": 0}
        assert [hub[name].application.attach_count for name in "abc"] == [2, 2, 2]
        for port, serial in ((7, "A1"), (40, "B2"), (0, "C3")):
            assert await follower.ports[port].string(3) == serial.zfill(16)


@asynchronous
async def test_a_hub_that_disappears_takes_all_boards_at_once_and_brings_them_back() -> None:
    async with guest() as (hub, follower):
        for number in range(4):
            await hub.plug(hub.add_nano33ble(f"b{number}", number, EchoFirmware()), number)
            await follower.ports[number].open()
        places = hub.vanish()
        assert places == {f"b{number}": number for number in range(4)}
        assert not any(board.application.is_attached or board.application.dtr for board in hub.boards.values())
        await asyncio.gather(*(host.ended for host in follower.ports.values()))
        assert follower.occupied == {}
        await hub.come_back(places)
        assert follower.occupied == {number: f"1-{number + 1}" for number in range(4)}


@asynchronous
async def test_wrong_orders_are_refused() -> None:
    async with guest() as (hub, _):
        board = hub.add_nano33ble("a", 1)
        with pytest.raises(ValueError, match="already"):
            hub.add_nano33ble("a", 2)
        with pytest.raises(ValueError, match="no port"):
            await hub.replug(board)
        await hub.plug(board, 0)
        with pytest.raises(ValueError, match="in port 0 already"):
            await hub.plug(board, 1)
        hub.unplug(board)
        hub.unplug(board)
        await hub.plug(board, 1)


@asynchronous
async def test_what_the_guest_cannot_do_is_an_error_and_leaves_the_board_unplugged() -> None:
    async with UsbipServer() as server, Cables(server.port) as cables, Hub(server, cables.attach) as hub:
        board = hub.add_nano33ble("a", 1)
        with pytest.raises(AttachFailed, match="no guest"):
            await hub.plug(board, 0)
        assert not board.is_plugged and server.bus_ids == []


@asynchronous
async def test_the_touch_makes_the_board_its_bootloader_on_the_same_port_and_reset_ends_that() -> None:
    async with guest() as (hub, follower):
        board = await hub.plug(hub.add_nano33ble("a", "A1", EchoFirmware()), 5)
        host = follower.ports[5]
        await host.open()
        await host.line_coding(1200)
        await host.lines(0)
        await host.ended
        assert board.bootloader is not None
        await board.bootloader.until(lambda d: d.is_attached, PATIENCE)
        await board.until(lambda b: follower.occupied == {5: "1-1"}, PATIENCE)
        assert follower.ports[5].product == 0x005A
        board.reset()
        await board.application.until(lambda d: d.is_attached, PATIENCE)
        await board.until(lambda b: follower.ports[5].product == 0x805A, PATIENCE)


@asynchronous
async def test_a_board_that_is_pulled_while_it_resets_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RESET_TIME", 0.05)
    async with guest() as (hub, follower):
        board = await hub.plug(hub.add_nano33ble("a", "A1"), 0)
        board.reset()
        hub.unplug(board)
        await asyncio.sleep(0.2)  # longer than the reset takes: it would be back
        assert follower.occupied == {} and not board.is_plugged
        await hub.plug(board, 1)
        assert follower.occupied == {1: "1-1"}


@asynchronous
async def test_unplugging_is_a_power_cut_unless_something_else_feeds_the_board(tmp_path: Path) -> None:
    async with guest() as (hub, follower):
        bus = program_board(tmp_path, "bus")
        battery = program_board(tmp_path, "battery")
        one = hub.add_nano33ble("bus", 1, bus)
        two = hub.add_nano33ble("battery", 2, battery, keeps_power=True)
        for port, board in enumerate((one, two)):
            await hub.plug(board, port)
            await follower.ports[port].open()
        process = battery.process_id
        # Plugged in again at once: the program that was killed may not be quite gone yet.
        await hub.replug(one)
        await hub.replug(two)
        assert (bus.start_count, battery.start_count) == (2, 1)
        assert battery.process_id == process
        for port in (0, 1):
            await follower.ports[port].open()
            await follower.ports[port].write(b"hello")
            assert await follower.ports[port].read(5) == b"hello"
        two.reset()
        await battery.gone()
    assert bus.process_id is None and battery.process_id is None


@asynchronous
async def test_a_program_that_does_not_start_leaves_the_board_unplugged(tmp_path: Path) -> None:
    async with guest() as (hub, follower):
        board = hub.add_nano33ble("a", 1, program_board(tmp_path, "a", "--fail"))
        with pytest.raises(ProgramFailed):
            await hub.plug(board, 0)
        assert not board.is_plugged and follower.occupied == {}


@pytest.mark.parametrize("keeps_power", [False, True])
@asynchronous
async def test_a_board_that_is_pulled_while_it_starts_can_be_plugged_in_again_at_once(
    tmp_path: Path, keeps_power: bool
) -> None:
    async with guest() as (hub, follower):
        board = hub.add_nano33ble("a", 1, program_board(tmp_path, "a"), keeps_power=keeps_power)
        for _ in range(3):
            plugging = asyncio.create_task(hub.plug(board, 0))
            await board.until(lambda b: b.is_plugged, PATIENCE)
            await asyncio.sleep(0)
            hub.unplug(board)
            again = asyncio.create_task(hub.plug(board, 1))
            with pytest.raises((ProgramFailed, AttachFailed)):
                await plugging
            await again
            assert follower.occupied == {1: "1-1"}
            hub.unplug(board)
            await follower.ports[1].ended


@asynchronous
async def test_two_boards_may_claim_one_identity() -> None:
    async with guest() as (hub, follower):
        for port, name in enumerate(("true", "false")):
            await hub.plug(hub.add_nano33ble(name, "A1"), port)
            assert await follower.ports[port].string(3) == "00000000000000A1"
