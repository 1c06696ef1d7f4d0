"""The board's image from the bootloader's hand-over on: what it undoes, who it says it is, what it shows, what it keeps."""

from __future__ import annotations

import pytest
from nrf52840 import MILLISECOND, SECOND, Reason
from nrf52840.system_control import Address

from .board import (
    BYTES, CONTROL, IDENTITY, IMAGE, START, Board, Look, erase_counts, image_header, new_flash, offer, symbols, version)

GIVEN_UP_AFTER = 5
#: Permanently undefined (Armv7-M ARM A5.2.6).
UNDEFINED_INSTRUCTION = b"\x00\xde"


def test_the_header_says_what_the_image_is() -> None:
    image = IMAGE.read_bytes()
    magic, form, board, address, length, firmware = image_header()
    assert (magic, form, board, address) == (b"FBIM", 1, 1, 0x10000)
    assert length == len(image) and length % 4 == 0
    assert firmware.rstrip(b"\0") == version()
    stack, entry = (int.from_bytes(image[at:at + 4], "little") for at in (0, 4))
    assert 0x2000_0000 < stack <= 0x2004_0000 and 0x10000 < entry < 0x10000 + length


def test_what_the_bootloader_leaves_is_undone() -> None:
    board = Board.running()
    machine = board.machine
    assert machine.uart["ENABLE"] == 0 and machine.pulse_width["ENABLE"] == 0
    assert not machine.counters[1].is_running and not machine.counters[1].interrupts_on("COMPARE", 0)
    assert machine.power["TRACECONFIG"] == 0
    control = machine.core.control
    assert control[Address.VTOR] == 0x10000
    # Of its own making: what lies below RAM cannot be written, RAM cannot be executed.
    assert control[Address.MPU_CTRL] == 5
    assert [region.attributes >> 24 & 7 for region in machine.core.protection.regions[:2]] == [6, 3]


@pytest.mark.parametrize("plugged_first", [False, True])
def test_it_shows_itself_on_the_bus_whenever_the_cable_came(plugged_first: bool) -> None:
    board = Board(new_flash())
    if plugged_first:
        board.host.plug()
    board.machine.power_on()
    board.run(START)
    if not plugged_first:
        assert not board.machine.usb.connected
        board.host.plug()
    device = board.host.enumerate()
    assert (device.vendor, device.product) == (0x2341, 0x805A)
    assert [board.host.string(index) for index in device.strings] == ["FedBridge", "Nano 33 BLE", f"{IDENTITY:016X}"]


def test_a_reset_by_software_is_no_reason_to_miss_the_cable() -> None:
    """The events of its coming are over by then."""
    board = Board.enumerated()
    board.machine._software_reset()
    board.host.wait_for_device()
    board.host.enumerate()
    board.assert_works()
    assert board.machine.resets == [None, Reason.SOFTWARE]


def test_it_says_nothing_before_it_is_greeted_and_then_who_it_is() -> None:
    board = Board.opened()
    board.run(SECOND)
    read = board.host.begin_read(2, 64)
    board.run(SECOND)
    assert not read.is_done
    board.host.cancel(read)
    welcome = board.greet()
    assert IDENTITY.to_bytes(8, "big") in welcome and version() in welcome and b"nano33ble" in welcome


def test_the_leds_say_who_is_there() -> None:
    board = Board.running()
    flashes = board.watch()
    assert set(flashes) == {Look(), Look(blue=True)} and 0.005 < flashes[Look(blue=True)] < 0.1
    board.host.plug()
    board.host.enumerate()
    assert set(board.watch()) == {Look(), Look(blue=True)}
    board.open()
    board.run(10 * MILLISECOND)
    assert set(board.watch(SECOND)) == {Look(blue=True)}
    board.greet()
    board.run(10 * MILLISECOND)
    flashes = board.watch()
    assert set(flashes) == {Look(), Look(green=True)} and flashes[Look(green=True)] < 0.1
    board.host.write(BYTES, offer())
    board.run(10 * MILLISECOND)
    assert set(board.watch(SECOND)) == {Look(green=True)}, "a model comes in"
    board.host.unplug()
    board.run(10 * MILLISECOND)
    assert set(board.watch()) == {Look(), Look(blue=True)}


def test_a_main_loop_that_stands_still_is_reset_and_the_gateway_hears_of_it() -> None:
    board = Board.enumerated()
    feed = board.machine.watchdog._reload
    board.machine.watchdog._reload = lambda: None
    assert board.machine.run_while(lambda: len(board.machine.resets) == 1, 3 * SECOND)
    board.machine.watchdog._reload = feed
    assert board.machine.resets[-1] is Reason.WATCHDOG
    board.host.wait_for_device()
    assert set(board.watch()) == {Look(), Look(red=True)}
    board.host.enumerate()
    board.assert_works()
    assert b"watchdog" in board.frame(CONTROL)
    board.run(10 * MILLISECOND)
    assert set(board.watch()) == {Look(), Look(green=True)}


def test_a_fault_is_told_and_one_that_comes_again_and_again_ends_in_red() -> None:
    board = Board.running()
    place = symbols()["IRQ0_Handler"] & ~1
    right = board.machine.flash.read(place, 2)
    board.machine.load(UNDEFINED_INSTRUCTION, place)
    board.machine.press_reset()
    assert board.machine.run_while(lambda: board.look() != Look(red=True), 10 * SECOND)
    assert board.machine.resets == [None, Reason.PIN] + [Reason.SOFTWARE] * (GIVEN_UP_AFTER - 1)
    # Then nothing but the watchdog.
    board.machine.load(right, place)
    board.host.plug()
    board.host.wait_for_device(5 * SECOND)
    assert board.machine.resets[1 + GIVEN_UP_AFTER:] == [Reason.WATCHDOG]
    board.host.enumerate()
    board.assert_works()
    # Of the two, what came last is kept.
    assert b"watchdog" in board.frame(CONTROL)


def test_erasing_flash_does_not_hold_up_the_host() -> None:
    """The first start erases all of the storage, a page in 90 ms, while the host enumerates and talks."""
    board = Board()
    board.machine.power_on()
    board.host.plug()
    board.run(START)
    board.host.enumerate()
    erased = sum(erase_counts(board.machine.flash))
    slowest = 0
    for _ in range(100):
        begun = board.machine.now
        board.line_coding()
        slowest = max(slowest, board.machine.now - begun)
        board.run(3 * MILLISECOND)
    assert sum(erase_counts(board.machine.flash)) > erased + 3
    # Three stages, each of which may meet a slice of 5 ms.
    assert slowest < 16 * MILLISECOND
    print(f"slowest control transfer while erasing: {slowest / MILLISECOND:.1f} ms")


def test_what_memory_it_takes() -> None:
    board = Board.opened()
    board.greet()
    board.run(SECOND)
    memory = board.machine.memory
    peak = memory.word(symbols()["peak"])
    start, end = symbols()["_heap_start"], symbols()["_heap_end"]
    assert peak < end - start
    print(f"heap {peak} of {end - start} bytes, the arena's 192,000 included")
    stack = memory.read(symbols()["_stack_bottom"], 0x4000, "a test")
    unused = next(at for at in range(0, 0x4000, 4) if stack[at:at + 4] != b"\xef\xbe\xad\xde")
    assert unused > 4096
    print(f"stack {0x4000 - unused} of {0x4000} bytes")
