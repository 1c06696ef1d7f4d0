"""The image that users flash, on a model of its chip, plugged into the guest: its own USB stack meets a real kernel's."""

from __future__ import annotations

import asyncio
import pathlib
import random
import re
from typing import cast

import pytest
from nrf52840 import Machine, by_bootloader
from nrf52840.errors import PowerCut
from nrf52840.usbip import EmulatedBoard

from machine.places import PROJECT
from usb import Board
from usb.cdc_acm import AcmDevice

from .desk import Desk
from .reference import identity, results

IMAGE = PROJECT / "build/firmware/nano33ble.bin"
#: Where the image looks for examples (Firmware/Linker/nano33ble.ld).
EXAMPLES = 0x5_0000
LOSSLESS = ("--rounds", "6", "--codec", "lossless")


def chip(board: Board) -> EmulatedBoard:
    return cast(EmulatedBoard, board.application)


def emulated(desk: Desk, number: int, data: pathlib.Path | None = None) -> Board:
    """Board `number`, from 1, as `Desk.board` has it, with the chip instead of a process."""
    machine = Machine(f"board-{number}", start=by_bootloader, identity=identity(number))
    machine.load(IMAGE)
    machine.load((data or desk.references.digits.examples(number)).read_bytes(), EXAMPLES)
    # The hub wants of a device what both have.
    return desk.hub.add(f"board-{number}", cast(AcmDevice, EmulatedBoard(machine)))


async def test_the_kernel_has_nothing_to_complain_of(desk: Desk) -> None:
    board = emulated(desk, 1)
    await desk.plug(board)
    await desk.eventually("[ -e /dev/ttyACM0 ] && udevadm settle")
    told = await desk.run("lsusb -v -d 2341:805a 2>&1")
    serial = f"{identity(1):016X}"
    for line in (
        r"idVendor +0x2341", r"idProduct +0x805a", rf"iSerial +\d+ {serial}", r"bcdUSB +2\.00", r"bMaxPacketSize0 +64",
        r"bInterfaceProtocol +0", r"CDC Header", r"CDC Union", r"CDC ACM", r"wMaxPacketSize +0x0040  1x 64 bytes",
    ):
        assert re.search(line, told), f"no {line} in\n{told}"
    # What lsusb says of descriptors that it cannot make sense of, or that were not given to it.
    assert not re.search(r"(?i)unrecogni[sz]ed|can't|cannot|error|invalid|junk|\bwarning", told), told
    assert await desk.run(f"readlink -f /dev/fedbridge/{serial}") == "/dev/ttyACM0\n"
    complaints = await desk.run("dmesg | grep -iE 'vhci|usb|cdc_acm' | grep -iE 'error|fail|reset full|invalid|warn' || true")
    assert complaints == ""


async def test_it_learns_with_others_and_to_the_same_bits(desk: Desk) -> None:
    board = emulated(desk, 1)
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    rounds = await gateway.held()
    assert results(rounds) == results(desk.references.digits.rounds)
    assert chip(board).failure is None
    assert not [line for line in gateway.lines if line.level in ("warning", "error")], gateway.tail()


async def test_cables_are_pulled_and_power_is_cut_while_its_flash_is_written(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    board = emulated(desk, 1)
    flash = chip(board).machine.flash
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    held = asyncio.create_task(gateway.held())
    await gateway.line("round 1 begins")
    cuts = 0
    while not held.done() and cuts < 12:
        before = chip(board).failure
        operation = flash.operations + chance.randrange(1, 300)
        flash.cut_power_at(operation, chance.randrange(1 << 30))
        while chip(board).failure is before and not held.done():
            await asyncio.sleep(0.02)
        if held.done():
            break
        assert isinstance(chip(board).failure, PowerCut), chip(board).failure
        cuts += 1
        desk.hub.unplug(board)
        await asyncio.sleep(chance.random())
        await desk.hub.plug(board, 0)
    assert results(await held) == results(desk.references.digits.rounds)
    print(f"{cuts} cuts in {flash.operations} operations of the flash")
    assert cuts >= 4
