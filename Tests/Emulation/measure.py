#!/usr/bin/env python3
"""Prints what memory an image for the Nano 33 BLE has needed a second after it was started on the model:
heap BYTES stack BYTES.

    PYTHONPATH=Tests/Emulation .venv/bin/python Tests/Emulation/measure.py build/firmware/nano33ble

The argument is the image's path without .bin and .map. Ends with 0, or 2 for a wrong call; scripts use it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nrf52840 import SECOND, Machine, by_bootloader

#: Armv7-M start-up paints the stack with it (Firmware/Sources/CBoard/startup.c).
PAINT = bytes.fromhex("efbeadde")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    lines = (line.split() for line in Path(sys.argv[1] + ".map").read_text().splitlines())
    address = {fields[-1]: int(fields[0], 16) for fields in lines}
    machine = Machine(start=by_bootloader)
    machine.load(Path(sys.argv[1] + ".bin"))
    machine.power_on()
    machine.usb.vbus(True)
    machine.run_for(SECOND)
    bottom, top = address["_stack_bottom"], address["_stack_top"]
    stack = machine.memory.read(bottom, top - bottom, "a measurement")
    unused = next(at for at in range(0, top - bottom, 4) if stack[at:at + 4] != PAINT)
    print(f"heap {machine.memory.word(address['peak'])} stack {top - bottom - unused}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
