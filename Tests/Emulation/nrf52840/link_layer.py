"""What a listener who knows the standard makes of packets in the air (Core Specification Vol 6 Part B), by itself: none of
it is what a controller under test uses."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

ADVERTISING_ADDRESS, ADVERTISING_CHECKSUM = 0x8E89_BED6, 0x55_5555
#: x^24 + x^10 + x^9 + x^6 + x^4 + x^3 + x + 1, its highest term left out (3.1.1).
POLYNOMIAL = 0x00_065B
CHECKSUM_BITS = 24
DATA_CHANNELS = 37
#: Frequencies of the advertising channels 37, 38 and 39, in MHz (1.4.1).
ADVERTISING_CHANNELS = {2402: 37, 2426: 38, 2480: 39}
#: Of the LLID, what begins a control PDU (2.4).
CONTROL = 3
CENTRAL, PERIPHERAL = 0, 1


class Advertising(enum.IntEnum):
    """PDU types on the advertising channels (2.3)."""

    ADV_IND = 0
    ADV_DIRECT_IND = 1
    ADV_NONCONN_IND = 2
    SCAN_REQ = 3
    SCAN_RSP = 4
    CONNECT_IND = 5
    ADV_SCAN_IND = 6


class Control(enum.IntEnum):
    """Opcodes of the control PDUs that a listener has to understand (2.4.2)."""

    CONNECTION_UPDATE_IND = 0x00
    CHANNEL_MAP_IND = 0x01
    TERMINATE_IND = 0x02
    ENC_REQ = 0x03
    ENC_RSP = 0x04
    START_ENC_REQ = 0x05
    START_ENC_RSP = 0x06
    PAUSE_ENC_REQ = 0x0A
    PAUSE_ENC_RSP = 0x0B
    LENGTH_REQ = 0x14
    LENGTH_RSP = 0x15
    PHY_UPDATE_IND = 0x18


def channel_of(frequency: int) -> int:
    """The channel's index, 0 to 39, of a frequency in MHz."""
    if (index := ADVERTISING_CHANNELS.get(frequency)) is not None:
        return index
    if frequency % 2 or not 2402 <= frequency <= 2480:
        raise ValueError(f"{frequency} MHz is no channel of Bluetooth")
    return (frequency - 2404) // 2 if frequency < 2426 else (frequency - 2406) // 2


def checksum(initial: int, pdu: bytes) -> bytes:
    """The three bytes of the CRC as they follow a PDU, the bit that is sent first lowest."""
    state = initial
    for byte in pdu:
        for bit in range(8):
            feedback = state >> (CHECKSUM_BITS - 1) & 1 ^ byte >> bit & 1
            state = state << 1 & (1 << CHECKSUM_BITS) - 1 ^ (POLYNOMIAL if feedback else 0)
    return int(f"{state:024b}"[::-1], 2).to_bytes(3, "little")


def used_channels(channel_map: int) -> list[int]:
    return [channel for channel in range(DATA_CHANNELS) if channel_map >> channel & 1]


def channel_by_first_algorithm(channel_map: int, hop: int, counter: int) -> int:
    """4.5.8.2: from one event to the next `hop` channels on; what is not used is mapped to what is."""
    unmapped = hop * (counter + 1) % DATA_CHANNELS
    used = used_channels(channel_map)
    return unmapped if unmapped in used else used[unmapped % len(used)]


def channel_by_second_algorithm(channel_map: int, address: int, counter: int) -> int:
    """4.5.8.3: a number drawn by the access address and the event's counter."""
    identifier = address >> 16 ^ address & 0xFFFF
    drawn = counter ^ identifier
    for _ in range(3):
        swapped = sum(int(f"{drawn >> shift & 0xFF:08b}"[::-1], 2) << shift for shift in (0, 8))
        drawn = (17 * swapped + identifier) & 0xFFFF
    drawn ^= identifier
    used = used_channels(channel_map)
    unmapped = drawn % DATA_CHANNELS
    return unmapped if unmapped in used else used[len(used) * drawn >> 16]


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """A CONNECT_IND (2.3.3.1). Times in units of 1.25 ms, the timeout of 10 ms."""

    initiator: bytes
    advertiser: bytes
    address: int
    checksum: int
    window_size: int
    window_offset: int
    interval: int
    latency: int
    timeout: int
    channel_map: int
    hop: int
    #: How many millionths the central's sleep clock may be wrong at most.
    accuracy: int
    #: The initiator knows channel selection algorithm #2.
    knows_second_algorithm: bool

    #: By the field's value (2.3.3.1).
    ACCURACIES = (500, 250, 150, 100, 75, 50, 30, 20)

    @staticmethod
    def parse(pdu: bytes) -> ConnectRequest:
        if len(pdu) != 36:
            raise ValueError(f"a CONNECT_IND of {len(pdu)} bytes: {pdu.hex()}")
        address, crc, size, offset, interval, latency, timeout, channels, last = struct.unpack(
            "<I3sBHHHH5sB", pdu[14:])
        return ConnectRequest(
            pdu[2:8], pdu[8:14], address, int.from_bytes(crc, "little"), size, offset, interval, latency, timeout,
            int.from_bytes(channels, "little"), last & 0x1F, ConnectRequest.ACCURACIES[last >> 5], bool(pdu[0] & 0x20))


def address_problem(address: int) -> str | None:
    """What keeps this from being a connection's access address (2.1.2), if anything does."""
    bits = f"{address:032b}"
    if "0000000" in bits or "1111111" in bits:
        return "has more than six equal bits in a row"
    if (address ^ ADVERTISING_ADDRESS).bit_count() <= 1:
        return "is too like the advertising channels'"
    if len(set(address.to_bytes(4, "little"))) == 1:
        return "has four equal bytes"
    changes = [one != other for one, other in zip(bits, bits[1:])]
    if sum(changes) > 24:
        return "changes too often"
    if sum(changes[:5]) < 2:
        return "changes too seldom in its six highest bits"
    return None
