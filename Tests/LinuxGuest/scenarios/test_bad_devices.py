"""Devices with Arduino's ids that are no good: each is survived, told of with cause and remedy, and costs others nothing."""

from __future__ import annotations

import asyncio

from usb import Board
from usb.misbehaving import Deaf, Flood, Garbage, Silent, babbling, mute, stalling

from .desk import Desk
from .gateway import Gateway, Line
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


def complaints(gateway: Gateway, port: str, since: int) -> list[Line]:
    return [line for line in gateway.lines[since:] if port in line.message and line.level in ("notice", "warning", "error")]


async def test_devices_that_do_not_speak_the_protocol(desk: Desk) -> None:
    gateway, boards = await good_company(desk)
    _, memory = await gateway.measure()
    seen = len(gateway.lines)
    told = {}
    for number, (firmware, words) in enumerate([
            (Silent(), "nobody answered"), (Garbage(seed=7), "no frame|cut short|garbage|nobody answered"),
            (Flood(), "link-garbage"), (Flood(b"\x05abcd\x00" * 10), "link-garbage|nobody answered"),
            (Deaf(), "nobody answered")]):
        bad = desk.device(5 + number, firmware)
        await desk.hub.plug(bad, 4 + number)
        # One after the other, so that it is known which of them has which name.
        await bad.application.until(lambda device: device.dtr, 60)
        told[f"ttyACM{2 + number}"] = words
    for port, words in told.items():
        await gateway.line(f"{port}.*({words})|({words}).*{port}", seen)
    await unharmed(gateway, boards)
    for port in told:
        # Each is told of, and not so often that it would fill the log.
        assert 1 <= len(complaints(gateway, port, seen)) <= 10, gateway.tail(100)
    _, after = await gateway.measure()
    assert after < memory * 1.3
    for number in range(5):
        desk.hub.unplug(f"board-{5 + number}")
    await unharmed(gateway, boards, rounds=1)


async def test_devices_that_break_the_rules_of_the_bus(desk: Desk) -> None:
    gateway, boards = await good_company(desk)
    seen = len(gateway.lines)
    for number, make in enumerate([stalling, mute, babbling]):
        bad = desk.hub.add(f"board-{5 + number}", make(f"{identity(5 + number):016X}"))
        await desk.hub.plug(bad, 4 + number)
        await desk.eventually(f"[ -e /dev/ttyACM{2 + number} ]")
    for number in range(3):
        port = f"ttyACM{2 + number}"
        await gateway.first(lambda line: line in complaints(gateway, port, seen), seen, 120, f"a complaint about {port}")
    await unharmed(gateway, boards)
    for number in range(3):
        desk.hub.unplug(f"board-{5 + number}")
    await unharmed(gateway, boards, rounds=1)


async def test_a_device_that_claims_another_boards_identity(desk: Desk) -> None:
    gateway, boards = await good_company(desk)
    seen = len(gateway.lines)
    impostor = desk.board(3, claims=identity(1))
    await desk.hub.plug(impostor, 4)
    refused = await gateway.line("identity", seen)
    assert f"{identity(1):016x}" in refused.message and "ttyACM2" in refused.message, refused
    await unharmed(gateway, boards)
    assert not [line for line in gateway.said(r"(joined|is back,) on", seen)]


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
