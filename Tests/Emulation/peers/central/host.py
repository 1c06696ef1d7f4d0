"""The central's controller as its host sees it (Core Specification Vol 4 Part E), and how it connects."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from nrf52840 import MILLISECOND, World
from nrf52840.air import Packet, Phy
from nrf52840.ciphers import aes
from nrf52840.link_layer import ADVERTISING_ADDRESS, ADVERTISING_CHECKSUM, CONTROL, Advertising, ConnectRequest
from nrf52840.link_layer import address_problem
from nrf52840.timeline import Appointment

from ..hci import ACL, COMMAND, COMMAND_COMPLETE, COMMAND_STATUS, EVENT, LE_META, Host
from .link import BEGINS, CONTINUES, LONG, LONG_TIME, SHORT, SHORT_TIME, Lengths, Link
from .procedures import FEATURES, VERSION, Procedure, Procedures
from .station import INTER_FRAME_SPACE, Station

HANDLE = b"\x00\x00"
#: How many packets of the host it has room for.
BUFFERS = 12
#: How long it listens on each advertising channel.
SCAN = 30 * MILLISECOND
DISCONNECTED, ENCRYPTION_CHANGE, VERSION_COMPLETE, COMPLETED = 0x05, 0x08, 0x0C, 0x13
CONNECTION_COMPLETE, PARAMETERS, LE_FEATURES, DATA_LENGTH, PHY_UPDATE, ALGORITHM = 1, 3, 4, 7, 0x0C, 0x14
UNKNOWN_COMMAND, NO_CONNECTION, DISALLOWED, BY_THIS_HOST = 0x01, 0x02, 0x0C, 0x16
RANDOM, SECOND_ALGORITHM, TO_RANDOM = 0x40, 0x20, 0x80
PHY_BITS = {Phy.LE_1M: 1, Phy.LE_2M: 2}
#: Opcodes, and where Read Local Supported Commands has them: octet and bit (6.27).
COMMANDS = {
    0x0406: (0, 5), 0x041D: (2, 7), 0x0C01: (5, 6), 0x0C03: (5, 7), 0x1001: (14, 3), 0x1002: (14, 0), 0x1003: (14, 5),
    0x2001: (25, 0), 0x2002: (25, 1), 0x2003: (25, 2), 0x2005: (25, 4), 0x200D: (26, 4), 0x200E: (26, 5),
    0x2013: (27, 2), 0x2014: (27, 3), 0x2016: (27, 5), 0x2017: (27, 6), 0x2018: (27, 7), 0x2019: (28, 0),
    0x2022: (33, 6), 0x2023: (33, 7), 0x2024: (34, 0), 0x202F: (35, 3), 0x2031: (35, 5), 0x2032: (35, 6)}


class Controller(Host):
    """A controller whose packets are made here, and the small host of `Host` on it. For tests there is more: `link`,
    the connection with its `faults`, and `procedures`."""

    #: Sees the next CONNECT_IND, and says what goes into the air.
    alter_request: Callable[[bytes], bytes]

    def __init__(self, name: str, world: World, seed: int) -> None:
        self.station = Station(name, world)
        super().__init__(self.station, world)
        self._draw = random.Random(seed)
        self._reset()

    def _reset(self) -> None:
        self.alter_request = lambda pdu: pdu
        self._le_mask = 0x1F
        self._address = bytes(6)
        self._suggested = SHORT, SHORT_TIME
        self.link: Link | None = None
        self.procedures: Procedures | None = None
        #: Whom to connect to: address and the rest of the command.
        self._wanted: bytes | None = None
        self._hop: Appointment | None = None

    def poll(self) -> None:
        """Everything is there at once."""

    # Host to controller.

    def send(self, packet: bytes) -> None:
        if packet[0] == COMMAND:
            self._command(int.from_bytes(packet[1:3], "little"), packet[4:])
        elif packet[0] == ACL and self.link is not None:
            begins = packet[2] >> 4 & 3 != 1
            self.link.send(BEGINS if begins else CONTINUES, packet[5:], self._completed)

    def _command(self, opcode: int, content: bytes) -> None:
        begin = {
            0x0406: self._disconnect, 0x041D: self._read_version, 0x200D: self._create_connection,
            0x2013: self._update_parameters, 0x2016: self._read_features, 0x2019: self._enable_encryption,
            0x2032: self._set_phy}.get(opcode)
        if begin is not None:
            self._event(COMMAND_STATUS, struct.pack("<BBH", begin(content), 1, opcode))
        else:
            answer = self._answer(opcode, content) if opcode in COMMANDS else bytes((UNKNOWN_COMMAND,))
            self._event(COMMAND_COMPLETE, struct.pack("<BH", 1, opcode) + answer)

    def _answer(self, opcode: int, content: bytes) -> bytes:
        """What a command returns at once, its status first."""
        match opcode:
            case 0x0C03:
                if self.link is not None:
                    self.link.close(BY_THIS_HOST)
                self._stop_scanning()
                self._reset()
            case 0x1001:
                return struct.pack("<BBHBHH", 0, VERSION[0], 1, VERSION[0], 0xFFFF, 1)
            case 0x1002:
                mask = bytearray(64)
                for octet, bit in COMMANDS.values():
                    mask[octet] |= 1 << bit
                return b"\0" + bytes(mask)
            case 0x1003:
                # No BR/EDR, but LE.
                return bytes((0, 0, 0, 0, 0, 0x60, 0, 0, 0))
            case 0x2001:
                self._le_mask = int.from_bytes(content, "little")
            case 0x2002:
                return struct.pack("<BHB", 0, LONG, BUFFERS)
            case 0x2003:
                return b"\0" + FEATURES
            case 0x2005:
                self._address = content
            case 0x200E:
                return self._cancel()
            case 0x2014:
                if self.procedures is not None:
                    self._start(self.procedures.channels(int.from_bytes(content, "little")))
            case 0x2017:
                return b"\0" + aes(content[15::-1], content[:15:-1])[::-1]
            case 0x2018:
                return b"\0" + self._draw.randbytes(8)
            case 0x2022:
                if self.procedures is None:
                    return bytes((NO_CONNECTION,)) + content[:2]
                self._start(self.procedures.data_length(*struct.unpack("<HH", content[2:])))
                return b"\0" + content[:2]
            case 0x2023:
                return struct.pack("<BHH", 0, *self._suggested)
            case 0x2024:
                self._suggested = struct.unpack("<HH", content)
            case 0x202F:
                return struct.pack("<BHHHH", 0, LONG, LONG_TIME, LONG, LONG_TIME)
            case _:
                # A mask of events that are never sent, or PHYs that are preferred to others: all are welcome.
                pass
        return b"\0"

    # What takes its time: the status, and events later.

    def _start(self, procedure: Procedure) -> None:
        procedures = self.procedures
        assert procedures is not None
        self.station.at(self.station.now, lambda: procedures.start(procedure))

    def _disconnect(self, content: bytes) -> int:
        if self.procedures is None:
            return NO_CONNECTION
        # Nothing that is under way matters any more.
        self.procedures.close()
        self._start(self.procedures.terminate(content[2], BY_THIS_HOST))
        return 0

    def _read_version(self, content: bytes) -> int:
        if self.procedures is None:
            return NO_CONNECTION
        self._start(self.procedures.version(
            lambda error, version: self._event(VERSION_COMPLETE, bytes((error,)) + HANDLE + version)))
        return 0

    def _read_features(self, content: bytes) -> int:
        if self.procedures is None:
            return NO_CONNECTION
        self._start(self.procedures.features(
            lambda error, features: self._le_event(LE_FEATURES, bytes((error,)) + HANDLE + features)))
        return 0

    def _update_parameters(self, content: bytes) -> int:
        if self.procedures is None:
            return NO_CONNECTION
        _, _, interval, latency, timeout = struct.unpack_from("<HHHHH", content)
        self._start(self.procedures.parameters(
            interval, latency, timeout,
            lambda error: self._le_event(
                PARAMETERS, bytes((error,)) + HANDLE + struct.pack("<HHH", interval, latency, timeout))))
        return 0

    def _enable_encryption(self, content: bytes) -> int:
        if self.procedures is None or self.link is None:
            return NO_CONNECTION
        if self.link.cipher is not None:
            # No pause, and so no other key.
            return DISALLOWED
        self._start(self.procedures.encryption(
            content[2:10], content[10:12], content[12:],
            lambda error: self._event(ENCRYPTION_CHANGE, bytes((error,)) + HANDLE + bytes((not error,)))))
        return 0

    def _set_phy(self, content: bytes) -> int:
        if self.procedures is None:
            return NO_CONNECTION
        wants = [0 if content[2] >> bit & 1 else content[3 + bit] & 3 for bit in range(2)]
        self._start(self.procedures.phys(*wants))
        return 0

    # Connecting.

    def _create_connection(self, content: bytes) -> int:
        if self._wanted is not None or self.link is not None:
            return DISALLOWED
        self._wanted = content
        self._scan(0)
        return 0

    def _cancel(self) -> bytes:
        if self._wanted is None:
            return bytes((DISALLOWED,))
        self._stop_scanning()
        self._le_event(CONNECTION_COMPLETE, bytes((NO_CONNECTION,)) + bytes(17))
        return b"\0"

    def _stop_scanning(self) -> None:
        self._wanted = None
        self.station.radio.stop()
        if self._hop is not None:
            self._hop.call_off()

    def _scan(self, index: int) -> None:
        """Listens to advertisements on one of the three channels, and on the next one after a while."""
        self._hop = self.station.at(self.station.now + SCAN, lambda: self._scan((index + 1) % 3))
        self._listen(37 + index)

    def _listen(self, channel: int) -> None:
        def heard(packet: Packet | None, is_good: bool, end: int) -> None:
            if packet is not None and is_good and self._is_wanted(packet.pdu):
                assert self._hop is not None
                self._hop.call_off()
                self.station.at(end + INTER_FRAME_SPACE, lambda: self._request(channel, packet.pdu))
            else:
                self._listen(channel)

        self.station.radio.listen(channel, Phy.LE_1M, ADVERTISING_ADDRESS, ADVERTISING_CHECKSUM, heard)

    def _is_wanted(self, pdu: bytes) -> bool:
        assert self._wanted is not None
        return (
            pdu[0] & 0xF == Advertising.ADV_IND and pdu[2:8] == self._wanted[6:12]
            and bool(pdu[0] & RANDOM) == bool(self._wanted[5]))

    def _request(self, channel: int, advertisement: bytes) -> None:
        if self._wanted is None:
            return
        _, interval, latency, timeout = struct.unpack_from("<HHHH", self._wanted, 13)
        pdu = self._request_pdu(advertisement, interval, latency, timeout)
        self._wanted = None
        self.station.radio.send(
            channel, Phy.LE_1M, ADVERTISING_ADDRESS, ADVERTISING_CHECKSUM, self.alter_request(pdu),
            lambda end: self._connected(pdu, bool(advertisement[0] & SECOND_ALGORITHM), end))

    def _request_pdu(self, advertisement: bytes, interval: int, latency: int, timeout: int) -> bytes:
        address = self._draw.getrandbits(32)
        while address_problem(address):
            address = self._draw.getrandbits(32)
        kind = Advertising.CONNECT_IND | SECOND_ALGORITHM | RANDOM | (TO_RANDOM if advertisement[0] & RANDOM else 0)
        accuracy = ConnectRequest.ACCURACIES.index(20) << 5
        return bytes((kind, 34)) + self._address + advertisement[2:8] + struct.pack("<I", address) + (
            self._draw.randbytes(3) + struct.pack("<BHHHH", 1, 1, interval, latency, timeout)
            + ((1 << 37) - 1).to_bytes(5, "little") + bytes((self._draw.randrange(5, 17) | accuracy,)))

    def _connected(self, pdu: bytes, both_know: bool, end: int) -> None:
        request = ConnectRequest.parse(pdu)
        self.link = Link(self.station, request, both_know, self._received, self._ended)
        self.procedures = Procedures(self.link, self._draw)
        self.procedures.lengths_changed = self._lengths_changed
        self.procedures.phys_changed = lambda error, out, back: self._le_event(
            PHY_UPDATE, bytes((error,)) + HANDLE + bytes((PHY_BITS[out], PHY_BITS[back])))
        self.link.begin(end)
        self._le_event(CONNECTION_COMPLETE, struct.pack(
            "<B2sBB6sHHHB", 0, HANDLE, 0, bool(pdu[0] & TO_RANDOM), request.advertiser, request.interval,
            request.latency, request.timeout, 0))
        self._le_event(ALGORITHM, HANDLE + bytes((both_know,)))
        if self._suggested != (SHORT, SHORT_TIME):
            self._start(self.procedures.data_length(*self._suggested))

    # Controller to host.

    def _received(self, kind: int, body: bytes) -> None:
        assert self.procedures is not None
        if kind == CONTROL:
            self.procedures.received(body)
        else:
            handle = int.from_bytes(HANDLE, "little") | (0x2000 if kind == BEGINS else 0x1000)
            self.packets.append(struct.pack("<BHH", ACL, handle, len(body)) + body)

    def _completed(self) -> None:
        self._event(COMPLETED, b"\x01" + HANDLE + b"\x01\x00")

    def _ended(self, reason: int) -> None:
        assert self.procedures is not None
        self.procedures.close()
        self.link = self.procedures = None
        self._event(DISCONNECTED, b"\0" + HANDLE + bytes((reason,)))

    def _lengths_changed(self, lengths: Lengths) -> None:
        self._le_event(DATA_LENGTH, HANDLE + struct.pack(
            "<HHHH", lengths.send, lengths.send_time, lengths.receive, lengths.receive_time))

    def _event(self, code: int, content: bytes) -> None:
        self.packets.append(bytes((EVENT, code, len(content))) + content)

    def _le_event(self, subevent: int, content: bytes) -> None:
        if self._le_mask >> (subevent - 1) & 1:
            self._event(LE_META, bytes((subevent,)) + content)
