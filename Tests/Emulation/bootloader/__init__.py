"""Arduino's bootloader of the Nano 33 BLE, as a model: what an uploader can rely on, and what it must not.

    target = SambaTarget(Flash())
    assert target.feed(b"N#") == b"\n\r"

    flash      the chip's flash, with the rules of NOR
    target     the serial protocol, bytes in and bytes out
    image      a program's header, read and made
    chip       the flash of an emulated chip behind it
    usb_board  the model behind a USB port of `Tests/LinuxGuest/usb`, and the program that it starts
    __main__   the model on a pseudo-terminal: python3 -m bootloader --help
"""

from .flash import Flash
from .image import Header, image
from .target import SambaTarget

__all__ = ["Flash", "Header", "SambaTarget", "image"]
