"""The board's image in the air, and a controller that we did not write as its central, with a small host."""

from __future__ import annotations

import struct
from collections.abc import Callable

from nrf52840 import MILLISECOND, Machine, UsbHost, World, by_bootloader
from nrf52840.air import Packet
from peers import controllers
from peers.hci import Host

from .board import BYTES, CONTROL, IDENTITY, IMAGE, SET_LINES, START, framed, greeting, new_flash

CENTRAL = bytes.fromhex("1112131415d6")
#: Protocols/gatt.md, section 1: the 46 low bits of the identity under two ones.
ADDRESS = (IDENTITY & (1 << 46) - 1 | 3 << 46).to_bytes(6, "little")
CONNECTION_COMPLETE, ADVERTISING_REPORT, CONNECTION_UPDATE, DATA_LENGTH_CHANGE, PHY_UPDATE, ALGORITHM = (
    1, 2, 3, 7, 0x0C, 0x14)
DISCONNECTED, ENCRYPTION_CHANGE = 0x05, 0x08
#: Core Specification Vol 6 Part B 4.2: inter-frame spaces, in microseconds.
SHORTEST_SPACE, LONGEST_SPACE = 148, 152
ATTRIBUTES = 4


class Meeting:
    """A board and a central in one world. One that was never used erases its storage first."""

    def __init__(self, image: controllers.Image = controllers.UART, is_used: bool = True, **options: object) -> None:
        self.world = World()
        self.board: Machine = self.world.add(
            "board", **{
                "start": by_bootloader, "flash": new_flash() if is_used else None, "identity": IDENTITY, **options})
        if not is_used:
            self.board.load(IMAGE)
        self.board.power_on()
        self.world.run_for(START)
        self.central = self._meet(image)
        self.handle = b""

    def _meet(self, image: controllers.Image) -> Host:
        self.central_machine, central = controllers.boot(self.world, "central", image, CENTRAL, 2)
        return central

    def change_central(self, image: controllers.Image) -> None:
        """The same gateway with another adapter."""
        self.central_machine.power_off()
        self.central_machine, self.central = controllers.boot(self.world, "another central", image, CENTRAL, 3)

    def connect(self, interval: int = 24, timeout: int = 42, latency: int = 0, limit: int = 3000) -> None:
        """Interval in units of 1.25 ms, timeout in units of 10 ms, limit in milliseconds."""
        self.central.command(
            0x200D,
            struct.pack("<HHBB6sBHHHHHH", 0x60, 0x60, 0, 1, ADDRESS, 1, interval, interval, latency, timeout, 0, 0))
        complete = self.central.le_event(CONNECTION_COMPLETE, limit)
        assert complete[0] == 0
        self.handle = complete[1:3]

    def connected(self, **options: int) -> Meeting:
        self.connect(**options)
        return self

    def leave_secret(self, secret: bytes) -> None:
        """A gateway's host comes with a cable, leaves its secret and goes (Protocols/pairing-by-cable.md)."""
        host = UsbHost(self.board, self.world)
        host.plug()
        host.enumerate()
        host.control_out(*SET_LINES, value=3)
        host.write(BYTES, greeting())
        self.run(20)
        host.write(BYTES, framed(CONTROL, 1, bytes(2) + bytes.fromhex("821828a10150") + secret))
        self.run(200)
        self.board.usb.vbus(False)
        self.run(20)

    def run(self, milliseconds: int) -> None:
        self.world.run_for(milliseconds * MILLISECOND)

    def disconnections(self) -> list[int]:
        """Reasons that the central gave to its host for having lost the board."""
        self.central.poll()
        return [packet[6] for packet in self.central.packets if packet[:2] == bytes((4, DISCONNECTED))]

    def assert_alive(self) -> None:
        assert not self.disconnections()
        assert self.board.resets == [None]

    # L2CAP and attributes.

    def send(self, channel: int, payload: bytes) -> None:
        pdu = struct.pack("<HH", len(payload), channel) + payload
        for at in range(0, len(pdu), 27):
            flags = 0x10 if at else 0
            handle = struct.pack("<H", int.from_bytes(self.handle, "little") | flags << 8)
            self.central.send_data(handle, pdu[at:at + 27])

    def receive(self, channel: int, limit: int = 3000) -> bytes:
        """The next PDU of a channel; those of others are passed over."""
        while True:
            pdu = self.central.data(limit)
            while len(pdu) < 4 + int.from_bytes(pdu[:2], "little"):
                pdu += self.central.data(limit)
            if int.from_bytes(pdu[2:4], "little") == channel:
                return pdu[4:]

    def ask(self, request: bytes, limit: int = 3000) -> bytes:
        """An attribute request, and the response."""
        self.send(ATTRIBUTES, request)
        return self.receive(ATTRIBUTES, limit)

    # The air.

    @property
    def mark(self) -> int:
        return len(self.world.air.log)

    def packets(self, since: int = 0, wanted: Callable[[Packet], bool] = lambda _packet: True) -> list[Packet]:
        return [packet for packet in self.world.air.log[since:] if wanted(packet)]

    def assert_spaces(self, since: int, at_least: int) -> None:
        spaces = self.world.air.spaces(since)
        assert len(spaces) >= at_least, len(spaces)
        assert all(SHORTEST_SPACE <= space <= LONGEST_SPACE for space in spaces), (min(spaces), max(spaces))


def by_board(packet: Packet) -> bool:
    return packet.sender == "board"


def is_data(packet: Packet) -> bool:
    return not packet.is_advertisement
