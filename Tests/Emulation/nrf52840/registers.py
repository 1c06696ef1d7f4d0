"""The register map: which registers each peripheral has, by name, from registers.txt."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("registers.txt")
#: A name as registers are called here, and its index if it is one of several.
Key = tuple[str, int | None]

_HEADING = re.compile(r"\[(\w+) ([0-9a-f]{8}) (\d+|-)(?: (\w+))?\]")
_ARRAY = re.compile(r"\[(\d+)\]\+(\d+)")


@dataclass(frozen=True, slots=True)
class Register:
    """One register. EPIN[3].PTR has the name EPIN.PTR and the index 3."""

    name: str
    index: int | None
    offset: int
    access: str
    after_reset: int

    @property
    def key(self) -> Key:
        return self.name, self.index

    def __str__(self) -> str:
        return self.name if self.index is None else f"{self.name}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A bit of SHORTS: an event that triggers a task of the same peripheral."""

    bit: int
    event: Key
    task: Key


@dataclass(frozen=True, slots=True)
class Block:
    """What the table has of one peripheral."""

    name: str
    base: int
    interrupt: int | None
    registers: tuple[Register, ...]
    shortcuts: tuple[Shortcut, ...]


def _expand(line: str) -> tuple[list[Register], list[tuple[str, int]]]:
    offset, access, name, *rest = line.split()
    reset = next((int(word[1:], 16) for word in rest if word.startswith("=")), 0)
    fields = [(field, int(bit)) for field, _, bit in (word.partition(":") for word in rest) if bit]
    at = int(offset, 16)
    found = _ARRAY.search(name)
    if found is None:
        return [Register(name, None, at, access, reset)], fields
    count, step = int(found[1]), int(found[2])
    bare = _ARRAY.sub("", name)
    return [Register(bare, index, at + step * index, access, reset) for index in range(count)], fields


def _end(name: str, prefix: str, keys: set[Key]) -> Key:
    """What an end of a shortcut's name means: COMPARE0 is the event COMPARE with the index 0."""
    digits = re.search(r"\d+$", name)
    for key in ((prefix + name, None), (prefix + name.rstrip("0123456789"), int(digits[0]) if digits else None)):
        if key in keys:
            return key
    raise ValueError(f"no {prefix}{name}")


def _shortcuts(fields: list[tuple[str, int]], registers: list[Register]) -> tuple[Shortcut, ...]:
    keys = {register.key for register in registers}
    return tuple(
        Shortcut(bit, _end(name.split("_")[0], "EVENTS_", keys), _end(name.split("_")[1], "TASKS_", keys))
        for name, bit in fields)


@functools.cache
def blocks() -> dict[str, Block]:
    """All peripherals by name."""
    found: dict[str, Block] = {}
    sections: list[tuple[re.Match[str], list[str]]] = []
    for line in TABLE.read_text().splitlines():
        if heading := _HEADING.match(line):
            sections.append((heading, []))
        elif line and not line.startswith("#"):
            sections[-1][1].append(line)
    for heading, lines in sections:
        name, base, interrupt, model = heading.groups()
        if model is not None:
            registers, shortcuts = found[model].registers, found[model].shortcuts
        else:
            expanded = [_expand(line) for line in lines]
            every = [register for some, _ in expanded for register in some]
            registers = tuple(every)
            shortcuts = _shortcuts([field for _, fields in expanded for field in fields], every)
        number = None if interrupt == "-" else int(interrupt)
        found[name] = Block(name, int(base, 16), number, registers, shortcuts)
    return found
