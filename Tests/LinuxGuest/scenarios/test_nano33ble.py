"""The image that users flash, on a model of its chip, plugged into the guest: its own USB stack meets a real kernel's."""

from __future__ import annotations

import asyncio
import random
import re

from nrf52840 import PowerCut, Reason

from .chip import STORAGE, chip_board
from .desk import Desk
from .reference import identity, results

LOSSLESS = ("--rounds", "6", "--codec", "lossless")


async def test_the_kernel_has_nothing_to_complain_of(desk: Desk) -> None:
    await desk.run("echo 'fedbridge: from here on' > /dev/kmsg")
    await desk.plug(chip_board(desk, 1).board)
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
    said = "dmesg | tac | sed '/fedbridge: from here on/q' | tac"
    assert "cdc_acm" in await desk.run(said)
    complaints = await desk.run(f"{said} | grep -iE 'vhci|usb|cdc_acm' | grep -iE 'error|fail|reset full|invalid|warn' || true")
    assert complaints == ""


async def test_it_learns_with_others_and_to_the_same_bits(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(chip.board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    rounds = await gateway.held()
    assert results(rounds) == results(desk.references.digits.rounds)
    assert chip.device.failure is None
    assert not [line for line in gateway.lines if line.level in ("warning", "error")], gateway.tail()


async def test_cables_are_pulled_and_power_is_cut_while_its_flash_is_written(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    chip = chip_board(desk, 1)
    flash = chip.machine.flash
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(chip.board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    held = asyncio.create_task(gateway.held())
    await gateway.line("round 1 begins")
    cuts = 0
    while not held.done() and cuts < 20:
        before = chip.device.failure
        operation = flash.operations + chance.randrange(1, 300)
        flash.cut_power_at(operation, chance.randrange(1 << 30))
        # Or the cable is pulled before it comes to that.
        for _ in range(500):
            if chip.device.failure is not before or held.done():
                break
            await asyncio.sleep(0.02)
        if held.done():
            break
        if chip.device.failure is not before:
            assert isinstance(chip.device.failure, PowerCut), chip.device.failure
            cuts += 1
        desk.hub.unplug(chip.board)
        await asyncio.sleep(chance.random())
        await desk.hub.plug(chip.board, 0)
    assert results(await held) == results(desk.references.digits.rounds)
    print(f"{cuts} cuts in {flash.operations} operations of the flash")
    assert cuts >= 10


async def test_a_program_that_goes_astray_restarts_tells_why_and_goes_on(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(chip.board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    held = asyncio.create_task(gateway.held())
    for number in (1, 3):
        begun = await gateway.line(f"round {number} begins")
        # To RAM, which may not be executed: not its bootloader's protection, but its own, tells.
        chip.machine.core.pc, chip.machine.core.sleeping = 0x2001_0000, False
        await gateway.line(f"{identity(1):016x}.*fault", begun)
    assert results(await held) == results(desk.references.digits.rounds)
    assert chip.machine.resets == [None, Reason.SOFTWARE, Reason.SOFTWARE] and chip.device.failure is None


async def test_pages_of_its_flash_that_are_worn_out_are_told_and_left_alone(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    pages = [STORAGE // 4096 + page for page in (0, 3, 41)]
    for page in pages:
        # What lay there keeps some bits.
        chip.machine.load(bytes.fromhex("fffffff7") * 1024, page * 4096)
        chip.machine.flash.worn.add(page)
    others = [desk.board(number) for number in (2, 3, 4)]
    await desk.plug(chip.board, *others)
    gateway = await desk.gateway("--minimum-boards", "4", *LOSSLESS)
    assert results(await gateway.held()) == results(desk.references.digits.rounds)
    told = gateway.said(f"{identity(1):016x}.*cannot be erased")
    assert len(told) == len(pages) and all(line.level == "warning" for line in told), gateway.tail()
    assert chip.device.failure is None
