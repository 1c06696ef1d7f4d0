"""Somebody to find and to connect to: Zephyr's controller on an emulated chip, and a host that has no attributes."""

from __future__ import annotations

import struct
from collections import deque

from nrf52840 import World
from peers import controllers
from peers.controllers import boot
from peers.hci import ACL, EVENT, LE_META

CONNECTION_COMPLETE, DISCONNECTED = 1, 0x05
SET_PARAMETERS, SET_DATA, ENABLE, DISCONNECT = 0x2006, 0x2008, 0x200A, 0x0406
ATTRIBUTES = 4
#: Of the attribute protocol (Core Specification Vol 3 Part F).
ERROR, MTU_REQUEST, MTU_RESPONSE = 0x01, 0x02, 0x03
NOT_FOUND = 0x0A
SMALLEST_MTU = 23
#: Commands, confirmations and responses: what nobody answers.
UNANSWERED = {0x52, 0xD2, 0x1E}


class Peripheral:
    """Advertises, accepts one connection, and refuses every request of the attribute protocol."""

    def __init__(self, world: World, name: str, number: int) -> None:
        self.name = name
        address = bytes((number, 0, 3, 0xEE, 0xFF, 0xC0))
        self.address = ":".join(f"{octet:02X}" for octet in reversed(address))
        self.machine, self._host = boot(world, name, controllers.UART, address, number)
        self.handle: bytes | None = None
        #: Interval in units of 1.25 ms, latency, timeout in units of 10 ms.
        self.parameters = (0, 0, 0)
        #: Why connections have ended.
        self.reasons: list[int] = []
        #: How many requests it was asked.
        self.requests = 0
        self._pieces: deque[bytes] = deque()

    def advertise(self) -> None:
        """Every 100 ms, undirected, for whoever wants to connect."""
        data = b"\x02\x01\x06" + bytes((len(self.name) + 1, 9)) + self.name.encode()
        self._host.command(SET_PARAMETERS, struct.pack("<HHBBB6xBB", 160, 160, 0, 1, 0, 7, 0))
        self._host.command(SET_DATA, bytes((len(data),)) + data.ljust(31, b"\0"))
        self._host.command(ENABLE, b"\x01")

    def hang_up(self) -> None:
        assert self.handle is not None, "not connected"
        self._host.command(DISCONNECT, self.handle + b"\x13")

    def answer(self) -> None:
        """Looks what has come, and answers it."""
        self._host.poll()
        while self._host.packets:
            self._take(self._host.packets.pop(0))

    def _take(self, packet: bytes) -> None:
        if packet[:2] == bytes((EVENT, LE_META)) and packet[3] == CONNECTION_COMPLETE and packet[4] == 0:
            self.handle = packet[5:7]
            self.parameters = struct.unpack_from("<HHH", packet, 15)
        elif packet[:2] == bytes((EVENT, DISCONNECTED)):
            self.handle = None
            self.reasons.append(packet[6])
        elif packet[0] == ACL and self.handle is not None:
            self._assemble(packet[5:])

    def _assemble(self, data: bytes) -> None:
        """A packet of L2CAP may take several of the air."""
        self._pieces.append(data)
        whole = b"".join(self._pieces)
        if len(whole) < 4 or len(whole) < 4 + int.from_bytes(whole[:2], "little"):
            return
        self._pieces.clear()
        if int.from_bytes(whole[2:4], "little") == ATTRIBUTES and whole[4] not in UNANSWERED:
            self.requests += 1
            self._respond(whole[4:])

    def _respond(self, request: bytes) -> None:
        if request[0] == MTU_REQUEST:
            response = struct.pack("<BH", MTU_RESPONSE, SMALLEST_MTU)
        else:
            response = struct.pack("<BBHB", ERROR, request[0], int.from_bytes(request[1:3], "little"), NOT_FOUND)
        assert self.handle is not None
        self._host.send_data(self.handle, struct.pack("<HH", len(response), ATTRIBUTES) + response)
