"""Judges what is in the air by the standard, packet by packet (Core Specification Vol 6 Part B): inter-frame spaces,
anchors, channels, addresses, checksums, whitening, PHYs, sequence numbers, lengths, and the integrity of what is encrypted.

`audit` raises `Improper` at the first packet that is not as it has to be. Nothing is taken from the controllers: hops and
keys are worked out from CONNECT_IND and from what followed it in the air.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from .air import Packet, Phy
from .ciphers import MIC
from .link_layer import ADVERTISING_ADDRESS, ADVERTISING_CHECKSUM, CENTRAL, PERIPHERAL, POLYNOMIAL, Advertising
from .link_layer import ConnectRequest, Control, address_problem, channel_of, used_channels
from .listener import MORE_DATA, NEXT_EXPECTED, SEQUENCE, Connection, Heard, Listener
from .schedule import Schedule
from .units import MICROSECOND, MILLISECOND

#: 4.1.1 and 4.2.1.
INTER_FRAME_SPACE, TOLERANCE = 150 * MICROSECOND, 2 * MICROSECOND
#: Of a data PDU's body, as long as nobody agreed on more.
SHORT = 27
#: By their bits in LL_PHY_UPDATE_IND, where 0 means no change.
PHYS = {1: Phy.LE_1M, 2: Phy.LE_2M}
CONNECTABLE = {Advertising.ADV_IND, Advertising.ADV_DIRECT_IND}
SCANNABLE = {Advertising.ADV_IND, Advertising.ADV_SCAN_IND}
#: On an advertising channel, what answers to what.
ANSWERS = {
    Advertising.SCAN_REQ: SCANNABLE, Advertising.CONNECT_IND: CONNECTABLE, Advertising.SCAN_RSP: {Advertising.SCAN_REQ}}
ADVERTISING_LENGTH = 37


class Improper(AssertionError):
    """A packet that the standard does not allow, and why."""


@dataclass
class Report:
    """What a connection had, all of which was in order."""

    request: ConnectRequest
    #: Events that the central began, those of them that the peripheral answered, and those that the central left out.
    events: int = 0
    answered: int = 0
    left_out: int = 0
    packets: int = 0
    #: Packets with what nobody had acknowledged before.
    repeated: int = 0
    encrypted: int = 0
    channels: set[int] = field(default_factory=set)
    phys: set[Phy] = field(default_factory=set)
    #: Bytes of the longest body.
    longest: int = 0


def audit(packets: Iterable[Packet], keys: Iterable[bytes] = (), *, is_clear: bool = False) -> list[Report]:
    """A report of every connection, in the order of their beginnings. `keys`: the long-term keys of those that are
    encrypted, as HCI has them. `is_clear`: nothing got lost, and no radio was needed for anything else while it listened, so
    nobody repeats what was acknowledged, or goes on with an event in which nobody has more data."""
    listener = Listener(keys)
    judges: dict[Connection, _Judge] = {}
    advertised: list[Packet] = []
    for packet in sorted(packets, key=lambda packet: packet.start):
        _judge_any(packet)
        heard = listener.hear(packet)
        if heard.connection is not None:
            if heard.connection not in judges:
                judges[heard.connection] = _Judge(heard.connection, is_clear)
            judges[heard.connection].judge(heard)
        elif packet.address == ADVERTISING_ADDRESS:
            _judge_advertising(packet, advertised)
            advertised = [*advertised[-20:], packet]
        else:
            raise refusal(packet, "has an access address that no CONNECT_IND has told")
    return [judge.report for judge in judges.values()]


def refusal(packet: Packet, why: str, where: str = "") -> Improper:
    return Improper(
        f"{packet.sender}'s packet {packet.pdu[:12].hex()}{'…' if len(packet.pdu) > 12 else ''} at "
        f"{packet.start / MILLISECOND:.4f} ms, {packet.frequency} MHz, address {packet.address:#010x}{where}, {why}")


def follows(before: Packet, packet: Packet) -> bool:
    """Whether it comes an inter-frame space later."""
    return abs(packet.start - before.end - INTER_FRAME_SPACE) <= TOLERANCE


def _judge_any(packet: Packet) -> None:
    if packet.checksum.polynomial != POLYNOMIAL or packet.checksum.length != 3:
        raise refusal(packet, f"has another checksum than Bluetooth's: {packet.checksum}")
    try:
        channel = channel_of(packet.frequency)
    except ValueError as error:
        raise refusal(packet, f"is on no channel: {error}") from error
    if packet.whitening != channel:
        raise refusal(packet, f"is whitened by {packet.whitening}, on channel {channel}")
    if len(packet.pdu) != 2 + packet.pdu[1]:
        raise refusal(packet, f"says {packet.pdu[1]} bytes and has {len(packet.pdu) - 2}")


def _judge_advertising(packet: Packet, earlier: list[Packet]) -> None:
    """`earlier`: what was on these channels shortly before."""
    if packet.checksum.initial != ADVERTISING_CHECKSUM:
        raise refusal(packet, f"has a checksum that begins with {packet.checksum.initial:#08x}")
    if channel_of(packet.frequency) < 37:
        raise refusal(packet, "advertises on a data channel")
    if packet.phy is not Phy.LE_1M:
        raise refusal(packet, f"advertises with {packet.phy.name}")
    if not 6 <= packet.pdu[1] <= ADVERTISING_LENGTH:
        raise refusal(packet, f"advertises with a body of {packet.pdu[1]} bytes")
    kind = packet.pdu[0] & 0xF
    if kind not in set(Advertising):
        raise refusal(packet, f"is of the unknown kind {kind}")
    if kind in ANSWERS:
        # The answer to a request names its sender first, the others the advertiser second.
        advertiser = packet.pdu[2:8] if kind == Advertising.SCAN_RSP else packet.pdu[8:14]
        asked = [each for each in earlier if each.frequency == packet.frequency and follows(each, packet)
                 and each.sender != packet.sender and each.pdu[0] & 0xF in ANSWERS[Advertising(kind)]
                 and advertiser == (each.pdu[8:14] if kind == Advertising.SCAN_RSP else each.pdu[2:8])]
        if not asked:
            raise refusal(packet, f"is a {Advertising(kind).name} not 150 ± 2 µs after what it answers")
    if kind == Advertising.CONNECT_IND and (problem := _request_problem(packet.pdu)):
        raise refusal(packet, f"asks for a connection {problem}")


def _request_problem(pdu: bytes) -> str | None:
    """2.3.3.1, 4.5.2, 4.5.3."""
    try:
        request = ConnectRequest.parse(pdu)
    except ValueError as error:
        return str(error)
    if problem := address_problem(request.address):
        return f"by the address {request.address:#010x}, which {problem}"
    if not 6 <= request.interval <= 3200 or not 10 <= request.timeout <= 3200 or request.latency > 499:
        return f"with interval {request.interval}, timeout {request.timeout}, latency {request.latency}"
    if request.timeout * 8 <= (1 + request.latency) * request.interval * 2:
        return f"whose timeout {request.timeout} is too short for interval {request.interval}"
    if not 1 <= request.window_size <= min(8, request.interval - 1) or request.window_offset > request.interval:
        return f"with a window of {request.window_size} at {request.window_offset}"
    if not 5 <= request.hop <= 16 or len(used_channels(request.channel_map)) < 2 or request.channel_map >> 37:
        return f"with hop {request.hop} on channels {request.channel_map:#x}"
    return None


class _Judge:
    """Of one connection."""

    def __init__(self, connection: Connection, is_clear: bool) -> None:
        self.report = Report(connection.request)
        self._connection = connection
        self._is_clear = is_clear
        self._schedule = Schedule(connection)
        self._phys = [Phy.LE_1M, Phy.LE_1M]
        self._longest = [SHORT, SHORT]
        #: The last packet of each role, and of the event that is on the first one.
        self._last: list[Heard | None] = [None, None]
        self._anchor: Heard | None = None

    def judge(self, heard: Heard) -> None:
        packet = heard.packet
        problem = (
            self._by_time(heard) or self._by_channel(packet) or self._by_sequence(heard) or self._by_length(heard)
            or self._by_encryption(heard))
        if problem:
            where = f", event {self._schedule.counter}, {'peripheral' if heard.role else 'central'}"
            raise refusal(packet, problem, where)
        if heard.is_new:
            self._obey(heard)
        self._report(heard)
        self._last[heard.role] = heard

    # Each says what is wrong, or None.

    def _by_time(self, heard: Heard) -> str | None:
        """The central begins, and each goes on an inter-frame space after the other."""
        own, other = self._last[heard.role], self._last[1 - heard.role]
        answers = other is not None and follows(other.packet, heard.packet)
        if heard.role == CENTRAL:
            if not answers:
                self._anchor = heard
                return self._schedule.begin_event(heard.packet.start)
            assert own is not None and other is not None
            # Who has got a damaged packet may go on without knowing (4.5.6).
            if self._is_clear and not (own.packet.pdu[0] | other.packet.pdu[0]) & MORE_DATA:
                return "goes on with an event although nobody has more data"
            return None
        if answers:
            return None
        if other is None:
            return "comes before the central has said anything"
        return f"comes {(heard.packet.start - other.packet.end) / MICROSECOND:.3f} µs after the central's packet, not 150 ± 2"

    def _by_channel(self, packet: Packet) -> str | None:
        request, role = self._connection.request, int(packet.sender != self._connection.central)
        if packet.checksum.initial != request.checksum:
            return f"has a checksum that begins with {packet.checksum.initial:#08x}, not {request.checksum:#08x}"
        if channel_of(packet.frequency) != self._schedule.channel:
            return f"is on channel {channel_of(packet.frequency)}, and the event on {self._schedule.channel}"
        if packet.phy is not self._phys[role]:
            return f"is sent with {packet.phy.name}, not {self._phys[role].name}"
        return None

    def _by_sequence(self, heard: Heard) -> str | None:
        """4.5.9: a number changes when the other end has said that it may, and not before."""
        own, other = self._last[heard.role], self._last[1 - heard.role]
        header = heard.packet.pdu[0]
        before = own.packet.pdu[0] if own is not None else SEQUENCE
        # What the other end has said since.
        said = None
        if other is not None and (own is None or other.packet.start > own.packet.start):
            said = other.packet.pdu[0]
        acknowledged = own is None or said is not None and bool(said & NEXT_EXPECTED) != bool(before & SEQUENCE)
        if (header ^ before) & SEQUENCE and not acknowledged:
            return "has a new sequence number before the last one was acknowledged"
        if own is not None and not (header ^ before) & SEQUENCE:
            if (header ^ before) & 3 or heard.packet.pdu[1:] != own.packet.pdu[1:]:
                return f"is other than what it repeats, {own.packet.pdu.hex()}"
            if acknowledged and self._is_clear:
                return "repeats what was acknowledged"
        elif own is None and header & SEQUENCE:
            return "begins with sequence number 1"
        # A number that is asked for becomes another one when a packet with it has come.
        came = said is not None and bool(said & SEQUENCE) == bool(before & NEXT_EXPECTED if own is not None else 0)
        if (header ^ (before if own is not None else 0)) & NEXT_EXPECTED and not came:
            return "acknowledges what was not sent"
        return None

    def _by_length(self, heard: Heard) -> str | None:
        length = heard.packet.pdu[1] - (MIC if heard.is_encrypted else 0)
        if length > self._longest[heard.role]:
            return f"has {length} bytes, and at most {self._longest[heard.role]} were agreed on"
        if not heard.packet.pdu[0] & 3:
            return "has LLID 0"
        return None

    def _by_encryption(self, heard: Heard) -> str | None:
        if heard.is_encrypted and not heard.is_authentic:
            return "is encrypted with a key that is not known" if self._connection.is_opaque else "has a wrong MIC"
        return None

    # What counts from now on, or from an instant on.

    def _obey(self, heard: Heard) -> None:
        pdu = heard.pdu
        match heard.opcode:
            case Control.CONNECTION_UPDATE_IND:
                self._schedule.announce_parameters(pdu)
            case Control.CHANNEL_MAP_IND:
                self._schedule.announce_channels(pdu)
            case Control.LENGTH_REQ | Control.LENGTH_RSP:
                receives, _, sends, _ = struct.unpack_from("<HHHH", pdu, 3)
                self._longest[1 - heard.role] = receives
            case Control.PHY_UPDATE_IND:
                instant = int.from_bytes(pdu[5:7], "little")
                for role, bits in ((CENTRAL, pdu[3]), (PERIPHERAL, pdu[4])):
                    if bits:
                        self._schedule.at(instant, lambda role=role, bits=bits: self._set_phy(role, bits))
            case _:
                pass

    def _set_phy(self, role: int, bits: int) -> None:
        self._phys[role] = PHYS[bits]

    def _report(self, heard: Heard) -> None:
        report = self.report
        report.packets += 1
        report.events += heard is self._anchor
        report.answered += heard.role == PERIPHERAL and self._anchor is self._last[CENTRAL]
        report.repeated += not heard.is_new
        report.encrypted += heard.is_encrypted
        report.left_out = self._schedule.left_out
        report.channels.add(channel_of(heard.packet.frequency))
        report.phys.add(heard.packet.phy)
        report.longest = max(report.longest, len(heard.pdu) - 2)
