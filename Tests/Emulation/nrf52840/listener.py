"""Somebody who hears every packet in the air, and follows connections with the keys that he is given.

What it says of a packet is worked out from the packets before it alone (Core Specification Vol 6 Part B 4.5.9 for
sequence numbers, 5.1.3 and Part E for encryption).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from .air import Packet
from .ciphers import AUTHENTICATED, MIC, aes
from .link_layer import ADVERTISING_ADDRESS, CENTRAL, CONTROL, PERIPHERAL, Advertising, ConnectRequest, Control

#: Of a data PDU's first header byte.
NEXT_EXPECTED, SEQUENCE, MORE_DATA = 1 << 2, 1 << 3, 1 << 4
#: In the nonce, above the packet counter: the central sends.
BY_CENTRAL = 1 << 39


class Session:
    """What encrypts a connection."""

    def __init__(self, key: bytes, request: bytes, response: bytes) -> None:
        """A long-term key as HCI has it, and the contents of LL_ENC_REQ and LL_ENC_RSP behind their opcodes."""
        diversifier = request[10:18] + response[:8]
        self._cipher = AESCCM(aes(key[::-1], diversifier[::-1]), tag_length=MIC)
        self._vector = request[18:22] + response[8:12]
        self._counters = [0, 0]

    def open(self, role: int, pdu: bytes) -> bytes:
        """The content of the next new PDU of `role`; InvalidTag if it is not its."""
        counter = self._counters[role] | (BY_CENTRAL if role == CENTRAL else 0)
        nonce = counter.to_bytes(5, "little") + self._vector
        body = self._cipher.decrypt(nonce, pdu[2:], bytes((pdu[0] & AUTHENTICATED,)))
        self._counters[role] += 1
        return bytes((pdu[0], len(body))) + body


@dataclass(eq=False)
class Connection:
    """One that a CONNECT_IND began."""

    request: ConnectRequest
    central: str
    #: When the CONNECT_IND ended.
    requested: int
    #: Both ends know channel selection algorithm #2.
    uses_second_algorithm: bool
    #: The last packet of each role.
    last: list[Heard | None] = field(default_factory=lambda: [None, None])
    sessions: list[Session] = field(default_factory=list)
    is_encrypted: bool = False
    #: Encrypted with a key that nobody said.
    is_opaque: bool = False
    encryption_request: bytes = b""
    encryption_response: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A packet, and what there is to say about it."""

    packet: Packet
    #: None on advertising channels, and for packets with an address that nobody announced.
    connection: Connection | None = None
    role: int = CENTRAL
    #: It is not sent again because nobody acknowledged it.
    is_new: bool = True
    #: The PDU, decrypted if it was encrypted and the key is known: then without MIC.
    pdu: bytes = b""
    is_encrypted: bool = False
    #: Its MIC is right. False is only said of who has the key.
    is_authentic: bool = False

    @property
    def opcode(self) -> int | None:
        """Of a control PDU that can be read."""
        if self.connection is None or self.is_encrypted and not self.is_authentic:
            return None
        return self.pdu[2] if self.pdu[0] & 3 == CONTROL and len(self.pdu) > 2 else None


class Listener:
    """Is told packets in the order of their beginnings."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        """`keys`: long-term keys, as HCI has them."""
        self._keys = list(keys)
        self.connections: dict[int, Connection] = {}
        #: The headers of the last advertisements, by advertiser's address.
        self._headers: dict[bytes, int] = {}

    def hear(self, packet: Packet) -> Heard:
        if packet.address == ADVERTISING_ADDRESS:
            self._advertised(packet)
            return Heard(packet, pdu=packet.pdu)
        connection = self.connections.get(packet.address)
        if connection is None:
            return Heard(packet, pdu=packet.pdu)
        heard = self._interpret(connection, packet)
        connection.last[heard.role] = heard
        self._follow(connection, heard)
        return heard

    def _advertised(self, packet: Packet) -> None:
        kind = packet.pdu[0] & 0xF
        if kind in (Advertising.ADV_IND, Advertising.ADV_DIRECT_IND):
            self._headers[packet.pdu[2:8]] = packet.pdu[0]
        elif kind == Advertising.CONNECT_IND and len(packet.pdu) == 36:
            request = ConnectRequest.parse(packet.pdu)
            by_both = bool(self._headers.get(request.advertiser, 0) & packet.pdu[0] & 0x20)
            self.connections[request.address] = Connection(request, packet.sender, packet.end, by_both)

    def _interpret(self, connection: Connection, packet: Packet) -> Heard:
        role = CENTRAL if packet.sender == connection.central else PERIPHERAL
        before = connection.last[role]
        if before is not None and not (before.packet.pdu[0] ^ packet.pdu[0]) & SEQUENCE:
            pdu = packet.pdu
            if before.is_encrypted and before.is_authentic and packet.pdu[1:] == before.packet.pdu[1:]:
                pdu = packet.pdu[:1] + before.pdu[1:]
            return Heard(packet, connection, role, False, pdu, before.is_encrypted, before.is_authentic)
        if not connection.is_encrypted or len(packet.pdu) == 2:
            return Heard(packet, connection, role, pdu=packet.pdu)
        for session in connection.sessions:
            try:
                opened = session.open(role, packet.pdu)
            except InvalidTag:
                continue
            # Of several keys that are tried, the one that fits.
            connection.sessions = [session]
            return Heard(packet, connection, role, pdu=opened, is_encrypted=True, is_authentic=True)
        if len(connection.sessions) != 1 or not any(
                last is not None and last.is_authentic for last in connection.last):
            connection.is_opaque = True
        return Heard(packet, connection, role, pdu=packet.pdu, is_encrypted=True)

    def _follow(self, connection: Connection, heard: Heard) -> None:
        """Encryption begins with what follows LL_START_ENC_REQ, and pauses after the peripheral's LL_PAUSE_ENC_RSP (5.1.3.2):
        the central's is clear text already."""
        if not heard.is_new:
            return
        match heard.opcode:
            case Control.ENC_REQ:
                connection.encryption_request = heard.pdu[3:]
            case Control.ENC_RSP:
                connection.encryption_response = heard.pdu[3:]
            case Control.START_ENC_REQ:
                connection.is_encrypted = True
                connection.sessions = [
                    Session(key, connection.encryption_request, connection.encryption_response) for key in self._keys]
            case Control.PAUSE_ENC_RSP if heard.role == PERIPHERAL:
                connection.is_encrypted = False
            case _:
                pass
