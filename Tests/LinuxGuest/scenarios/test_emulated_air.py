"""BlueZ with a link layer that we did not write, on an emulated chip, and what is said in the air about it."""

from __future__ import annotations

import asyncio
import pathlib
import random

from emulated import EmulatedAdapter, EmulatedAir, HostedBoard
from machine.guest import Guest
from nrf52840 import MICROSECOND, SECOND
from nrf52840.air import Noise

from .air_desk import DIGITS
from .bluez import Bluetoothctl, l2cap
from .chips_air import air, judged
from .commands import permit_join
from .gateway import Gateway
from .reference import PROGRAMS, Reference, identity, results

__all__ = ["air"]

LOSSLESS = ("--codec", "lossless")


async def board_in(air: EmulatedAir, folder: pathlib.Path, data: pathlib.Path = DIGITS) -> HostedBoard:
    """Board 1, whom anybody may pair, advertising or about to."""
    board = await air.board(
        "board", identity(1), PROGRAMS / "virtual-board", folder, ["--data", data, "--pairing", "just-works"])
    await board.power_on()
    return board


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
    reports = judged(world, "emulated-air")
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
    report, = judged(world, "emulated-air-noise")
    assert report.repeated > 5 and report.answered < report.events


async def test_our_host_pairs_and_comes_back_with_the_bond(
    guest: Guest, air: tuple[EmulatedAir, EmulatedAdapter], tmp_path: pathlib.Path
) -> None:
    world, adapter = air
    board = await board_in(world, tmp_path)
    async with Bluetoothctl(guest, "NoInputNoOutput") as tool:
        tool.say(f"select {adapter.address}")
        await tool.ask("show", f"Controller {adapter.address}")
        await tool.find(board.address)
        await tool.ask(f"pair {board.address}", "Pairing successful")
        await board.line("paired")
        opened = await l2cap(guest, "channel", board.address, "--adapter", adapter.address)
        assert opened.error is None and opened.facts["mtu"] == 1040
        await tool.ask(f"disconnect {board.address}", "Successful disconnected")
        said = len(board.program.lines)
        await tool.ask(f"connect {board.address}", "Connection successful")
        await board.line("encrypted", said)
        opened = await l2cap(guest, "channel", board.address, "--adapter", adapter.address)
        assert opened.error is None
    # One key for both connections, which is what the bond is.
    assert len(world.keys) == 1
    reports = judged(world, "emulated-air-bond")
    assert len(reports) == 2 and all(report.encrypted > 10 for report in reports)


async def test_rounds_are_held_in_bad_weather_over_a_link_layer_that_is_not_ours(
    guest: Guest, air: tuple[EmulatedAir, EmulatedAdapter], tmp_path: pathlib.Path, seed: int
) -> None:
    world, _ = air
    # Who answers what came late is late himself: half of what the standard lets him be.
    lateness = random.Random(seed)
    world.world.air.weather = Noise(seed, loss=0.03, bit_errors=3e-5, jammed=frozenset(range(2440, 2444)))
    world.world.air.lateness = lambda _packet, _receiver: lateness.randrange(MICROSECOND)
    reference = await asyncio.to_thread(Reference.of, tmp_path, 1, 2, *LOSSLESS)
    await board_in(world, tmp_path, reference.examples(1))
    gateway = await Gateway.start(guest, "--no-usb", "--minimum-boards", "1", "--rounds", "2", *LOSSLESS)
    try:
        await permit_join(gateway, "60s")
        assert results(await gateway.held(400)) == results(reference.rounds)
    finally:
        await gateway.stop()
    reports = judged(world, "emulated-air-rounds")
    packets, encrypted, repeated = (
        sum(getattr(report, what) for report in reports) for what in ("packets", "encrypted", "repeated"))
    print(f"{packets} packets in {len(reports)} connections, {encrypted} encrypted, {repeated} repeated")
    assert encrypted > 1000 and repeated > 30
