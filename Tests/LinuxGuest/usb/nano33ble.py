"""The identities of an Arduino Nano 33 BLE: the board with a sketch or our firmware, and its bootloader."""

from __future__ import annotations

from .cdc_acm import AcmDevice, descriptors
from .firmware import Firmware

ARDUINO = 0x2341
SKETCH, BOOTLOADER = 0x805A, 0x005A


def serial_number(identity: int | str) -> str:
    """The serial number of a board with this identity: 16 upper-case hexadecimal digits."""
    value = int(identity, 16) if isinstance(identity, str) else identity
    return f"{value:016X}"


def application(serial: str, firmware: Firmware | None = None, *, interface_protocol: int = 0) -> AcmDevice:
    """The board as it runs. Interface protocol 1 makes it a modem for those who look, as a stock sketch is one."""
    return AcmDevice(descriptors(ARDUINO, SKETCH, serial, interface_protocol=interface_protocol), firmware)


def bootloader(serial: str, firmware: Firmware | None = None) -> AcmDevice:
    """The same board waiting for a new program. Its serial number was seen zero-padded to 32 digits.

    What speaks there is `firmware`, such as the model in Tests/Emulation/bootloader; without, nothing answers.
    """
    return AcmDevice(descriptors(ARDUINO, BOOTLOADER, serial.zfill(32), interface_protocol=1), firmware)
