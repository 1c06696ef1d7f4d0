"""Writes what was in the air as a file for Wireshark: somebody else's opinion of it.

Pcap with LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR (256): before each packet a header of ten bytes, as www.tcpdump.org's list of
link types describes it; then access address, PDU and checksum. Times are virtual, of a packet's first bit. Packets are
recorded as they were sent, also those that nobody got.

Wireshark computes the checksum of advertising packets itself. Those of data are looked at here, as by a listener that
knows the connection's CONNECT_IND, and the header says what came out. Encrypted packets are recorded decrypted, without
MIC, if the key is known: Wireshark takes every packet for a clear one.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path

from .air import Air, Packet, Phy
from .link_layer import CENTRAL, POLYNOMIAL, checksum
from .listener import Heard, Listener
from .units import MICROSECOND, SECOND

LINK_TYPE = 256
#: Times in microseconds; format 2.4; nothing is longer than that.
MAGIC, VERSION, LONGEST = 0xA1B2_C3D4, (2, 4), 0xFFFF
#: Flags of the header.
DEWHITENED, HAS_SIGNAL, DECRYPTED, HAS_REFERENCE, HAS_OFFENSES = 0x0001, 0x0002, 0x0008, 0x0010, 0x0020
FROM_CENTRAL, FROM_PERIPHERAL = 2 << 7, 3 << 7
CHECKSUM_CHECKED, CHECKSUM_VALID, MIC_CHECKED, MIC_VALID = 0x0400, 0x0800, 0x1000, 0x2000
PHYS = {Phy.LE_1M: 0, Phy.LE_2M: 1 << 14}
#: What Wireshark's own receiver is called in `Air.strengths`.
LISTENER = "listener"


class Recording:
    """The bytes of a file, packet by packet."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        """`keys`: long-term keys, as HCI has them."""
        self._listener = Listener(keys)
        self._file = io.BytesIO()
        self._file.write(struct.pack("<IHHiIII", MAGIC, *VERSION, 0, 0, LONGEST, LINK_TYPE))

    def add(self, packet: Packet, strength: int) -> None:
        """The next packet, and how strong it comes in, in dBm. ValueError for what is no Bluetooth packet."""
        if packet.checksum.polynomial != POLYNOMIAL or packet.whitening is None:
            raise ValueError(f"a packet of another kind than Bluetooth's: {packet}")
        heard = self._listener.hear(packet)
        header = struct.pack(
            "<BbbBIH", (packet.frequency - 2402) // 2, strength, 0, 0, packet.address, self._flags(heard))
        content = packet.address.to_bytes(4, "little") + heard.pdu + checksum(packet.checksum.initial, packet.pdu)
        length = len(header) + len(content)
        seconds, rest = divmod(packet.start, SECOND)
        self._file.write(struct.pack("<IIII", seconds, rest // MICROSECOND, length, length) + header + content)

    @staticmethod
    def _flags(heard: Heard) -> int:
        flags = DEWHITENED | HAS_SIGNAL | HAS_REFERENCE | HAS_OFFENSES | PHYS[heard.packet.phy]
        if heard.connection is None:
            return flags
        flags |= CHECKSUM_CHECKED | (FROM_CENTRAL if heard.role == CENTRAL else FROM_PERIPHERAL)
        if heard.packet.checksum.initial == heard.connection.request.checksum:
            flags |= CHECKSUM_VALID
        if heard.is_authentic:
            flags |= DECRYPTED | MIC_CHECKED | MIC_VALID
        return flags

    def content(self) -> bytes:
        return self._file.getvalue()


def recording(packets: Iterable[Packet], keys: Iterable[bytes] = (), air: Air | None = None) -> bytes:
    """A file of these packets, in the order of their beginnings."""
    made, air = Recording(keys), air or Air()
    for packet in sorted(packets, key=lambda packet: packet.start):
        made.add(packet, air.strength(packet.sender, LISTENER))
    return made.content()


def write(path: Path, air: Air, keys: Iterable[bytes] = ()) -> None:
    """Writes what was sent so far."""
    path.write_bytes(recording(air.log, keys, air))
