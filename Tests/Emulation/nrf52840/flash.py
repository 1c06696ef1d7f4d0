"""The flash and what works it: NVMC (nRF52840 PS, "NVMC" and its electrical specification).

The processor stands still while a word is programmed or a page erased, because it executes from flash; peripherals go
on. Programming only clears bits. A word may be programmed twice before its page is erased. A power cut leaves a word
or a page in between.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .errors import NotModelled, PowerCut, Violation
from .peripheral import Peripheral, reads, wrote
from .units import MICROSECOND, MILLISECOND

if TYPE_CHECKING:
    from .machine import Machine

PAGE = 4096
WORD_TIME, PAGE_TIME = 41 * MICROSECOND, 85 * MILLISECOND
MOST_WRITES = 2
READ, WRITE, ERASE = range(3)
ERASED = 0xFFFF_FFFF


class Flash:
    """What the flash holds. It outlives resets and power cuts, and knows how worn it is."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._content = memoryview(bytearray(b"\xff" * size))
        self.erase_counts = [0] * (size // PAGE)
        #: Pages that are worn out: bits that are 0 stay so.
        self.worn: set[int] = set()
        #: How often a word was programmed since its page was erased.
        self._writes: dict[int, int] = {}
        #: Partial erasures of a page so far, in milliseconds.
        self._erased_for: dict[int, int] = {}
        #: Words programmed and pages erased, ever.
        self.operations = 0
        self._cut_at: int | None = None
        self._cut_seed = 0

    def move_to(self, content: memoryview) -> None:
        """Keeps the content there from now on, where a processor reads it."""
        content[:] = self._content
        self._content = content

    def load(self, address: int, data: bytes) -> None:
        """As a programmer at the factory does: the pages count as freshly erased and written, without any wear."""
        for page in range(address // PAGE, -(-(address + len(data)) // PAGE)):
            for word in range(page * PAGE, (page + 1) * PAGE, 4):
                self._writes.pop(word, None)
        self._content[address:address + len(data)] = data

    def read(self, address: int, count: int) -> bytes:
        return bytes(self._content[address:address + count])

    def cut_power_at(self, operation: int, seed: int = 0) -> None:
        """The power goes in the middle of the operation that has this number, from `operations` on; how far that word
        or page has come is drawn by the seed."""
        self._cut_at, self._cut_seed = operation, seed

    def program(self, address: int, value: int) -> None:
        """A word."""
        old = int.from_bytes(self._content[address:address + 4], "little")
        if value & ~old:
            raise Violation(f"{value:#010x} is programmed over {old:#010x} at {address:#x}: needs bits erased")
        self._writes[address] = writes = self._writes.get(address, 0) + 1
        if writes > MOST_WRITES:
            raise Violation(f"the word at {address:#x} is programmed {writes} times since it was erased")
        if self._is_cut():
            value |= random.Random(self._cut_seed).getrandbits(32) & old
        self._content[address:address + 4] = (old & value).to_bytes(4, "little")
        self._end_operation()

    def erase(self, page: int) -> None:
        for word in range(page * PAGE, (page + 1) * PAGE, 4):
            self._writes.pop(word, None)
        self._erased_for.pop(page, None)
        self.erase_counts[page] += 1
        place = slice(page * PAGE, (page + 1) * PAGE)
        if self._is_cut():
            self._content[place] = self._half_erased(self._content[place])
        elif page not in self.worn:
            self._content[place] = b"\xff" * PAGE
        self._end_operation()

    def erase_partially(self, page: int, milliseconds: int) -> None:
        """Bits are not to be relied on until the page was erased for as long as a whole erasure takes."""
        so_far = self._erased_for.get(page, 0) + milliseconds
        if so_far * MILLISECOND >= PAGE_TIME:
            self.erase(page)
            return
        self._erased_for[page] = so_far
        if page not in self.worn:
            place = slice(page * PAGE, (page + 1) * PAGE)
            self._content[place] = self._half_erased(self._content[place])
        self._is_cut()
        self._end_operation()

    def _half_erased(self, content: memoryview) -> bytes:
        noise = random.Random(self._cut_seed ^ self.operations).getrandbits(8 * PAGE)
        return (int.from_bytes(content, "little") | noise).to_bytes(PAGE, "little")

    def _is_cut(self) -> bool:
        return self.operations == self._cut_at

    def _end_operation(self) -> None:
        cut = self._is_cut()
        self.operations += 1
        if cut:
            self._cut_at = None
            raise PowerCut(f"at flash operation {self.operations - 1}")


class FlashController(Peripheral):
    blocks = ("NVMC",)

    def __init__(self, machine: Machine, flash: Flash) -> None:
        self._flash = flash
        super().__init__(machine)

    def reset(self) -> None:
        super().reset()
        self._busy_until = 0

    def write(self, address: int, size: int, value: int) -> bool:
        """The processor writes to flash. Without leave from NVMC that is a fault of the program's."""
        if self["CONFIG"] & 3 != WRITE:
            raise Violation(f"write to flash at {address:#x} while NVMC.CONFIG is {self['CONFIG']}")
        if size != 4 or address & 3:
            raise Violation(f"{size} bytes are written to flash at {address:#x}, which is programmed by words")
        self._be_busy(WORD_TIME)
        self._flash.program(address, value)
        self.core.engine.forget_code(address, 4)
        return True

    @reads("READY")
    def ready(self) -> int:
        return int(self.core.now >= self._busy_until)

    @reads("READYNEXT")
    def ready_for_next(self) -> int:
        return self.ready()

    @wrote("CONFIG")
    def mode_chosen(self, value: int) -> None:
        if value & 3 not in (READ, WRITE, ERASE):
            raise Violation(f"NVMC.CONFIG = {value}")

    @wrote("ERASEPAGE")
    def erase_page(self, address: int) -> None:
        page = self._page(address)
        self._be_busy(PAGE_TIME)
        self._flash.erase(page)
        self.core.engine.forget_code(address, PAGE)

    @wrote("ERASEPAGEPARTIAL")
    def erase_page_partially(self, address: int) -> None:
        page = self._page(address)
        milliseconds = self["ERASEPAGEPARTIALCFG"] & 0x7F
        if not milliseconds:
            raise Violation("NVMC.ERASEPAGEPARTIAL for no time")
        self._be_busy(milliseconds * MILLISECOND)
        self._flash.erase_partially(page, milliseconds)
        self.core.engine.forget_code(address, PAGE)

    @wrote("ERASEALL")
    def erase_all(self, _value: int) -> None:
        raise NotModelled("NVMC.ERASEALL")

    @wrote("ERASEUICR")
    def erase_settings(self, _value: int) -> None:
        raise NotModelled("NVMC.ERASEUICR")

    def _page(self, address: int) -> int:
        if self["CONFIG"] & 3 != ERASE:
            raise Violation(f"erasure at {address:#x} while NVMC.CONFIG is {self['CONFIG']}")
        if address % PAGE or address >= len(self._flash.erase_counts) * PAGE:
            raise Violation(f"erasure at {address:#x}, which is no page")
        return address // PAGE

    def _be_busy(self, duration: int) -> None:
        if not self.ready():
            raise Violation("NVMC is asked for something while it is busy")
        self.core.stall(duration)
        self._busy_until = self.core.now + duration
