"""FICR, UICR and what errata code looks for: what the factory has put into a chip (nRF52840 PS, "FICR", "UICR")."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from . import registers

FICR, UICR, PAGE = 0x1000_0000, 0x1000_1000, 0x1000
#: Debug registers that tell the revision; vendor start-up code asks them which errata there are.
PART_REGISTERS, PART_OFFSET = 0xF000_0000, 0xFE0
VARIANT = 0x41414430
#: Where vendor code looks for the chip and its revision, to know its errata; no register has a name there.
ERRATA_PLACE = 0x130


@dataclass(frozen=True, slots=True)
class Kind:
    """A chip of the family."""

    part: int
    flash_bytes: int
    ram_bytes: int
    #: In the debug registers, and at ERRATA_PLACE.
    revision: tuple[int, int, int]
    errata: tuple[int, int]
    reset_pin: int


NRF52840 = Kind(0x52840, 1024 * 1024, 256 * 1024, (8, 0, 0x50), (8, 3), 18)
#: For programs that were made for it. What it has and the nRF52840 has not is not modelled.
NRF52832 = Kind(0x52832, 512 * 1024, 64 * 1024, (6, 0, 0x50), (6, 6), 21)


def factory_page(kind: Kind, identity: int, address: int) -> bytes:
    """FICR: who the chip is, DEVICEID, and its Bluetooth address."""
    page = bytearray(b"\xff" * PAGE)

    def put(name: str, value: int) -> None:
        register = next(each for each in registers.blocks()["FICR"].registers if str(each) == name)
        struct.pack_into("<I", page, register.offset, value)

    put("CODEPAGESIZE", 4096)
    put("CODESIZE", kind.flash_bytes // 4096)
    put("DEVICEID[0]", identity & 0xFFFF_FFFF)
    put("DEVICEID[1]", identity >> 32)
    put("DEVICEADDRTYPE", 1)
    put("DEVICEADDR[0]", address & 0xFFFF_FFFF)
    put("DEVICEADDR[1]", address >> 32)
    put("INFO.PART", kind.part)
    put("INFO.VARIANT", VARIANT)
    put("INFO.PACKAGE", 0x2004)
    put("INFO.RAM", kind.ram_bytes // 1024)
    put("INFO.FLASH", kind.flash_bytes // 1024)
    for register in registers.blocks()["FICR"].registers:
        if register.name.startswith("TEMP."):
            put(str(register), register.after_reset)
    struct.pack_into("<II", page, ERRATA_PLACE, *kind.errata)
    return bytes(page)


def settings_page(kind: Kind) -> bytes:
    """UICR, with the reset pin that a board has."""
    page = bytearray(b"\xff" * PAGE)
    struct.pack_into("<II", page, 0x200, kind.reset_pin, kind.reset_pin)
    return bytes(page)


def part_page(kind: Kind) -> bytes:
    page = bytearray(PAGE)
    struct.pack_into("<III", page, PART_OFFSET, *kind.revision)
    return bytes(page)
