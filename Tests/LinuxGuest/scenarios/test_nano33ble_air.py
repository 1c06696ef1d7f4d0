"""The image that users flash, on a model of its chip, in the air of BlueZ: real BlueZ, Zephyr's link layer, packets in the
air, our radio driver and link layer, our host, our runtime."""

from __future__ import annotations

import asyncio
import pathlib
import random

from emulated import EmulatedAdapter, EmulatedAir
from nrf52840 import MICROSECOND, SECOND
from nrf52840.air import Noise

from .chip import chip_board
from .chips_air import air, judged
from .desk import Desk
from .reference import Reference, results
from .test_ble_joining import PAIRED

__all__ = ["air"]


async def test_it_is_paired_by_its_cable_and_learns_over_the_air_with_its_bond(
    desk: Desk, air: tuple[EmulatedAir, EmulatedAdapter], tmp_path: pathlib.Path, seed: int
) -> None:
    world, _ = air
    reference = await asyncio.to_thread(Reference.of, tmp_path, 1, 3, "--codec", "lossless")
    chip = chip_board(desk, 1, reference.examples(1), air=world)
    await desk.plug(chip.board)
    gateway = await desk.gateway("--minimum-boards", "1", "--rounds", "3", "--codec", "lossless")
    await gateway.line("round 1 done")
    # From here on there is no cable, and the air is not what it was. Who answers what came late is late himself: half of
    # what the standard lets him be.
    lateness = random.Random(seed)
    world.world.air.weather = Noise(seed, loss=0.03, bit_errors=3e-5, jammed=frozenset(range(2440, 2444)))
    world.world.air.lateness = lambda _packet, _receiver: lateness.randrange(MICROSECOND)
    desk.hub.unplug(chip.board)
    back = await gateway.line("is back, on BLE", timeout=200)
    # Then neither hears the other for longer than the 4 s that a connection lives.
    weather, world.world.air.weather = world.world.air.weather, Noise(seed, loss=1)
    await world.pass_by(6 * SECOND)
    world.world.air.weather = weather
    await gateway.line("joined on BLE|is back, on BLE", back.index + 1, timeout=200)
    assert results(await gateway.held(400)) == results(reference.rounds)
    assert gateway.said(f"{PAIRED} by the secret")
    assert chip.machine.resets == [None] and world.failure is None
    reports = judged(world, "nano33ble-air")
    # One key for all connections, which is what the bond is.
    assert len(reports) >= 2 and len(world.keys) == 1
    packets, encrypted, repeated = (
        sum(getattr(report, what) for report in reports) for what in ("packets", "encrypted", "repeated"))
    print(f"{packets} packets in {len(reports)} connections, {encrypted} encrypted, {repeated} repeated")
    assert encrypted > 500 and repeated > 15
