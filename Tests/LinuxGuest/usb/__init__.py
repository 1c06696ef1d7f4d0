"""USB boards for a Linux guest, served over USB/IP. `python3 -m usb --help` serves some by hand.

    async with UsbipServer() as server, Cables(server.port) as cables, Hub(server, cables.attach) as hub:
        # in the guest: attach.py follow 10.0.2.2:<cables.port>
        await cables.guest(timeout=60)
        firmware = PortBoard.running(virtual_board, link, ["--data", …, "--state", …, "--id", "A1"])
        board = hub.add_nano33ble("left", "A1", firmware)
        await hub.plug(board, 0)
        await board.application.until(lambda device: device.dtr, timeout=60)
        hub.unplug(board)

What is where, from the wire up:

    pdu           the bytes of USB/IP               usbip       the server: imports, transfers, pulled cables
    device        what the server needs of a device: whoever answers its transfers, an emulated chip too, is one
    standard      descriptors and chapter 9         cdc_acm     the serial port, the touch     nano33ble   identities
    firmware      what is behind the port           port_board  a program on a pseudo-terminal there
    program       that program as a process
    misbehaving   firmware and devices that do what they must not
    hub           boards and the hands that plug    cables      the line to the guest's attach.py
    background    all this for tests that are no coroutines

What this is not: a bus. Nothing paces transfers to 12 Mbit/s, a read ends with what there is rather than with a short
packet, and there are no frames, resets or suspends (vhci keeps those to itself). It shows how programs and drivers
behave, and what they cost relative to each other.
"""

from .background import Background
from .cables import AttachFailed, Cables
from .cdc_acm import AcmDevice, LineCoding
from .device import Setup, Speed, Summary, Transfer, UsbDevice
from .firmware import EchoFirmware, Firmware
from .hub import Board, Hub
from .port_board import PortBoard
from .program import Program, ProgramFailed
from .usbip import UsbipServer

__all__ = [
    "AcmDevice", "AttachFailed", "Background", "Board", "Cables", "EchoFirmware", "Firmware", "Hub", "LineCoding",
    "PortBoard", "Program", "ProgramFailed", "Setup", "Speed", "Summary", "Transfer", "UsbDevice", "UsbipServer",
]
