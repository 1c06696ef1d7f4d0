"""The header of a FedBridge image (Protocols/firmware-image.md), read from a chip's flash, and images for tests."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from .flash import APPLICATION, Flash

OFFSET = 0x100
FORMAT = struct.Struct("<4sHHII16s")
MAGIC = b"FBIM"
NANO33BLE, QEMU = 1, 2


@dataclass(frozen=True)
class Header:
    """What an image says about itself."""

    board: int
    load_address: int
    length: int
    version: str

    @classmethod
    def of(cls, program: bytes) -> Header | None:
        """None for a program of somebody else's."""
        if len(program) < OFFSET + FORMAT.size:
            return None
        magic, form, board, address, length, version = FORMAT.unpack_from(program, OFFSET)
        if magic != MAGIC or form != 1:
            return None
        return cls(board, address, length, version.rstrip(b"\0").decode("ascii", "replace"))

    @classmethod
    def in_flash(cls, flash: Flash) -> Header | None:
        return cls.of(flash.read(APPLICATION, OFFSET + FORMAT.size))

    def pack(self) -> bytes:
        return FORMAT.pack(MAGIC, 1, self.board, self.load_address, self.length, self.version.encode("ascii"))


def image(
    version: str, length: int = 20_000, *, board: int = NANO33BLE, load_address: int = APPLICATION, seed: int = 1,
) -> bytes:
    """An image with everything that is looked at before it is flashed; the rest is drawn by lot and does not run."""
    program = bytearray(random.Random(f"{seed} {version}").randbytes(length))
    struct.pack_into("<II", program, 0, 0x2000_4000, load_address + 0x200 | 1)
    program[OFFSET : OFFSET + FORMAT.size] = Header(board, load_address, length, version).pack()
    return bytes(program)
