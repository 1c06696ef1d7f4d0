"""What Arduino's own uploader sends: bossac 1.9.1-arduino2, called with -d --port=P -U -i -e -w FILE -R.

It asks who is there (`N#V#I#`), "erases" the chip (`X`, which does nothing), then loads and writes page after page of
4,096 bytes, the last one padded with zeros, in pieces of at most 63 bytes, and resets. It does not verify.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import Flash, SambaTarget, image
from ..flash import APPLICATION, PAGE
from ..image import Header


def upload(program: bytes) -> Iterator[tuple[bytes, int]]:
    """Each command or piece of data, and how many bytes it waits for."""
    yield b"N#", 2
    yield b"V#", 58
    yield b"I#", 15
    yield b"X00000000#", 3
    for at in range(0, len(program), PAGE):
        page = program[at : at + PAGE].ljust(PAGE, b"\0")
        yield b"S00000000,00001000#", 0
        for piece in range(0, PAGE, 63):
            yield page[piece : piece + 63], 0
        yield b"Y00000000,0#", 3
        yield b"Y%08X,00001000#" % at, 3
    yield b"K#", 0


@pytest.mark.parametrize("length", [0x120, PAGE, 20_001, 0x40000])
def test_the_same_bin_suits_arduino_s_uploader(length: int) -> None:
    program = image("0.9.0", length)
    flash = Flash(image("0.1.0", 30_000))
    flash.write(0x80000, b"what a board keeps")
    board = SambaTarget(flash)
    for said, expected in upload(program):
        assert len(board.feed(said)) >= expected
    assert board.was_reset and not board.violations and not board.ignored
    assert flash.read(APPLICATION, length) == program
    assert Header.in_flash(flash) == Header(1, APPLICATION, length, "0.9.0")
    # What lies behind the program is not touched.
    assert flash.read(0x80000, 18) == b"what a board keeps"
    end = APPLICATION + (length + PAGE - 1) // PAGE * PAGE
    assert set(flash.erasures) == set(range(APPLICATION, end, PAGE))
