"""The flash of an nRF52840, as far as a bootloader sees it: erasing sets a page's bits, writing clears bits."""

from __future__ import annotations

from pathlib import Path

PAGE = 4096
SIZE = 1 << 20
#: Where programs begin, behind the bootloader.
APPLICATION = 0x10000
BLANK = b"\xff\xff\xff\xff"


class Flash:
    """Addresses are the chip's. Pages in `stuck` cannot be erased any more: they keep what they hold."""

    def __init__(self, program: bytes = b"") -> None:
        self.content = bytearray(b"\xff" * SIZE)
        self.content[APPLICATION : APPLICATION + len(program)] = program
        self.stuck: set[int] = set()
        #: Times that each page was erased, by its address.
        self.erasures: dict[int, int] = {}

    def read(self, address: int, count: int) -> bytes:
        return bytes(self.content[address : address + count])

    def erase(self, address: int) -> None:
        """Erases the page that begins here."""
        assert address % PAGE == 0
        self.erasures[address] = self.erasures.get(address, 0) + 1
        if address not in self.stuck:
            self.content[address : address + PAGE] = b"\xff" * PAGE

    def write(self, address: int, data: bytes) -> None:
        """A bit that is 0 stays 0 until its page is erased."""
        end = min(address + len(data), SIZE)
        old = int.from_bytes(self.content[address:end], "big")
        new = int.from_bytes(data[: end - address], "big")
        self.content[address:end] = (old & new).to_bytes(end - address, "big")

    @property
    def has_application(self) -> bool:
        """Whether the bootloader would start what is there: initial stack pointer and reset vector are not blank."""
        return self.read(APPLICATION, 4) != BLANK and self.read(APPLICATION + 4, 4) != BLANK

    # --- as a file

    @classmethod
    def kept(cls, path: Path) -> Flash:
        """As the file has it; blank if there is none."""
        flash = cls()
        if path.exists():
            flash.content[:] = path.read_bytes().ljust(SIZE, b"\xff")[:SIZE]
        return flash

    def keep(self, path: Path) -> None:
        path.write_bytes(self.content)
