"""The board's image on the model, and what stands around it: a host, somebody who looks at the LEDs, a gateway's first
word."""

from __future__ import annotations

import functools
import pathlib
import re
import struct
from dataclasses import dataclass

from nrf52840 import CYCLE, MILLISECOND, SECOND, Flash, Machine, UsbHost, by_bootloader
from nrf52840.flash import PAGE

BUILD = pathlib.Path(__file__).parents[3] / "build" / "firmware"
IMAGE, SYMBOLS = BUILD / "nano33ble.bin", BUILD / "nano33ble.map"
#: The parts of flash (Firmware/Linker/nano33ble.ld).
STORAGE, END = 0x8_0000, 0x10_0000
#: Until the bootloader has handed over, and the program has shown itself on the bus.
START = 600 * MILLISECOND
IDENTITY = 0x0123_4567_89AB_CDEF

NOTIFICATIONS, BYTES = 1, 2
#: Requests to the function: bmRequestType and bRequest.
SET_LINE_CODING, GET_LINE_CODING, SET_LINES, SEND_BREAK = (0x21, 0x20), (0xA1, 0x21), (0x21, 0x22), (0x21, 0x23)
USB_INTERRUPT = 16 + 39

#: Kinds of frames (Protocols/link.md, section 3).
GREETING, WELCOME, CONTROL = 1, 2, 4


def crc32c(data: bytes) -> int:
    remainder = 0xFFFF_FFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F6_3B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFF_FFFF


def greeting(session: int = 0x1234_5678) -> bytes:
    """The greeting that Protocols/link.md has in full, section 3, on a stream."""
    body = bytes.fromhex("a601010201031a") + session.to_bytes(4, "big") + bytes.fromhex("0419044c05627069061a6b49d200")
    return framed(GREETING, 0, body, session)


def offer() -> bytes:
    """The first message of a session: a model of 1,216 bytes (Protocols/messages.cddl)."""
    message = bytes.fromhex("820aa401010201035820") + bytes(32) + bytes.fromhex("041904c0")
    return framed(CONTROL, 1, bytes(2) + message)


def framed(kind: int, sequence: int, body: bytes, session: int = 0x1234_5678) -> bytes:
    """A frame on a stream."""
    content = struct.pack("<BBHH", kind, 0, session & 0xFFFF, sequence) + body
    return stuffed(content + crc32c(content).to_bytes(4, "little"))


def stuffed(frame: bytes) -> bytes:
    """Consistent overhead byte stuffing (section 2) of fewer than 254 bytes, zeros around it."""
    blocks = frame.split(b"\0")
    return b"\0" + b"".join(bytes((len(block) + 1,)) + block for block in blocks) + b"\0"


def unstuffed(stream: bytes) -> list[bytes]:
    """Whole frames of a stream, damaged ones left out."""
    frames = []
    for part in stream.split(b"\0")[:-1]:
        frame, at = b"", 0
        while at < len(part):
            code = part[at]
            frame += part[at + 1:at + code] + (b"" if code == 255 else b"\0")
            at += code
        if part and at == len(part):
            frames.append(frame.removesuffix(b"\0") if part[-code] != 255 else frame)
    return frames


@functools.cache
def symbols() -> dict[str, int]:
    """Addresses of the image, by name."""
    lines = (line.split() for line in SYMBOLS.read_text().splitlines())
    return {fields[-1]: int(fields[0], 16) for fields in lines}


@functools.cache
def prepared_flash() -> bytes:
    """The flash of a board that has run for a while: it has erased what it can write to."""
    board = Board()
    board.machine.power_on()
    board.machine.run_for(20 * SECOND)
    return board.machine.flash.read(0, END)


def new_flash() -> Flash:
    """With the image, and storage as a board has it after its first start."""
    flash = Flash(END)
    flash.load(0, prepared_flash())
    return flash


@dataclass(frozen=True)
class Look:
    """What the LEDs show."""

    red: bool = False
    green: bool = False
    blue: bool = False
    yellow: bool = False


class Board:
    """A chip with the image, and the host at the other end of its cable."""

    def __init__(self, flash: Flash | None = None, **options: object) -> None:
        self.machine = Machine(start=by_bootloader, flash=flash, identity=IDENTITY, **options)
        if flash is None:
            self.machine.load(IMAGE)
        self.host = UsbHost(self.machine)

    @classmethod
    def running(cls) -> Board:
        """One that has been used before, without a cable."""
        board = cls(new_flash())
        board.machine.power_on()
        board.run(START)
        return board

    @classmethod
    def enumerated(cls) -> Board:
        board = cls.running()
        board.host.plug()
        board.host.enumerate()
        return board

    @classmethod
    def opened(cls) -> Board:
        """As `enumerated`, and somebody has opened the port."""
        board = cls.enumerated()
        board.open()
        return board

    def run(self, duration: int) -> None:
        self.machine.run_for(duration)

    # The port.

    def set_rate(self, rate: int) -> None:
        self.host.control_out(*SET_LINE_CODING, data=rate.to_bytes(4, "little") + bytes((0, 0, 8)))

    def line_coding(self) -> bytes:
        return self.host.control_in(*GET_LINE_CODING, length=7)

    def open(self) -> None:
        self.host.control_out(*SET_LINES, value=3)

    def close(self) -> None:
        self.host.control_out(*SET_LINES, value=0)

    def greet(self, limit: int = SECOND) -> bytes:
        """Greets as a gateway does; the welcome."""
        self.host.write(BYTES, greeting())
        return self.frame(WELCOME, limit)

    def frame(self, kind: int, limit: int = SECOND) -> bytes:
        """The next frame of this kind; others are passed over."""
        stream, end = b"", self.machine.now + limit
        while self.machine.now < end:
            stream += self.host.finish(self.host.begin_read(BYTES, 64), max(1, end - self.machine.now))
            if found := [frame for frame in unstuffed(stream) if frame[:1] == bytes((kind,))]:
                return found[0]
        raise TimeoutError(f"no frame of kind {kind}")

    # What one sees.

    def look(self) -> Look:
        port = self.machine.ports[0]
        return Look(not port.is_high(24), not port.is_high(16), not port.is_high(6), port.is_high(13))

    def watch(self, duration: int = 4 * SECOND, step: int = 10 * MILLISECOND) -> dict[Look, float]:
        """Shares of the time that the LEDs show what."""
        seen: dict[Look, float] = {}
        for _ in range(duration // step):
            self.run(step)
            look = self.look()
            seen[look] = seen.get(look, 0) + step / duration
        return seen

    def assert_works(self) -> None:
        """It greets whoever opens its port now."""
        self.open()
        assert b"nano33ble" in self.greet()

    # What it costs.

    def count_interrupts(self) -> InterruptCount:
        return InterruptCount(self.machine)


class InterruptCount:
    """Cycles spent in USBD's interrupt, entry and exit included, from now on."""

    def __init__(self, machine: Machine) -> None:
        self.cycles = 0
        self.entries = 0
        core = machine.core
        enter, leave = core._enter, core._leave

        def entered(number: int, return_address: int) -> None:
            if number == USB_INTERRUPT:
                self.entries += 1
                self._begun = core.now
            enter(number, return_address)

        def left(exc_return: int) -> None:
            number = core.exceptions.active[-1] if core.exceptions.active else 0
            leave(exc_return)
            if number == USB_INTERRUPT:
                self.cycles += (core.now - self._begun) // CYCLE

        core._enter, core._leave = entered, left


def image_header() -> tuple[bytes, int, int, int, int, bytes]:
    """Magic, version, board, load address, length, firmware version."""
    return struct.unpack_from("<4sHHII16s", IMAGE.read_bytes(), 0x100)


def erase_counts(flash: Flash) -> list[int]:
    return flash.erase_counts[STORAGE // PAGE:]


def version() -> bytes:
    """The firmware's, as its source has it."""
    source = (BUILD.parents[1] / "Firmware" / "Sources" / "CBoard" / "image_header.c").read_text()
    found = re.search(r'\.firmware = "([^"]+)"', source)
    assert found is not None
    return found[1].encode()
