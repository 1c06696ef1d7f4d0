"""The protocol, command by command, and what it does not protect an uploader from."""

from __future__ import annotations

import random

import pytest

from .. import Flash, SambaTarget, image
from ..flash import APPLICATION, PAGE
from ..target import DEVICE, VERSION, crc16


def target(program: bytes = b"") -> SambaTarget:
    return SambaTarget(Flash(program))


def write_page(target: SambaTarget, at: int, data: bytes) -> None:
    assert target.feed(b"S%08X,%08X#" % (0, len(data)) + data) == b""
    assert target.feed(b"Y%08X,0#" % 0) == b"Y\n\r"
    assert target.feed(b"Y%08X,%08X#" % (at, len(data))) == b"Y\n\r"


def test_the_checksum_is_crc_16_xmodem() -> None:
    assert crc16(b"123456789") == 0x31C3 and crc16(b"") == 0


def test_it_introduces_itself_with_two_stray_bytes_each() -> None:
    board = target()
    assert board.feed(b"N#") == b"\n\r"
    version, device = board.feed(b"V#"), board.feed(b"I#")
    assert version.startswith(VERSION) and len(version) == 60
    assert device.startswith(DEVICE) and len(device) == 17


def test_commands_may_come_in_any_pieces_and_data_among_them() -> None:
    page = random.Random(1).randbytes(PAGE)
    stream = b"S00000000,00001000#" + page + b"Y00000000,0#Y00003000,00001000#Z00003000,00001000#"
    whole, bytewise = target(), target()
    replies = whole.feed(stream)
    assert replies == b"".join(bytewise.feed(bytes([byte])) for byte in stream)
    assert replies == b"Y\n\rY\n\rZ%08X#\n\r" % crc16(page)
    assert whole.flash.content == bytewise.flash.content
    assert whole.flash.read(APPLICATION + 0x3000, PAGE) == page and not whole.violations


def test_what_is_no_command_is_swallowed() -> None:
    # What stock bossac asks next, and cannot do without.
    board = target()
    assert board.feed(b"w00000000,4#R00000000,00000010#G00000000##") == b""
    assert board.ignored == [b"w00000000,4#", b"R00000000,00000010#", b"G00000000#", b"#"]
    assert board.feed(b"X00000000#") == b"X\n\r" and board.flash.erasures == {}


def test_a_page_is_answered_alike_whether_it_was_erased_or_not() -> None:
    board = target(b"\x0f" * PAGE)
    board.flash.stuck.add(APPLICATION)
    write_page(board, 0, b"\xfc" * PAGE)
    assert board.flash.read(APPLICATION, PAGE) == b"\x0c" * PAGE
    assert board.feed(b"Z00000000,00001000#") == b"Z%08X#\n\r" % crc16(b"\x0c" * PAGE)


def test_part_of_a_page_is_written_without_being_erased() -> None:
    board = target(b"\x0f" * PAGE)
    write_page(board, 0, b"\xfc" * 100)
    assert board.flash.read(APPLICATION, 101) == b"\x0c" * 100 + b"\x0f"
    assert len(board.violations) == 1 and "not whole pages" in board.violations[0]


@pytest.mark.parametrize("command, what", [
    (b"S00001FFF,00000002#ab", "beyond the buffer"),
    (b"Z00000000,00001001#", "beyond the buffer or the flash"),
    (b"Z000EF001,00001000#", "beyond the buffer or the flash"),
    (b"Y00001001,0#Y00000000,00001000#", "more than is in the buffer"),
    (b"Y000F0000,00001000#", "beyond the flash"),
    (b"YFFFFFFFF,FFFFFFFF#", "beyond the flash"),
])
def test_what_would_harm_a_chip_is_told(command: bytes, what: str) -> None:
    board = target()
    board.feed(command)
    assert len(board.violations) == 1 and what in board.violations[0]


def test_numbers_stand_at_fixed_positions() -> None:
    board = target()
    # A digit is missing: the second number is read one digit late.
    page = bytes(PAGE)
    board.feed(b"S00000000,00001000#" + page)
    board.feed(b"Y0001000,00001000#")
    assert board.flash.erasures == {APPLICATION + 0x1000: 1}
    # Two, and nothing but the source of the next write is set.
    board.feed(b"Y0010,1000#")
    assert board.flash.erasures == {APPLICATION + 0x1000: 1} and not board.violations


def test_it_survives_anything() -> None:
    random_bytes = random.Random(7)
    for _ in range(200):
        board = target()
        alphabet = b"NVISXYZ#,0123456789ABCDEF\x00\xff"
        for _ in range(20):
            board.feed(bytes(random_bytes.choices(alphabet, k=random_bytes.randrange(60))))


def test_a_reset_ends_it_and_what_is_in_flash_decides_what_comes_next() -> None:
    board = target()
    assert not board.flash.has_application
    program = image("1.2.3")
    for at in range(0, len(program), PAGE):
        write_page(board, at, program[at : at + PAGE].ljust(PAGE, b"\xff"))
    assert board.feed(b"K#N#") == b"" and board.was_reset
    assert board.flash.has_application and not board.violations
