"""The serial protocol of Arduino's bootloader for the nRF52840 (SAM-BA extended 2.0), without I/O.

As it was read in the bootloader's code, unfriendly parts included: numbers stand at fixed positions, nothing is checked
against the size of a buffer, a page is erased only if it is asked for whole, a write is answered alike whether it
succeeded or not, two replies have stray bytes after them, and what is no command is swallowed without a word. What a
real chip would answer with a crash or with lost memory is noted in `violations`.
"""

from __future__ import annotations

from .flash import APPLICATION, PAGE, SIZE, Flash

RAM_BUFFER = 8192
LARGEST_CHECKSUM = 4096
VERSION = b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]\n\r"
DEVICE = b"nRF52840-QIAA\n\r"
HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM: polynomial 0x1021, initial value 0, nothing reflected."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


class SambaTarget:
    """One stay in the bootloader: from reset to reset."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        #: Every command that it understood, as it came.
        self.commands: list[str] = []
        #: What it swallowed.
        self.ignored: list[bytes] = []
        #: What no uploader may do.
        self.violations: list[str] = []
        #: Whether `K#` came: USB goes off and the chip resets.
        self.was_reset = False
        self._ram = bytearray(RAM_BUFFER)
        self._source = 0
        self._line = bytearray()
        self._load_at = self._load_left = 0

    @property
    def is_loading(self) -> bool:
        """Whether it takes what comes for data."""
        return self._load_left > 0

    def feed(self, data: bytes) -> bytes:
        """Takes what the host says; answers what the host hears. After a reset it hears and says nothing."""
        replies = b""
        at = 0
        while at < len(data) and not self.was_reset:
            if self._load_left:
                piece = data[at : at + self._load_left]
                self._load(piece)
                at += len(piece)
                continue
            self._line.append(data[at])
            at += 1
            if self._line[-1] == ord("#"):
                line, self._line = bytes(self._line), bytearray()
                replies += self._command(line)
        return replies

    def _load(self, data: bytes) -> None:
        room = max(0, RAM_BUFFER - self._load_at)
        self._ram[self._load_at : self._load_at + min(len(data), room)] = data[:room]
        self._load_at += len(data)
        self._load_left -= len(data)

    @staticmethod
    def _number(text: bytes) -> int:
        digits = bytearray()
        for byte in text:
            if byte not in HEXADECIMAL:
                break
            digits.append(byte)
        # A register has 32 bits.
        return int(digits or b"0", 16) & 0xFFFF_FFFF

    def _command(self, line: bytes) -> bytes:
        letter = line[:1]
        if letter not in (b"I", b"K", b"N", b"S", b"V", b"X", b"Y", b"Z"):
            self.ignored.append(line)
            return b""
        self.commands.append(line.decode("latin1"))
        first, second = self._number(line[1:]), self._number(line[10:])
        match letter:
            case b"N":
                return b"\n\r"
            case b"V":
                return VERSION + b"\x00n"
            case b"I":
                return DEVICE + b"\x00X"
            case b"X":
                return b"X\n\r"  # and nothing is erased
            case b"S":
                if first + second > RAM_BUFFER:
                    self.violations.append(f"{line!r}: beyond the buffer of {RAM_BUFFER} bytes")
                self._load_at, self._load_left = first, second
                return b""
            case b"Y":
                if second == 0:
                    self._source = first
                else:
                    self._program(line, first, second)
                return b"Y\n\r"  # whatever became of it
            case b"Z":
                return b"Z%08X#\n\r" % self._checksum(line, first, second)
            case _:  # K
                self.was_reset = True
                return b""

    def _program(self, line: bytes, at: int, size: int) -> None:
        if at + size > SIZE - APPLICATION:
            self.violations.append(f"{line!r}: beyond the flash")
            return
        if self._source + size > RAM_BUFFER:
            self.violations.append(f"{line!r}: more than is in the buffer")
        if at % PAGE == 0 and size % PAGE == 0:
            for page in range(at, at + size, PAGE):
                self.flash.erase(APPLICATION + page)
        else:
            self.violations.append(f"{line!r}: not whole pages, written without being erased")
        self.flash.write(APPLICATION + at, bytes(self._ram[self._source : self._source + size]))

    def _checksum(self, line: bytes, at: int, size: int) -> int:
        if size > LARGEST_CHECKSUM or at + size > SIZE - APPLICATION:
            self.violations.append(f"{line!r}: beyond the buffer or the flash")
        return crc16(self.flash.read(APPLICATION + at, min(size, LARGEST_CHECKSUM)))
