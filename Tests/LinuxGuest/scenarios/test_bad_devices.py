"""Devices with Arduino's ids that are no good: each is survived, told of with cause and remedy, and costs others nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from usb import AcmDevice, Board, Firmware
from usb.misbehaving import Deaf, Flood, Garbage, Silent, babbling, mute, stalling

from .conftest import Desk
from .gateway import Gateway
from .reference import identity, results

ROUNDS = ("--minimum-boards", "2", "--codec", "lossless")


async def good_company(desk: Desk, *options: str) -> tuple[Gateway, list[Board]]:
    """Two boards that learn, before the bad one comes."""
    boards = [desk.board(1), desk.board(2)]
    await desk.plug(*boards)
    gateway = await desk.gateway(*ROUNDS, *options)
    await gateway.line("round 2 done: 2 contributions")
    return gateway, boards


async def unharmed(gateway: Gateway, boards: list[Board], rounds: int = 3) -> None:
    """The others go on, over the links they had."""
    line = gateway.lines[-1]
    for _ in range(rounds):
        line = await gateway.line("done: 2 contributions", line.index + 1)
    assert [board.application.open_count for board in boards] == [1, 1], gateway.tail()


FIRMWARE: list[tuple[str, Callable[[], Firmware], str]] = [
    ("silent", Silent, "nobody answered"),
    ("garbage", lambda: Garbage(seed=7), "no frame|nobody answered|garbage"),
    ("flood-of-one-frame", Flood, "no frame|longer than|garbage"),
    ("flood-of-frames", lambda: Flood(b"\x05abcd\x00" * 10), "no frame|garbage|damaged|nobody answered"),
    ("deaf", Deaf, "nobody answered"),
]


@pytest.mark.parametrize("make, told", [pytest.param(make, told, id=name) for name, make, told in FIRMWARE])
async def test_a_device_that_does_not_speak_the_protocol(desk: Desk, make: Callable[[], Firmware], told: str) -> None:
    gateway, boards = await good_company(desk)
    seen = len(gateway.lines)
    _, memory = await gateway.measure()
    bad = desk.device(9, make())
    await desk.hub.plug(bad, 4)
    await bad.application.until(lambda device: device.dtr, 60)
    complaint = await gateway.first(
        lambda line: line.fields.get("port", line.message).count("ttyACM2") > 0 and line.level in ("warning", "error", "notice"),
        seen, 90, f"ttyACM2: {told}")
    assert complaint.message
    await gateway.line(told, seen)
    await unharmed(gateway, boards)
    # It is not asked so often that it would fill the log.
    assert len([line for line in gateway.said("ttyACM2", seen)]) < 30, gateway.tail(60)
    _, after = await gateway.measure()
    assert after < memory * 1.3
    desk.hub.unplug(bad)
    await unharmed(gateway, boards, rounds=1)


DEVICES: list[tuple[str, Callable[[str], AcmDevice]]] = [("stalling", stalling), ("mute", mute), ("babbling", babbling)]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in DEVICES])
async def test_a_device_that_breaks_the_rules_of_the_bus(desk: Desk, make: Callable[[str], AcmDevice]) -> None:
    gateway, boards = await good_company(desk)
    seen = len(gateway.lines)
    bad = desk.hub.add("board-9", make(f"{identity(9):016X}"))
    await desk.hub.plug(bad, 4)
    await gateway.first(lambda line: "ttyACM2" in line.message and line.level in ("warning", "error", "notice"), seen, 120,
                        "a complaint about ttyACM2")
    await unharmed(gateway, boards)
    desk.hub.unplug(bad)
    await unharmed(gateway, boards, rounds=1)


async def test_a_device_that_claims_another_boards_identity(desk: Desk) -> None:
    gateway, boards = await good_company(desk)
    seen = len(gateway.lines)
    impostor = desk.board(3, claims=identity(1))
    await desk.hub.plug(impostor, 4)
    refused = await gateway.line("identity", seen)
    assert f"{identity(1):016x}" in refused.message and "ttyACM2" in refused.message, refused
    await unharmed(gateway, boards)
    assert not [line for line in gateway.said("joined on", seen)]


async def test_a_port_that_is_written_to_dies_in_the_middle(desk: Desk) -> None:
    # The firmware takes the greeting and no more: the gateway has bytes under way when the cable goes.
    gateway, boards = await good_company(desk)
    bad = desk.device(9, Deaf(after=10))
    for _ in range(3):
        seen = len(gateway.lines)
        await desk.hub.plug(bad, 4)
        await bad.application.until(lambda device: device.dtr, 60)
        await asyncio.sleep(0.5)
        desk.hub.unplug(bad)
        await gateway.line("ttyACM2.*(unplugged|link closed)", seen)
    await unharmed(gateway, boards)
