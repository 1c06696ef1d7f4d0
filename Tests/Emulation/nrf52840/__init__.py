"""A model of the nRF52840, good enough to run programs that were made for the chip unmodified, in virtual time.

    machine = Machine(start=by_bootloader)
    machine.load(Path("build/firmware/nano33ble.bin"))
    machine.power_on()
    machine.run_for(2 * SECOND)

What is where, from the instruction up:

    engine       Unicorn, which executes, and engine.c and native, which count and stop it
    core         what happens between instructions: nvic (exceptions), frames (stacks), protection (MPU), system_control
                 (the registers of all that); timeline and units: time
    registers    the register map of registers.txt, which svd makes from Nordic's description
    peripheral   what peripherals have in common; bus finds their registers, ppi joins them, memory is their RAM
                 power, counter, uarte, flash, generators, watchdog, ports, usbd with usbd_bus, work_arounds, radio,
                 ciphers: the peripherals themselves
    machine      one chip; factory what is burnt into it, start how it starts, image what it can load
    world        several of them, with air between their radios
    link_layer   what a listener knows who has only the standard; listener follows connections, schedule when their events
                 are, audit judges every packet, capture writes a file for Wireshark
    usb_host     the other end of the USB cable: a host for tests; usb_bus what it sees of a device, usb_descriptors what
                 it reads, serial_host a serial port on that
    usbip        a chip at the Linux guest's USB, and pace, which lets it live in real time

`python -m nrf52840 --help` runs an image by hand.

It is strict: an access to a register that nobody knows, DMA outside RAM, a program that does what the product
specification forbids, and what is not modelled all end the run with a `ModelError`.
"""

from .errors import ModelError, NotModelled, PowerCut, Violation
from .flash import Flash
from .machine import Machine
from .power import Reason
from .serial_host import SerialHost
from .start import by_bootloader, from_vectors
from .units import CYCLE, MICROSECOND, MILLISECOND, NANOSECOND, SECOND
from .usb_bus import Handshake
from .usb_host import NoAnswer, Stalled, UsbError, UsbHost
from .world import World

__all__ = [
    "CYCLE", "MICROSECOND", "MILLISECOND", "NANOSECOND", "SECOND", "Flash", "Handshake", "Machine", "ModelError",
    "NoAnswer", "NotModelled", "PowerCut", "Reason", "SerialHost", "Stalled", "UsbError", "UsbHost", "Violation", "World",
    "by_bootloader", "from_vectors",
]
