"""BlueZ with a link layer that we did not write, on an emulated chip, and what is said in the air about it."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest_asyncio

from emulated import EmulatedAdapter, EmulatedAir
from machine.guest import Guest
from nrf52840 import SECOND
from nrf52840.air import Noise
from nrf52840.audit import Report, audit
from nrf52840.capture import write

from .air_desk import ARTEFACTS
from .bluez import Bluetoothctl

#: What a controller says that the Linux Foundation made.
MANUFACTURER = 0x05F1


@pytest_asyncio.fixture(loop_scope="session")
async def air(guest: Guest) -> AsyncIterator[tuple[EmulatedAir, EmulatedAdapter]]:
    """An air with an adapter of the guest in it, which bluetoothd has taken up."""
    was_active = bool(guest.execute("systemctl is-active bluetooth"))
    async with EmulatedAir() as air:
        adapter = await air.adapter(guest)
        await adapter.plug()
        await asyncio.to_thread(guest.check, "systemctl start bluetooth")
        await adapter.until_ready()
        yield air, adapter
        print(f"{air.measure():.2f} virtual seconds in a real one")
        await adapter.unplug()
        if not was_active:
            await asyncio.to_thread(guest.check, "systemctl stop bluetooth")


def judged(air: EmulatedAir, adapter: EmulatedAdapter, name: str, *, is_clear: bool = False) -> list[Report]:
    """What both judges say of all that was in the air."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.pcap"
    write(path, air.world.air, adapter.keys)
    reports = audit(air.world.air.log, adapter.keys, is_clear=is_clear)
    assert dissected(path, "_ws.malformed || btle.crc.incorrect || btle.crc.indeterminate") == []
    path.unlink()
    return reports


def dissected(path: pathlib.Path, wanted: str) -> list[str]:
    program = shutil.which("tshark")
    assert program, "no tshark; Scripts/install-dependencies --test installs it"
    return subprocess.run(
        [program, "-n", "-r", path, "-Y", wanted], check=True, capture_output=True, text=True).stdout.splitlines()


async def test_bluez_finds_connects_and_parts(guest: Guest, air: tuple[EmulatedAir, EmulatedAdapter]) -> None:
    world, adapter = air
    node = world.peripheral("node", 7)
    node.advertise()
    async with Bluetoothctl(guest, "NoInputNoOutput") as tool:
        tool.say(f"select {adapter.address}")
        await tool.ask("show", f"Controller {adapter.address}")
        await tool.find(node.address)
        await tool.ask(f"info {node.address}", "Name: node")
        for count in (1, 2):
            await tool.ask(f"connect {node.address}", "Connection successful")
            await world.until(lambda _: node.handle is not None and node.requests > 0, 30)
            await world.pass_by(SECOND)
            await tool.ask(f"disconnect {node.address}", "Successful disconnected")
            await world.until(lambda _: len(node.reasons) == count, 30)
            node.advertise()
    assert node.reasons == [0x13, 0x13]
    reports = judged(world, adapter, "emulated-air", is_clear=True)
    assert len(reports) == 2 and all(report.events > 20 and report.left_out == 0 for report in reports)


async def test_a_connection_of_bluez_outlives_bad_weather(
    guest: Guest, air: tuple[EmulatedAir, EmulatedAdapter], seed: int
) -> None:
    world, adapter = air
    node = world.peripheral("node", 8)
    node.advertise()
    async with Bluetoothctl(guest, "NoInputNoOutput") as tool:
        tool.say(f"select {adapter.address}")
        await tool.ask("show", f"Controller {adapter.address}")
        await tool.find(node.address)
        # Not from the beginning: Linux gives up a connection whose first packets get lost.
        await tool.ask(f"connect {node.address}", "Connection successful")
        world.world.air.weather = Noise(seed, loss=0.05, bit_errors=1e-4, jammed=frozenset(range(2440, 2448)))
        await world.pass_by(3 * SECOND)
        await tool.ask(f"disconnect {node.address}", "Successful disconnected")
        await world.until(lambda _: node.reasons, 30)
    report, = judged(world, adapter, "emulated-air-noise")
    assert report.repeated > 5 and report.answered < report.events
