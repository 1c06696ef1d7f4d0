"""Reads programs: raw (.bin), Intel HEX (.hex) and ELF (.elf)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

#: Where Arduino's bootloader expects the program.
APPLICATION = 0x1_0000
LOADED = 1
PROGRAM_HEADER = struct.Struct("<8I")


class WrongImage(Exception):
    """The file is none that can be loaded."""


@dataclass(frozen=True, slots=True)
class Segment:
    address: int
    data: bytes


def read(path: Path, address: int = APPLICATION) -> list[Segment]:
    """What belongs where. A raw file says nothing about that: it goes to `address`."""
    content = path.read_bytes()
    if path.suffix == ".hex":
        return intel_hex(content.decode("ascii"))
    if content.startswith(b"\x7fELF"):
        return elf(content)
    return [Segment(address, content)]


def intel_hex(text: str) -> list[Segment]:
    segments: list[Segment] = []
    base = 0
    for line in text.split():
        record = bytes.fromhex(line.removeprefix(":"))
        if not line.startswith(":") or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise WrongImage(f"no record of Intel HEX: {line}")
        kind, data = record[3], record[4:-1]
        if kind == 0:
            segments.append(Segment(base + int.from_bytes(record[1:3], "big"), data))
        elif kind == 2:
            base = int.from_bytes(data, "big") << 4
        elif kind == 4:
            base = int.from_bytes(data, "big") << 16
    return segments


def elf(content: bytes) -> list[Segment]:
    """What an ELF file for 32 bits has loaded, at its load addresses."""
    start, = struct.unpack_from("<I", content, 28)
    size, count = struct.unpack_from("<HH", content, 42)
    segments: list[Segment] = []
    for index in range(count):
        kind, offset, _, address, bytes_in_file, *_ = PROGRAM_HEADER.unpack_from(content, start + index * size)
        if kind == LOADED and bytes_in_file:
            segments.append(Segment(address, content[offset:offset + bytes_in_file]))
    return segments
