"""USB boards for a Linux guest, served over USB/IP. `python3 -m usb --help` serves some by hand.

    async with UsbipServer() as server, Cables(server.port) as cables, Hub(server, cables.attach) as hub:
        # in the guest: attach.py follow 10.0.2.2:<cables.port>
        await cables.guest(timeout=60)
        firmware = PortBoard.running(virtual_board, link, ["--data", …, "--state", …, "--id", "A1"])
        board = hub.add_nano33ble("left", "A1", firmware)
        await hub.plug(board, 0)
        await board.application.until(lambda device: device.dtr, timeout=60)
        hub.unplug(board)
"""

from .background import Background
from .cables import AttachFailed, Cables
from .cdc_acm import AcmDevice, LineCoding
from .device import Setup, Speed, Summary, Transfer, UsbDevice
from .firmware import EchoFirmware, Firmware
from .hub import Board, Hub
from .port_board import PortBoard, ProgramFailed
from .usbip import UsbipServer

__all__ = [
    "AcmDevice", "AttachFailed", "Background", "Board", "Cables", "EchoFirmware", "Firmware", "Hub", "LineCoding",
    "PortBoard", "ProgramFailed", "Setup", "Speed", "Summary", "Transfer", "UsbDevice", "UsbipServer",
]
