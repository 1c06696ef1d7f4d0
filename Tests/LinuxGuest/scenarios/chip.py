"""Boards for scenarios that are the image that users flash, on a model of its chip."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import cast

from bootloader.chip import ChipFlash
from bootloader.image import OFFSET, Header
from bootloader.usb_board import BootloaderFirmware
from nrf52840 import Machine, by_bootloader
from nrf52840.usbip import EmulatedBoard

from emulated import EmulatedAir
from machine.places import PROJECT
from usb import Board, nano33ble
from usb.cdc_acm import AcmDevice

from .desk import Desk
from .reference import identity

IMAGE = PROJECT / "build/firmware/nano33ble.bin"
#: Where the image looks for examples, and what it keeps (Firmware/Linker/nano33ble.ld).
EXAMPLES, STORAGE = 0x5_0000, 0x8_0000


@dataclasses.dataclass
class ChipBoard:
    """A board with the chip, and the bootloader that works its flash."""

    board: Board
    device: EmulatedBoard
    flash: ChipFlash
    bootloader: BootloaderFirmware

    @property
    def machine(self) -> Machine:
        return self.device.machine


def chip_board(
    desk: Desk, number: int, data: pathlib.Path | None = None, *, air: EmulatedAir | None = None
) -> ChipBoard:
    """Board `number`, from 1, as `Desk.board` has it, with the chip instead of a process; unplugged.

    `air`: where its radio is. Then it has a battery, and runs on when its cable is pulled."""
    name = f"board-{number}"
    options = {"start": by_bootloader, "identity": identity(number)}
    machine = Machine(name, **options) if air is None else air.world.add(name, **options)
    machine.load(IMAGE)
    machine.load((data or desk.references.digits.examples(number)).read_bytes(), EXAMPLES)
    device, flash = EmulatedBoard(machine, air), ChipFlash(machine)
    bootloader = BootloaderFirmware(flash)
    # The hub wants of a device what both have.
    board = desk.hub.add(
        name, cast(AcmDevice, device), nano33ble.bootloader(nano33ble.serial_number(identity(number)), bootloader),
        keeps_power=air is not None)
    device.on_gone, device.on_return = board.leave, board.come_back
    board.must_stay = lambda: not flash.has_application
    bootloader.on_reset = board.reset
    return ChipBoard(board, device, flash, bootloader)


def with_version(program: bytes, version: str) -> bytes:
    """The image with another version in its header, from which its firmware takes what it tells."""
    header = Header.of(program)
    assert header is not None
    packed = dataclasses.replace(header, version=version).pack()
    return program[:OFFSET] + packed + program[OFFSET + len(packed) :]
