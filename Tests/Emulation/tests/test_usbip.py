"""An emulated chip behind the USB/IP server, with a small host in the place of a Linux kernel."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from nrf52840 import MILLISECOND, SECOND, Machine, pace
from nrf52840.usbip import EmulatedBoard
from peers import controllers
from usb import Hub, UsbipServer
from usb.cdc_acm import AcmDevice
from usb.tests.host import Host, import_device

RESET_COMMAND, RESET_COMPLETE = bytes.fromhex("030c00"), bytes.fromhex("0e0401030c00")
EVENTS = 1
PORT = 3


class Bench:
    """A hub with one board, a controller with HCI over USB; what is plugged in is imported at once."""

    def __init__(self, hub: Hub, board: EmulatedBoard) -> None:
        self.hub = hub
        self.board = board
        self.hosts: list[Host] = []

    @property
    def host(self) -> Host:
        return self.hosts[-1]

    async def event(self) -> bytes:
        """A host controller event, which comes in packets of 16 bytes."""
        status, data = await self.host.submit(EVENTS, True, 16)[1]
        assert status == 0
        return data

    async def reset_controller(self) -> None:
        event = asyncio.create_task(self.event())
        status, _ = await self.host.control(0x20, 0, data=RESET_COMMAND)
        assert status == 0
        assert await event == RESET_COMPLETE


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    machine = Machine()
    machine.power.crystal_start = MILLISECOND
    machine.load(controllers.USB.path())
    board = EmulatedBoard(machine)
    async with asyncio.timeout(60), UsbipServer() as server:

        async def attach(bus_id: str, _port: int) -> Any:
            host = await import_device(server.port, bus_id)
            assert host is not None
            made.hosts.append(host)

        async with Hub(server, attach) as hub:
            made = Bench(hub, board)
            # The hub wants the methods that both have.
            hub.add("board", cast(AcmDevice, board))
            yield made
    assert board.failure is None


async def test_a_host_that_imports_it_finds_what_it_says_it_is_and_gets_answers() -> None:
    async with bench() as made:
        await made.hub.plug("board", PORT)
        assert (made.host.vendor, made.host.product) == (0x2FE3, 0x000B)
        device = await made.host.descriptor(1, length=18)
        assert device[8:12] == bytes.fromhex("e32f0b00")
        assert (await made.host.control(0x00, 9, 1))[0] == 0
        await made.reset_controller()


async def test_what_the_device_refuses_is_a_stall_and_the_next_request_is_answered() -> None:
    async with bench() as made:
        await made.hub.plug("board", PORT)
        assert (await made.host.control(0xC0, 0x55, length=8))[0] == -errno.EPIPE
        assert len(await made.host.descriptor(1, length=18)) == 18


async def test_a_read_waits_and_can_be_given_up() -> None:
    async with bench() as made:
        await made.hub.plug("board", PORT)
        await made.host.control(0x00, 9, 1)
        number, read = made.host.submit(EVENTS, True, 16)
        await asyncio.sleep(0)
        assert not read.done()
        assert (await made.host.unlink(number))[0] == -errno.ECONNRESET
        await made.reset_controller()


@pytest.mark.parametrize("keeps_power", [False, True])
async def test_it_can_be_pulled_out_and_plugged_in_again(keeps_power: bool) -> None:
    async with bench() as made:
        made.hub["board"].keeps_power = keeps_power
        for times in range(1, 4):
            await made.hub.plug("board", PORT)
            await made.host.control(0x00, 9, 1)
            await made.reset_controller()
            made.host.submit(EVENTS, True, 16)
            made.hub.unplug("board")
            await made.host.ended
            assert len(made.hosts) == times
            assert not made.board.machine.usb.connected


async def test_virtual_time_is_never_ahead_of_real_time() -> None:
    async with bench() as made:
        await made.hub.plug("board", PORT)
        begun, began = made.board.machine.now, time.monotonic()
        for _ in range(20):
            await made.host.descriptor(1, length=18)
        passed = made.board.machine.now - begun
        assert 0 < passed <= (time.monotonic() - began) * SECOND + pace.PIECE
