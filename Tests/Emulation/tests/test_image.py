"""The image that users flash, on the model, from the state in which the bootloader hands it over."""

from __future__ import annotations

from pathlib import Path

import pytest
from nrf52840 import MILLISECOND, SECOND, Flash, Machine, PowerCut, Reason, by_bootloader
from nrf52840.image import APPLICATION
from nrf52840.start import DOUBLE_PRESS_PLACE

IMAGE = Path(__file__).resolve().parents[3] / "build" / "firmware" / "nano33ble.bin"
#: It erases its storage when it starts for the first time: 128 pages of 85 ms.
FIRST_START = 20 * SECOND


def board(flash: Flash | None = None) -> Machine:
    machine = Machine(start=by_bootloader, flash=flash)
    if flash is None:
        machine.load(IMAGE)
    return machine


def test_it_starts_prepares_its_storage_and_goes_to_sleep() -> None:
    machine = board()
    machine.power_on()
    machine.run_for(FIRST_START)
    assert machine.resets == [None]
    assert machine.core.slept > SECOND
    assert machine.watchdog.is_running
    words = machine.flash.read(APPLICATION, IMAGE.stat().st_size)
    assert words == IMAGE.read_bytes()


def test_it_goes_on_where_it_was_when_the_power_comes_again() -> None:
    machine = board()
    machine.power_on()
    machine.run_for(FIRST_START)
    erased = list(machine.flash.erase_counts)
    again = board(machine.flash)
    again.power_on()
    again.run_for(2 * SECOND)
    assert again.core.slept > SECOND / 10
    assert again.flash.erase_counts == erased


@pytest.mark.parametrize("operation", [0, 1, 5, 40, 127, 128, 130])
def test_a_power_cut_while_it_prepares_its_storage_is_no_harm(operation: int) -> None:
    machine = board()
    machine.flash.cut_power_at(operation, seed=operation)
    machine.power_on()
    try:
        machine.run_for(FIRST_START)
    except PowerCut:
        machine.power_on()
        machine.run_for(FIRST_START)
    assert set(machine.resets) == {None}
    assert machine.core.slept > SECOND


@pytest.mark.parametrize("where", [0x2001_0000, 0x3000_0000, 0x000F_FF00])
def test_a_program_that_goes_astray_restarts_and_after_some_times_leaves_it_to_the_watchdog(where: int) -> None:
    """To RAM, which may not be executed; to nowhere; to erased flash."""
    machine = board()
    machine.power_on()
    machine.run_for(FIRST_START)
    for times in range(1, 5):
        machine.core.pc, machine.core.sleeping = where, False
        machine.run_for(700 * MILLISECOND)
        assert machine.resets == [None] + times * [Reason.SOFTWARE]
    machine.core.pc, machine.core.sleeping = where, False
    machine.run_for(10 * SECOND)
    assert machine.resets[-1] is Reason.WATCHDOG
    assert machine.core.sleeping


def test_two_runs_are_the_same() -> None:
    def run() -> tuple[int, int, bytes]:
        machine = board()
        machine.power_on()
        machine.run_for(15 * SECOND)
        return machine.core.instructions, machine.core.slept, machine.flash.read(0, machine.kind.flash_bytes)

    assert run() == run()


def test_reset_pressed_twice_stays_in_the_bootloader_and_once_does_not() -> None:
    machine = board()
    machine.power_on()
    machine.run_for(FIRST_START)
    machine.press_reset()
    machine.run_for(100 * MILLISECOND)
    assert not machine.is_in_bootloader
    machine.press_reset()
    assert machine.is_in_bootloader
    machine.press_reset()
    machine.run_for(SECOND)
    assert not machine.is_in_bootloader
    assert machine.resets == [None, Reason.PIN, Reason.PIN, Reason.PIN]
    assert machine.memory.word(DOUBLE_PRESS_PLACE) != 0x0773_8135


def test_at_the_hand_over_the_cable_is_a_level_and_its_events_are_over() -> None:
    machine = board()
    machine.power_on()
    machine.usb.vbus(True)
    machine.run_while(lambda: machine.core.pc == 0, SECOND)
    assert machine.power.usb_status() == 3
    assert not machine.power.has_happened("USBDETECTED") and not machine.power.has_happened("USBPWRRDY")


def test_without_a_program_the_bootloader_stays() -> None:
    machine = Machine(start=by_bootloader)
    machine.power_on()
    assert machine.is_in_bootloader


def test_a_starved_watchdog_resets_and_the_image_finds_out() -> None:
    machine = board()
    machine.power_on()
    machine.run_for(FIRST_START)
    # Nothing is executed any more.
    machine.core.stall(6 * SECOND)
    machine.run_for(10 * SECOND)
    assert machine.resets == [None, Reason.WATCHDOG]
    # It has cleared the reason after it has looked.
    assert machine.power.reasons() == 0
