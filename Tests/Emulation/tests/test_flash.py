"""Flash has the rules of the chip's: erased bits, words, two writes, times, and power that goes in the middle."""

from __future__ import annotations

import pytest
from nrf52840 import MICROSECOND, MILLISECOND, Flash, Machine, PowerCut, Violation

from .program import start

CONFIG, ERASE_PAGE, ERASE_PARTIAL, PARTIAL_TIME = 0x4001_E504, 0x4001_E508, 0x4001_E518, 0x4001_E51C
READ, WRITE, ERASE = range(3)
PAGE = 0x8_0000
ERASED = 0xFFFF_FFFF


class Programmer:
    """Does to NVMC what a program does."""

    def __init__(self, flash: Flash | None = None) -> None:
        self.machine = Machine(flash=flash)
        self.flash = self.machine.flash

    def register(self, address: int, value: int) -> None:
        self.machine.bus.write(address, 4, value)
        self.settle()

    def write(self, address: int, value: int) -> None:
        self.register(CONFIG, WRITE)
        assert self.machine.flash_controller.write(address, 4, value)
        self.settle()

    def erase(self, page: int) -> None:
        self.register(CONFIG, ERASE)
        self.register(ERASE_PAGE, page)

    def settle(self) -> None:
        self.machine.run_for(100 * MILLISECOND)

    def word(self, address: int) -> int:
        return int.from_bytes(self.flash.read(address, 4), "little")


def test_programming_clears_bits_and_only_erasing_sets_them() -> None:
    programmer = Programmer()
    programmer.write(PAGE, 0xFFFF_0F0F)
    programmer.write(PAGE, 0x1234_0F0F)
    assert programmer.word(PAGE) == 0x1234_0F0F
    programmer.erase(PAGE)
    assert programmer.word(PAGE) == ERASED
    assert programmer.flash.erase_counts[PAGE // 4096] == 1


def test_what_needs_an_erasure_is_refused() -> None:
    programmer = Programmer()
    programmer.write(PAGE, 0)
    with pytest.raises(Violation, match="needs bits erased"):
        programmer.write(PAGE, 1)


def test_a_word_is_programmed_twice_at_most() -> None:
    programmer = Programmer()
    programmer.write(PAGE, 0xFF)
    programmer.write(PAGE, 0xF)
    with pytest.raises(Violation, match="3 times"):
        programmer.write(PAGE, 0)


def test_nothing_is_written_or_erased_without_leave() -> None:
    programmer = Programmer()
    with pytest.raises(Violation):
        programmer.machine.flash_controller.write(PAGE, 4, 0)
    programmer.register(CONFIG, WRITE)
    with pytest.raises(Violation):
        programmer.register(ERASE_PAGE, PAGE)
    with pytest.raises(Violation, match="by words"):
        programmer.machine.flash_controller.write(PAGE, 1, 0)
    programmer.register(CONFIG, ERASE)
    with pytest.raises(Violation, match="no page"):
        programmer.register(ERASE_PAGE, PAGE + 4)


def test_the_processor_stands_still_meanwhile() -> None:
    machine = start(f"""
    reset:
        ldr r1, ={CONFIG}
        movs r0, #1
        str r0, [r1]
        ldr r2, ={PAGE}
        movs r0, #0
        str r0, [r2]
        movs r0, #2
        str r0, [r1]
        ldr r1, ={ERASE_PAGE}
        str r2, [r1]
        b .
    """)
    machine.run_for(40 * MICROSECOND)
    assert machine.core.instructions < 10
    machine.run_for(10 * MICROSECOND)
    assert machine.core.instructions >= 10
    before = machine.core.instructions
    machine.run_for(84 * MILLISECOND)
    assert machine.core.instructions < before + 10
    machine.run_for(2 * MILLISECOND)
    assert machine.core.instructions > before + 1000


def test_an_erasure_in_parts_counts_when_it_is_whole() -> None:
    programmer = Programmer()
    programmer.write(PAGE, 0)
    programmer.register(CONFIG, ERASE)
    programmer.register(PARTIAL_TIME, 17)
    for part in range(5):
        assert programmer.flash.erase_counts[PAGE // 4096] == 0, part
        programmer.register(ERASE_PARTIAL, PAGE)
    assert programmer.flash.erase_counts[PAGE // 4096] == 1
    assert programmer.word(PAGE) == ERASED


def test_a_power_cut_leaves_a_word_in_between_and_the_next_power_finds_it() -> None:
    seen = set()
    for seed in range(20):
        programmer = Programmer()
        programmer.write(PAGE + 4, 0x1234)
        programmer.flash.cut_power_at(programmer.flash.operations, seed)
        with pytest.raises(PowerCut):
            programmer.write(PAGE, 0xFFFF_0000)
        left = programmer.word(PAGE)
        assert left & 0xFFFF_0000 == 0xFFFF_0000
        seen.add(left)
        after = Programmer(programmer.flash)
        assert (after.word(PAGE), after.word(PAGE + 4)) == (left, 0x1234)
    assert len(seen) > 10


def test_a_power_cut_leaves_a_page_half_erased() -> None:
    programmer = Programmer()
    for offset in range(0, 64, 4):
        programmer.write(PAGE + offset, 0)
    programmer.flash.cut_power_at(programmer.flash.operations)
    with pytest.raises(PowerCut):
        programmer.erase(PAGE)
    assert programmer.flash.read(PAGE, 64) not in (bytes(64), b"\xff" * 64)
