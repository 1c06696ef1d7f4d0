"""What two independent controllers say to each other, before two judges: Wireshark, which dissects a recording, and our own
audit of every packet. Both are shown conversations that are in order, and packets in which one thing is wrong."""

from __future__ import annotations

import dataclasses
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from nrf52840 import MICROSECOND, MILLISECOND, SECOND, World
from nrf52840.air import Noise, Packet, Phy
from nrf52840.audit import Improper, Report, audit
from nrf52840.capture import Recording, recording, write
from nrf52840.link_layer import Control, address_problem, channel_by_first_algorithm, channel_by_second_algorithm
from nrf52840.link_layer import channel_of, checksum
from nrf52840.listener import MORE_DATA, NEXT_EXPECTED, SEQUENCE, Listener
from peers import controllers
from peers.controllers import boot
from peers.link import DATA_LENGTH_CHANGE, DISCONNECTED, FAR, NEAR, PHY_UPDATE, Link, advertise, connect, encrypt, refresh

KEY = bytes(range(0x30, 0x40))
#: Bad luck is drawn by it.
SEED = 5
#: A request to read an attribute, and what is too long for a short packet, on a channel that somebody has opened.
SHORT_DATA = bytes.fromhex("0300 0400 0a0300")
LONG_DATA = struct.pack("<HH", 56, 0x40).ljust(60, b"z")


@dataclasses.dataclass(frozen=True)
class Conversation:
    log: list[Packet]
    is_clear: bool

    def judged(self) -> Report:
        report, = audit(self.log, [bytes(16), KEY], is_clear=self.is_clear)
        return report


def exchange(link: Link, data: bytes) -> None:
    link.central.send_data(link.central_handle, data)
    assert link.peripheral.data(4000) == data
    link.peripheral.send_data(link.peripheral_handle, data)
    assert link.central.data(4000) == data


def converse(world: World, central: controllers.Host, peripheral: controllers.Host, weather: Noise | None) -> Conversation:
    """All that a connection may go through."""
    # Somebody looks around first, and asks who it is.
    central.command(0x200B, struct.pack("<BHHBB", 1, 0x30, 0x30, 1, 0))
    central.command(0x200C, b"\x01\x00")
    advertise(peripheral)
    world.run_for(300 * MILLISECOND)
    central.command(0x200C, b"\x00\x00")
    peripheral.command(0x200A, b"\x00")
    link = connect(world, central, peripheral, NEAR)
    if weather is not None:
        world.air.weather = weather
    has_long_packets = bool(int.from_bytes(central.command(0x2003), "little") >> 5 & 1)
    exchange(link, SHORT_DATA)
    encrypt(link, KEY)
    if has_long_packets:
        central.command(0x2022, link.central_handle + struct.pack("<HH", 251, 2120))
        peripheral.le_event(DATA_LENGTH_CHANGE)
        central.command(0x2032, link.central_handle + b"\x00\x02\x02\x00\x00")
        peripheral.le_event(PHY_UPDATE)
        link.central.send_data(link.central_handle, LONG_DATA)
        assert peripheral.data() == LONG_DATA
    for _ in range(8):
        exchange(link, SHORT_DATA)
    refresh(link, KEY)
    exchange(link, SHORT_DATA)
    # Other channels, and then another interval.
    central.command(0x2014, (0x1F_00FF_00FF).to_bytes(5, "little"))
    world.run_for(SECOND)
    central.command(0x2013, link.central_handle + struct.pack("<HHHHHH", 40, 40, 0, 100, 0, 0))
    world.run_for(SECOND)
    link.assert_alive()
    central.command(0x0406, link.central_handle + b"\x13")
    assert peripheral.event(DISCONNECTED)[3] == 0x13
    return Conversation(world.air.log, weather is None)


def held(image: controllers.Image, weather: Noise | None = None) -> Conversation:
    world = World()
    (_, peripheral), (_, central) = (
        boot(world, name, image, address, seed) for seed, (name, address) in enumerate(
            (("peripheral", NEAR), ("central", FAR)), 1))
    if image is controllers.USB_LONG:
        for host in (central, peripheral):
            host.command(0x2024, struct.pack("<HH", 251, 2120))
    return converse(world, central, peripheral, weather)


@pytest.fixture(scope="module")
def plain() -> Conversation:
    return held(controllers.UART)


@pytest.fixture(scope="module")
def noisy() -> Conversation:
    return held(controllers.UART, Noise(SEED, loss=0.06, bit_errors=1e-3))


@pytest.fixture(scope="module")
def fast() -> Conversation:
    return held(controllers.USB_LONG)


@pytest.fixture(params=["plain", "noisy", "fast"])
def conversation(request: pytest.FixtureRequest) -> Conversation:
    found: Conversation = request.getfixturevalue(request.param)
    return found


# Wireshark's opinion.

#: Of its experts, PI_WARN.
WARNING = 0x60_0000


class Wireshark:
    """tshark on a recording."""

    def __init__(self, file: Path, content: bytes) -> None:
        program = shutil.which("tshark")
        assert program, "no tshark; Scripts/install-dependencies --test installs it"
        self._program, self._file = program, file
        file.write_bytes(content)

    def lines(self, *arguments: str) -> list[str]:
        return subprocess.run(
            [self._program, "-n", "-r", self._file, *arguments], check=True, capture_output=True, text=True
        ).stdout.splitlines()

    def faults(self) -> list[str]:
        return self.lines(
            "-Y", f"_ws.malformed || btle.crc.incorrect || btle.crc.indeterminate || _ws.expert.severity >= {WARNING}")

    def kinds(self) -> Counter[str]:
        """How many packets have which description."""
        lines = self.lines("-T", "fields", "-e", "_ws.col.Info")
        return Counter(line.removeprefix("Control Opcode: ") for line in lines)


def test_wireshark_finds_nothing_wrong(conversation: Conversation, tmp_path: Path) -> None:
    wireshark = Wireshark(tmp_path / "air.pcap", recording(conversation.log, [KEY]))
    assert wireshark.faults() == []
    kinds = wireshark.kinds()
    assert kinds.total() == len(conversation.log)
    wanted = {"ADV_IND", "SCAN_REQ", "SCAN_RSP", "CONNECT_IND", "Empty PDU", "LL_ENC_REQ", "LL_ENC_RSP", "LL_START_ENC_REQ",
              "LL_START_ENC_RSP", "LL_CHANNEL_MAP_IND", "LL_CONNECTION_UPDATE_IND", "LL_TERMINATE_IND"}
    if any(packet.phy is Phy.LE_2M for packet in conversation.log):
        wanted |= {"LL_LENGTH_REQ", "LL_LENGTH_RSP", "LL_PHY_REQ", "LL_PHY_RSP", "LL_PHY_UPDATE_IND"}
        assert wireshark.lines("-Y", "btle_rf.phy == 1 && btle.length == 60")
    assert wanted <= kinds.keys(), wanted - kinds.keys()
    assert not [kind for kind in kinds if kind.startswith("Unknown")]
    assert wireshark.lines("-Y", "btle_rf.flags.mic_valid == 1 && btatt.opcode == 0x0a")


def test_wireshark_sees_the_same_packets_sent_again(noisy: Conversation, tmp_path: Path) -> None:
    wireshark = Wireshark(tmp_path / "air.pcap", recording(noisy.log, [KEY]))
    assert len(wireshark.lines("-Y", "btle.retransmit")) == noisy.judged().repeated > 5


def test_without_the_key_the_ciphertext_is_recorded(plain: Conversation) -> None:
    content, ciphertext = recording(plain.log), [p.pdu for p in plain.log if p.pdu[1] == len(SHORT_DATA) + 4]
    assert ciphertext and all(pdu in content for pdu in ciphertext)
    assert not any(pdu in recording(plain.log, [KEY]) for pdu in ciphertext)
    assert content.count(SHORT_DATA) < recording(plain.log, [KEY]).count(SHORT_DATA)


def test_wireshark_reports_a_checksum_that_is_wrong(plain: Conversation, tmp_path: Path) -> None:
    content = bytearray(recording(plain.log[:1]))
    wireshark = Wireshark(tmp_path / "air.pcap", bytes(content))
    assert wireshark.faults() == []
    content[-4] ^= 1
    assert len(Wireshark(tmp_path / "air.pcap", bytes(content)).faults()) == 1
    # In a connection the recorder compares.
    log = list(plain.log)
    index = first(log, lambda packet: not packet.is_advertisement)
    log[index] = dataclasses.replace(log[index], checksum=plain.log[0].checksum)
    faults = Wireshark(tmp_path / "air.pcap", recording(log, [KEY])).faults()
    assert [fault.split()[0] for fault in faults] == [str(index + 1)]


def test_wireshark_reports_what_is_malformed(plain: Conversation, tmp_path: Path) -> None:
    log = list(plain.log)
    index = first(log, lambda packet: packet.pdu[0] & 3 == 3 and packet.pdu[2:3] == bytes((Control.ENC_REQ,)))
    short = log[index].pdu[:1] + bytes((9,)) + log[index].pdu[2:11]
    log[index] = dataclasses.replace(log[index], pdu=short)
    wireshark = Wireshark(tmp_path / "air.pcap", recording(log[:index + 1]))
    assert len(wireshark.lines("-Y", "_ws.malformed")) == 1


def test_only_bluetooth_is_recorded(plain: Conversation) -> None:
    with pytest.raises(ValueError, match="another kind"):
        Recording().add(dataclasses.replace(plain.log[0], whitening=None), -60)


def test_a_recording_is_written_as_the_air_is_heard(tmp_path: Path) -> None:
    world = World()
    _, host = boot(world, "advertiser", controllers.UART, NEAR, 1)
    world.air.strengths["advertiser", "listener"] = -43
    advertise(host)
    world.run_for(100 * MILLISECOND)
    write(tmp_path / "air.pcap", world.air)
    wireshark = Wireshark(tmp_path / "copy.pcap", (tmp_path / "air.pcap").read_bytes())
    columns = [line.split() for line in wireshark.lines(
        "-T", "fields", "-e", "frame.time_epoch", "-e", "btle_rf.channel", "-e", "btle_rf.signal_dbm")]
    assert [(channel, strength) for _, channel, strength in columns[:3]] == [("0", "-43"), ("12", "-43"), ("39", "-43")]
    assert float(columns[0][0]) == pytest.approx(world.air.log[0].start / SECOND, abs=1e-6)


# Our own audit.


def test_every_packet_is_as_the_standard_has_it(conversation: Conversation) -> None:
    report = conversation.judged()
    assert report.events > 60 and report.left_out == 0
    assert report.encrypted > 15 and len(report.channels) > 15
    if conversation.is_clear:
        assert report.answered == report.events and report.repeated == 0


def test_long_packets_and_both_phys_are_judged(fast: Conversation) -> None:
    report = fast.judged()
    assert report.phys == {Phy.LE_1M, Phy.LE_2M} and report.longest == 60


def test_hops_are_those_of_the_standards_sample_data() -> None:
    everything, nine = (1 << 37) - 1, sum(1 << channel for channel in (9, 10, 21, 22, 23, 33, 34, 35, 36))
    # Vol 6 Part C 3.1, 3.2.
    assert [channel_by_second_algorithm(everything, 0x8E89_BED6, counter) for counter in range(4)] == [25, 20, 6, 21]
    assert [channel_by_second_algorithm(nine, 0x8E89_BED6, counter) for counter in (6, 7, 8)] == [23, 9, 34]
    assert [channel_by_first_algorithm(everything, 7, counter) for counter in range(7)] == [7, 14, 21, 28, 35, 5, 12]
    # 14 is not used, and 14 mod 9 is 5.
    assert channel_by_first_algorithm(nine, 7, 1) == 33


@pytest.mark.parametrize("address, why", [
    (0x8E89_BED7, "too like"), (0x0000_1234, "equal bits"), (0x5A5A_5A5A, "equal bytes"), (0x5555_5556, "too often"),
    (0xFC5A_3C96, "too seldom")])
def test_access_addresses_that_nobody_may_have(address: int, why: str) -> None:
    assert why in (address_problem(address) or "")


def first(log: list[Packet], wanted: Callable[[Packet], object], after: int = 0) -> int:
    return next(index for index, packet in enumerate(log) if index >= after and wanted(packet))


def first_of(log: list[Packet], sender: str, after: int = 0) -> int:
    """The first packet of a connection that this one has sent, and after so many."""
    return first(log, lambda packet: packet.sender == sender and not packet.is_advertisement, after)


def first_encrypted(log: list[Packet]) -> int:
    return first(log, lambda packet: not packet.is_advertisement and packet.pdu[1] == len(SHORT_DATA) + 4)


def first_answer(log: list[Packet], kind: int) -> int:
    return first(log, lambda packet: packet.is_advertisement and packet.pdu[0] & 0xF == kind)


def changed(index: int, log: list[Packet], **changes: object) -> list[Packet]:
    return [*log[:index], dataclasses.replace(log[index], **changes), *log[index + 1:]]  # type: ignore[arg-type]


def delayed(index: int, log: list[Packet], by: float) -> list[Packet]:
    """A packet, by so many microseconds."""
    packet, by = log[index], int(by * MICROSECOND)
    return changed(index, log, start=packet.start + by, end=packet.end + by)


def with_header(index: int, log: list[Packet], bits: int) -> list[Packet]:
    """With other bits in the first byte."""
    pdu = log[index].pdu
    return changed(index, log, pdu=bytes((pdu[0] ^ bits,)) + pdu[1:])


def with_byte(index: int, log: list[Packet], at: int, value: int) -> list[Packet]:
    pdu = bytearray(log[index].pdu)
    pdu[at] = value
    return changed(index, log, pdu=bytes(pdu))


def event_delayed(log: list[Packet], by: float) -> list[Packet]:
    """The third event of the connection: two packets."""
    index = first_of(log, "central", first_of(log, "central") + 4)
    return delayed(index + 1, delayed(index, log, by), by)


def silent(log: list[Packet], duration: int) -> list[Packet]:
    begin = log[first_of(log, "central") + 5].start
    return [packet for packet in log if not begin < packet.start < begin + duration]


def on_another_channel(log: list[Packet]) -> list[Packet]:
    index = first_of(log, "central", first_of(log, "central") + 2)
    frequency = 2440 if log[index].frequency != 2440 else 2442
    return changed(index, log, frequency=frequency, whitening=channel_of(frequency))


def repeated_with_other_content(log: list[Packet]) -> list[Packet]:
    listener = Listener()
    heard = [listener.hear(packet) for packet in log]
    index = next(index for index, each in enumerate(heard) if not each.is_new and len(each.packet.pdu) > 4)
    return with_byte(index, log, 4, log[index].pdu[4] ^ 1)


def repeated_needlessly(log: list[Packet]) -> list[Packet]:
    """The peripheral goes back to what the central has acknowledged."""
    index = first_of(log, "peripheral", first_of(log, "peripheral") + 1)
    return changed(index, log, pdu=log[first_of(log, "peripheral")].pdu)


def without_more_data(log: list[Packet]) -> list[Packet]:
    index = first(log, lambda packet: not packet.is_advertisement and packet.pdu[0] & MORE_DATA)
    return with_header(index, log, MORE_DATA)


WRONG: dict[str, tuple[Callable[[list[Packet]], list[Packet]], str]] = {
    "answers early": (lambda log: delayed(first_of(log, "peripheral"), log, -2.7), "not 150 ± 2"),
    "answers late": (lambda log: delayed(first_of(log, "peripheral"), log, 2.7), "not 150 ± 2"),
    "begins early": (lambda log: event_delayed(log, -25), r"comes 25\.\d\d µs before event 2"),
    "begins late": (lambda log: event_delayed(log, 25), r"before event 3"),
    "begins outside its window": (lambda log: delayed(first_of(log, "central"), log, -1_000), "before event 0"),
    "silence": (lambda log: silent(log, 460 * MILLISECOND), "after the supervision timeout"),
    "peripheral begins": (
        lambda log: log[:first_of(log, "central")] + log[first_of(log, "central") + 1:], "before the central"),
    "another channel": (on_another_channel, r"is on channel \d+, and the event on \d+"),
    "no channel": (lambda log: changed(0, log, frequency=2403), "on no channel"),
    "whitening": (lambda log: changed(first_of(log, "central"), log, whitening=38), "is whitened by 38"),
    "no whitening": (lambda log: changed(first_of(log, "central"), log, whitening=None), "is whitened by None"),
    "another address": (lambda log: changed(first_of(log, "central"), log, address=0x5A3C_9172), "no CONNECT_IND"),
    "checksum": (lambda log: changed(first_of(log, "central"), log, checksum=log[0].checksum), "0x555555, not 0x"),
    "polynomial": (
        lambda log: changed(0, log, checksum=dataclasses.replace(log[0].checksum, polynomial=0x65D)), "another checksum"),
    "PHY": (lambda log: changed(first_of(log, "central"), log, phy=Phy.LE_2M), "sent with LE_2M, not LE_1M"),
    "new before acknowledged": (
        lambda log: with_header(first_of(log, "peripheral"), log, NEXT_EXPECTED), "before the last one was acknowledged"),
    "first number": (lambda log: with_header(first_of(log, "central"), log, SEQUENCE), "begins with sequence number 1"),
    "acknowledges nothing": (
        lambda log: with_header(first_of(log, "central"), log, NEXT_EXPECTED), "acknowledges what was not sent"),
    "repeats needlessly": (repeated_needlessly, "repeats what was acknowledged"),
    "goes on without data": (without_more_data, "although nobody has more data"),
    "length in header": (lambda log: with_byte(first_of(log, "central"), log, 1, 1), "says 1 bytes and has 0"),
    "too long": (
        lambda log: changed(first_of(log, "central"), log, pdu=bytes((2, 28)) + bytes(28)), "28 bytes, and at most 27"),
    "no LLID": (
        lambda log: changed(first_of(log, "central"), log, pdu=bytes(2)), "LLID 0"),
    "integrity": (lambda log: with_byte(first_encrypted(log), log, 4, log[first_encrypted(log)].pdu[4] ^ 1), "wrong MIC"),
    "request too late": (lambda log: delayed(first_answer(log, 5), log, 3), "CONNECT_IND not 150 ± 2 µs"),
    "response too early": (lambda log: delayed(first_answer(log, 4), log, -3), "SCAN_RSP not 150 ± 2 µs"),
    "response for another": (lambda log: with_byte(first_answer(log, 4), log, 2, 0xEE), "SCAN_RSP not 150 ± 2 µs"),
    "advertises with 2M": (lambda log: changed(0, log, phy=Phy.LE_2M), "advertises with LE_2M"),
    "advertises elsewhere": (lambda log: changed(0, log, frequency=2440, whitening=17), "on a data channel"),
    "advertises with a connection's checksum": (
        lambda log: changed(0, log, checksum=log[first_of(log, "central")].checksum), "begins with 0x"),
    "advertises what is unknown": (lambda log: with_byte(0, log, 0, 0x0E), "unknown kind 14"),
    "request's address": (lambda log: changed(
        first_answer(log, 5), log, pdu=log[first_answer(log, 5)].pdu[:14] + bytes(4) + log[first_answer(log, 5)].pdu[18:]),
        "equal bits in a row"),
    "request's interval": (lambda log: with_byte(first_answer(log, 5), log, 24, 5), "with interval 5"),
    "request's hop": (lambda log: with_byte(first_answer(log, 5), log, 35, 0x44), "with hop 4"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_audit_finds(name: str, plain: Conversation) -> None:
    change, why = WRONG[name]
    with pytest.raises(Improper, match=why):
        audit(change(list(plain.log)), [KEY], is_clear=True)


def test_the_audit_finds_what_is_repeated_with_other_content(noisy: Conversation) -> None:
    with pytest.raises(Improper, match="other than what it repeats"):
        audit(repeated_with_other_content(list(noisy.log)), [KEY])


def test_the_audit_wants_the_key(plain: Conversation) -> None:
    with pytest.raises(Improper, match="a key that is not known"):
        audit(plain.log, [bytes(16)])


def test_the_checksum_is_not_that_of_other_data(plain: Conversation) -> None:
    pdu = plain.log[0].pdu
    assert checksum(0x555555, pdu) != checksum(0x555555, pdu[:-1] + bytes((pdu[-1] ^ 1,)))
    assert checksum(0x555555, pdu) != checksum(0x555554, pdu)
