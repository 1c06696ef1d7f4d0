"""The memory protection unit: eight regions (Armv7-M ARM B3.5), for a program that always runs privileged.

What is enforced: writes to flash, and the execution of RAM as a whole. What restricts smaller parts of RAM, such as a
guard below a stack, is kept and not enforced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .engine import RAM_BASE, Access

if TYPE_CHECKING:
    from .system_control import SystemControl

from .system_control import Address

REGIONS = 8
ENABLE = 1
NUMBER_IS_VALID = 1 << 4
EXECUTE_NEVER = 1 << 28
DEFAULT_MAP = 1 << 2
#: Access permissions of privileged code, by the field AP: none, all, or only to read.
WRITABLE = {1, 2, 3}
READABLE = WRITABLE | {5, 6, 7}


@dataclass(slots=True)
class Region:
    base: int = 0
    attributes: int = 0

    @property
    def size(self) -> int:
        return 2 << (self.attributes >> 1 & 0x1F)

    @property
    def permission(self) -> int:
        return self.attributes >> 24 & 7

    def contains(self, address: int) -> bool:
        # Asked at every switch of threads, of some systems: what is most often false comes first.
        if not self.attributes & ENABLE or address < self.base or address >= self.base + (size := self.size):
            return False
        part = (address - self.base) * 8 // size
        return size < 256 or not self.attributes >> 8 + part & 1

    def allows(self, access: Access) -> bool:
        match access:
            case Access.WRITE:
                return self.permission in WRITABLE
            case Access.READ:
                return self.permission in READABLE
            case Access.FETCH:
                return self.permission in READABLE and not self.attributes & EXECUTE_NEVER


class Protection:
    """The regions and what follows from them."""

    def __init__(self, control: SystemControl, ram_bytes: int, forbid_execution: Callable[[bool], None]) -> None:
        self._control = control
        #: Execution of RAM is asked for this: what a program would execute there lies above its stacks.
        self._last_word = RAM_BASE + ram_bytes - 4
        self._forbid_execution = forbid_execution
        self._executes_ram = True
        self.regions = [Region() for _ in range(REGIONS)]

    def reset(self) -> None:
        self.regions = [Region() for _ in range(REGIONS)]
        self.changed()

    def read(self, base: bool) -> int:
        number = self._control[Address.MPU_RNR] % REGIONS
        region = self.regions[number]
        return region.base | number if base else region.attributes

    def write(self, base: bool, value: int) -> None:
        if base and value & NUMBER_IS_VALID:
            self._control[Address.MPU_RNR] = value & 0xF
        region = self.regions[self._control[Address.MPU_RNR] % REGIONS]
        decided = region.contains(self._last_word)
        if base:
            region.base = value & ~0x1F
        else:
            region.attributes = value
        if decided or region.contains(self._last_word):
            self.changed()

    def allows(self, access: Access, address: int) -> bool:
        control = self._control[Address.MPU_CTRL]
        if not control & ENABLE:
            return True
        for region in reversed(self.regions):
            if region.contains(address):
                return region.allows(access)
        return bool(control & DEFAULT_MAP)

    def changed(self) -> None:
        allowed = self.allows(Access.FETCH, self._last_word)
        if allowed != self._executes_ram:
            self._executes_ram = allowed
            self._forbid_execution(not allowed)
