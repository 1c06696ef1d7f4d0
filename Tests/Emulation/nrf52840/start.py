"""How a chip starts after a reset: by the vectors at the bottom of its flash, or by way of Arduino's bootloader.

The bootloader itself is not run. What it does at a reset, and the state in which it jumps to the program, are as it was
observed: it stays for an upload when the last program asks for that or when reset was pressed twice within half a
second; it protects memory, and leaves its serial port receiving to RAM and a counter running.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .image import APPLICATION
from .system_control import Address
from .units import MILLISECOND

if TYPE_CHECKING:
    from .machine import Machine

Start = Callable[["Machine"], None]

#: GPREGRET, by which a program asks the bootloader to stay.
STAY = 0xB0
#: A word of RAM that says that reset was pressed a moment ago.
DOUBLE_PRESS_PLACE, DOUBLE_PRESS_MARK = 0x2000_7FFC, 0x0773_8135
PAUSE = 500 * MILLISECOND
#: Where its serial port receives to, and a length that is a guess.
SERIAL_BUFFER, SERIAL_BUFFER_BYTES = 0x2000_9BD4, 64
NOTHING = 0xFFFF_FFFF

# Regions of its memory protection: flash may be written, RAM not executed (Armv7-M ARM B3.5.8, B3.5.9).
FULL_ACCESS, EXECUTE_NEVER, REGION_ON = 3 << 24, 1 << 28, 1
ONE_MEGABYTE, QUARTER_MEGABYTE = 19 << 1, 17 << 1
ON_WITH_DEFAULT_MAP = 5


def from_vectors(machine: Machine) -> None:
    """At address 0, as the processor does it."""
    machine.core.start(0)


def by_bootloader(machine: Machine) -> None:
    """After the bootloader's half second to the program, unless that stays."""
    memory = machine.memory
    was_pressed_twice = memory.word(DOUBLE_PRESS_PLACE) == DOUBLE_PRESS_MARK
    has_program = machine.core.word(APPLICATION) != NOTHING and machine.core.word(APPLICATION + 4) != NOTHING
    if was_pressed_twice or machine.power.reset_mark == STAY or not has_program:
        memory.set_word(DOUBLE_PRESS_PLACE, 0)
        machine.power.retain(0)
        machine.is_in_bootloader = True
        machine.core.sleeping = True
        return
    memory.set_word(DOUBLE_PRESS_PLACE, DOUBLE_PRESS_MARK)
    machine.core.stall(PAUSE)
    # A reset in between starts anew.
    machine.power.after(PAUSE, lambda: hand_off(machine))


def hand_off(machine: Machine) -> None:
    """The bootloader jumps to the program, with all that it leaves behind."""
    machine.memory.set_word(DOUBLE_PRESS_PLACE, 0)
    machine.power.already_running()
    # It had USB itself: whether there is a cable is only a level now.
    for event in ("USBDETECTED", "USBREMOVED", "USBPWRRDY"):
        machine.power.forget(event)
    machine.power["DCDCEN"] = 1
    machine.uart.left_receiving(SERIAL_BUFFER, SERIAL_BUFFER_BYTES)
    counter = machine.counters[1]
    counter["CC", 0] = 0x8000
    counter.start()
    counter.interrupt_on("COMPARE", 0)
    machine.pulse_width["ENABLE"] = 1
    control = machine.core.control
    for region, base, attributes in (
        (0, 0, FULL_ACCESS | ONE_MEGABYTE | REGION_ON),
        (1, 0x2000_0000, FULL_ACCESS | EXECUTE_NEVER | QUARTER_MEGABYTE | REGION_ON),
    ):
        control.write(Address.MPU_RNR, 4, region)
        control.write(Address.MPU_RBAR, 4, base)
        control.write(Address.MPU_RASR, 4, attributes)
    control.write(Address.MPU_CTRL, 4, ON_WITH_DEFAULT_MAP)
    machine.core.start(APPLICATION)
