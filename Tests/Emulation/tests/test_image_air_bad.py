"""The image that users flash, in the air with a central that does wrong: no packet resets the board or keeps it from
being connected to again (Core Specification Vol 6 Part B)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from nrf52840 import MILLISECOND, SECOND
from nrf52840.air import Noise, Packet
from nrf52840.audit import audit
from nrf52840.link_layer import ADVERTISING_ADDRESS, CONTROL, Control
from nrf52840.listener import NEXT_EXPECTED, SEQUENCE
from peers.central import Link, Opcode
from peers.central.station import frequency_of
from peers.hci import ACL

from .air_central import Encounter, bonded
from .air_peers import ATTRIBUTES, DISCONNECTED, ENCRYPTION_CHANGE, by_board, is_data

READ_NAME = b"\x0a\x03\x00"
NAME = b"FedBridge 0123456789AB"
RESERVED, CONTINUES, BEGINS = 0, 1, 2
KEY_MISSING, SUPERVISION_TIMEOUT, NOT_ESTABLISHED = 0x06, 0x08, 0x3E
#: Octets of the control PDUs, opcode included (2.4.2).
LENGTHS = {
    0x00: 12, 0x01: 8, 0x02: 2, 0x03: 23, 0x04: 13, 0x05: 1, 0x06: 1, 0x07: 2, 0x08: 9, 0x09: 9, 0x0A: 1, 0x0B: 1,
    0x0C: 6, 0x0D: 2, 0x0E: 9, 0x0F: 24, 0x10: 24, 0x11: 3, 0x12: 1, 0x13: 1, 0x14: 9, 0x15: 9, 0x16: 3, 0x17: 3,
    0x18: 5}


def is_advertised_by_board(packet: Packet) -> bool:
    return by_board(packet) and packet.is_advertisement


def link(meeting: Encounter) -> Link:
    assert meeting.central.link is not None
    return meeting.central.link


def assert_answers(meeting: Encounter) -> None:
    assert meeting.ask(READ_NAME) == b"\x0b" + NAME
    meeting.assert_alive()


def assert_is_over(meeting: Encounter, since: int) -> None:
    """The board ends the connection at once and without another word, and can be connected to again. What it tells its
    host as the reason is not to be heard in the air."""
    assert meeting.central.event(DISCONNECTED, 5000)[3] == SUPERVISION_TIMEOUT
    said = meeting.packets(since, lambda packet: by_board(packet) and is_data(packet))
    advertised = meeting.packets(since, is_advertised_by_board)
    # In the event in which it was told, and in the next ones what it had in its queue.
    assert len(said) <= 4 and advertised[0].start - said[-1].end < 150 * MILLISECOND
    assert_can_be_connected_to(meeting)


def assert_can_be_connected_to(meeting: Encounter) -> None:
    meeting.connect()
    assert_answers(meeting)


def once(change: Callable[[bytes], bytes], applies: Callable[[bytes], bool] = lambda pdu: len(pdu) > 2,
         ) -> Callable[[bytes], bytes]:
    """For `Faults.alter`: changes the first PDU that it applies to."""
    altered: list[bytes] = []

    def alter(pdu: bytes) -> bytes:
        if altered or not applies(pdu):
            return pdu
        altered.append(pdu)
        return change(pdu)

    return alter


def encrypted() -> Encounter:
    meeting, key = bonded()
    meeting.connect()
    meeting.encrypt(key)
    assert_answers(meeting)
    return meeting


# Encryption.


def test_a_wrong_mic_ends_the_connection() -> None:
    meeting = encrypted()
    link(meeting).faults.alter = once(lambda pdu: pdu[:-1] + bytes((pdu[-1] ^ 1,)))
    since = meeting.mark
    meeting.send(ATTRIBUTES, READ_NAME)
    assert_is_over(meeting, since)
    # And the key is still good.
    meeting.encrypt(meeting.keys[0])
    assert_answers(meeting)


def test_a_packet_that_is_replayed_ends_the_connection() -> None:
    meeting = encrypted()
    heard: list[bytes] = []
    link(meeting).faults.alter = once(lambda pdu: heard.append(pdu) or pdu)
    assert_answers(meeting)
    # Later, as if it were new.
    link(meeting).faults.alter = once(lambda pdu: pdu[:1] + heard[0][1:])
    since = meeting.mark
    meeting.send(ATTRIBUTES, READ_NAME)
    assert_is_over(meeting, since)


def test_clear_text_ends_an_encrypted_connection() -> None:
    meeting = encrypted()
    link(meeting).cipher = None
    since = meeting.mark
    meeting.send(ATTRIBUTES, READ_NAME)
    assert_is_over(meeting, since)


def test_another_key_ends_the_connection() -> None:
    meeting, key = bonded()
    meeting.connect()
    since = meeting.mark
    meeting.central.command(0x2019, meeting.handle + bytes(10) + bytes(16))
    assert meeting.central.event(DISCONNECTED, 5000)[3] == SUPERVISION_TIMEOUT
    assert Control.START_ENC_RSP not in [pdu[0] for pdu in meeting.control(since)]
    assert_can_be_connected_to(meeting)
    meeting.encrypt(key)
    assert_answers(meeting)


def test_without_a_key_it_rejects_encryption_and_stays() -> None:
    meeting = Encounter().connected()
    for number in (bytes(10), bytes(range(10))):
        meeting.central.command(0x2019, meeting.handle + number + bytes(16))
        assert meeting.central.event(ENCRYPTION_CHANGE)[:1] == bytes((KEY_MISSING,))
        rejection = meeting.control()[-1]
        assert rejection in (bytes((Opcode.REJECT_IND, KEY_MISSING)),
                             bytes((Opcode.REJECT_EXT_IND, Control.ENC_REQ, KEY_MISSING)))
        assert_answers(meeting)


def test_data_while_encryption_begins_ends_the_connection() -> None:
    meeting, _ = bonded()
    meeting.connect()
    since = meeting.mark
    link(meeting).send(CONTROL, bytes((Control.ENC_REQ,)) + bytes(22))
    meeting.send(ATTRIBUTES, READ_NAME)
    assert_is_over(meeting, since)


# Control PDUs.


def test_control_pdus_that_nobody_knows_are_answered_so() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    asked = [bytes((opcode,)) + content for opcode in (0x0F, 0x19, 0x2A, 0x7F, 0xFF) for content in (b"", bytes(26))]
    for pdu in asked:
        link(meeting).send(CONTROL, pdu)
    meeting.run(300)
    answers = [pdu for pdu in meeting.control() if pdu[0] == Opcode.UNKNOWN_RSP]
    assert answers == [bytes((Opcode.UNKNOWN_RSP, pdu[0])) for pdu in asked]
    assert_answers(meeting)


def test_control_pdus_that_are_too_short_or_too_long_are_answered_as_unknown() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    asked = []
    for opcode, length in LENGTHS.items():
        for wrong in {1, length - 1, length + 1, 27, 251, 255} - {0, length}:
            asked.append(bytes((opcode,)) + random.Random(opcode).randbytes(wrong - 1))
    for pdu in asked:
        link(meeting).send(CONTROL, pdu)
    meeting.run(3000)
    answers = [pdu[1] for pdu in meeting.control() if pdu[0] == Opcode.UNKNOWN_RSP]
    # An answer is never answered with this one.
    assert answers == [pdu[0] for pdu in asked if pdu[0] != Opcode.UNKNOWN_RSP]
    assert_answers(meeting)


def test_control_pdus_out_of_place_do_no_harm() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    for opcode, content in (
            (Control.START_ENC_RSP, b""), (Opcode.PAUSE_ENC_RSP, b""), (Control.PAUSE_ENC_REQ, b""),
            (Opcode.FEATURE_RSP, bytes(8)), (Control.LENGTH_RSP, bytes(8)), (Opcode.UNKNOWN_RSP, b"\x14"),
            (Opcode.REJECT_IND, b"\x06"), (Opcode.REJECT_EXT_IND, b"\x16\x06"),
            # Lengths that nobody may have.
            (Control.LENGTH_REQ, bytes(8)), (Control.LENGTH_REQ, b"\xff" * 8),
            # No PHY, and all that there are; then none that it is to change to.
            (Opcode.PHY_REQ, b"\0\0"), (Opcode.PHY_REQ, b"\xff\xff"), (Control.PHY_UPDATE_IND, bytes(4))):
        for _ in range(3):
            link(meeting).send(CONTROL, bytes((opcode,)) + content)
        assert_answers(meeting)
    # No channels at all, to be used from an instant on.
    link(meeting).send(
        CONTROL, bytes((Control.CHANNEL_MAP_IND,)) + bytes(5) + struct.pack("<H", link(meeting).instant))
    meeting.run(600)
    assert_answers(meeting)


def test_an_instant_that_has_passed_ends_the_connection() -> None:
    meeting = Encounter().connected()
    for opcode, content in (
            (Control.CONNECTION_UPDATE_IND, struct.pack("<BHHHH", 1, 0, 24, 0, 42)),
            (Control.CHANNEL_MAP_IND, bytes.fromhex("ffffffff1f")), (Control.PHY_UPDATE_IND, b"\x02\x02")):
        for late in (1, 100, 32766):
            meeting.run(100)
            since = meeting.mark
            instant = link(meeting).counter + 1 - late & 0xFFFF
            link(meeting).send(CONTROL, bytes((opcode,)) + content + struct.pack("<H", instant))
            assert_is_over(meeting, since)


def test_parameters_that_nobody_can_live_with_end_the_connection() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    since = meeting.mark
    link(meeting).send(CONTROL, bytes((Control.CONNECTION_UPDATE_IND,)) + struct.pack(
        "<BHHHHH", 0, 0, 0, 0xFFFF, 0, link(meeting).instant))
    assert_is_over(meeting, since)


# Data PDUs.


def test_data_pdus_that_mean_nothing_are_passed_over() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    for kind, body in (
            (RESERVED, bytes(5)), (RESERVED, bytes(27)), (CONTINUES, bytes(27)),
            # L2CAP: less than a header, more than is said, nothing, a channel that nobody has.
            (BEGINS, b"\xff"), (BEGINS, struct.pack("<HH", 3, ATTRIBUTES) + READ_NAME + bytes(20)),
            (BEGINS, struct.pack("<HH", 0, ATTRIBUTES)), (BEGINS, struct.pack("<HH", 3, 0x7F) + READ_NAME),
            # More to come than there can be; it never does.
            (BEGINS, struct.pack("<HH", 0xFFFF, ATTRIBUTES) + bytes(20)), (CONTINUES, bytes(27)),
            (BEGINS, struct.pack("<HH", 23, ATTRIBUTES) + READ_NAME)):
        link(meeting).send(kind, body)
        assert_answers(meeting)


def test_packets_longer_than_anybody_may_send_are_passed_over() -> None:
    meeting = Encounter().connected()
    meeting.run(300)
    for kind in (RESERVED, CONTINUES, BEGINS):
        for length in (28, 251, 252, 255):
            body = (struct.pack("<HH", length - 4, 0x7F) + bytes(length))[:length]
            link(meeting).faults.alter = once(
                lambda pdu: bytes((pdu[0] & ~3 | kind, length)) + body)
            meeting.send(0x7F, b"")
            assert_answers(meeting)


def test_an_empty_control_pdu_is_passed_over() -> None:
    meeting = Encounter().connected()
    for _ in range(4):
        link(meeting).faults.alter = once(lambda pdu: bytes((pdu[0] | CONTROL, 0)), lambda pdu: len(pdu) == 2)
        meeting.run(60)
        assert_answers(meeting)


def test_a_sequence_number_that_is_not_its_turn_is_taken_for_a_repetition() -> None:
    meeting = encrypted()
    for bit in (SEQUENCE, NEXT_EXPECTED):
        link(meeting).faults.alter = once(lambda pdu: bytes((pdu[0] ^ bit,)) + pdu[1:])
        assert_answers(meeting)
        # Nothing was answered twice.
        meeting.run(200)
        assert not [packet for packet in meeting.central.packets if packet[0] == ACL]


def test_packets_drawn_by_lot_do_no_harm() -> None:
    meeting, draw = Encounter(), random.Random(7)
    for _ in range(8):
        # What the last ones made the board believe may keep it waiting for the longest timeout that there is.
        meeting.connect(limit=33_000)
        connection = link(meeting)
        connection.faults.is_deaf = True
        connection.lengths.send = connection.lengths.receive = 251
        for _ in range(40):
            kind = draw.randrange(4)
            opcode = draw.randrange(0x20)
            length = LENGTHS.get(opcode, 1) if draw.random() < 0.5 else draw.randrange(1, 252)
            body = bytes((opcode,)) + draw.randbytes(length - 1)
            connection.send(kind, body if kind == CONTROL else draw.randbytes(length))
        meeting.run(1000)
        connection.close(SUPERVISION_TIMEOUT)
        meeting.central.event(DISCONNECTED)
    meeting.central.packets.clear()
    meeting.run(500)
    meeting.connect(limit=33_000)
    assert_answers(meeting)


# Time.


def test_requests_to_connect_that_nobody_can_obey_are_passed_over() -> None:
    meeting = Encounter()
    for at, wrong in (
            # Window 0 and too large, offset, interval, latency, timeout, no channel and one, hops, access address.
            (21, b"\0"), (21, b"\x09"), (22, b"\xff\xff"), (24, b"\0\0"), (24, b"\x05\0"), (24, b"\xff\xff"),
            (26, b"\xff\xff"), (28, b"\0\0"), (28, b"\xff\xff"), (30, bytes(5)), (30, b"\x01" + bytes(4)),
            (35, b"\x04"), (35, b"\x11"), (14, ADVERTISING_ADDRESS.to_bytes(4, "little"))):
        meeting.central.alter_request = lambda pdu: pdu[:at] + wrong + pdu[at + len(wrong):]
        meeting.connect()
        assert meeting.central.event(DISCONNECTED, 5000)[3] == NOT_ESTABLISHED, (at, wrong)
    for length in (0, 6, 33, 35, 255):
        meeting.central.alter_request = lambda pdu: pdu[:1] + bytes((length,)) + bytes(length)
        meeting.connect()
        assert meeting.central.event(DISCONNECTED, 5000)[3] == NOT_ESTABLISHED, length
    meeting.central.alter_request = lambda pdu: pdu
    assert_can_be_connected_to(meeting)


def test_who_is_silent_is_given_up() -> None:
    meeting = encrypted()
    link(meeting).faults.is_silent = True
    since, begin = meeting.mark, meeting.world.now
    assert meeting.central.event(DISCONNECTED, 5000)[3] == SUPERVISION_TIMEOUT
    meeting.run(100)
    assert 380 < (meeting.packets(since, is_advertised_by_board)[0].start - begin) / MILLISECOND < 450
    assert_can_be_connected_to(meeting)


def test_who_never_answers_is_given_up_after_forty_seconds() -> None:
    meeting, _ = bonded()
    # The board answers, and waits for what comes of it: which PHY it is to be, and the first encrypted packet.
    for request in (bytes((Opcode.PHY_REQ, 2, 2)), bytes((Control.ENC_REQ,)) + bytes(22)):
        meeting.connect(interval=400, timeout=3200)
        link(meeting).faults.is_deaf = True
        since, begin = meeting.mark, meeting.world.now
        link(meeting).send(CONTROL, request)
        meeting.world.run_while(lambda: not meeting.packets(since, is_advertised_by_board), 60 * SECOND)
        waited = (meeting.world.now - begin) / SECOND
        assert 40 <= waited < 43, waited
        link(meeting).close(SUPERVISION_TIMEOUT)
        meeting.central.event(DISCONNECTED)
    assert_can_be_connected_to(meeting)


def test_it_leaves_channels_that_are_jammed() -> None:
    meeting = encrypted()
    jammed = frozenset(frequency_of(channel) for channel in range(4, 34))
    meeting.world.air.weather = Noise(3, jammed=jammed)
    used = sum(1 << channel for channel in range(37) if frequency_of(channel) not in jammed)
    meeting.central.command(0x2014, used.to_bytes(5, "little"))
    meeting.run(2000)
    since = meeting.mark
    meeting.run(1000)
    data = meeting.packets(since, is_data)
    assert {packet.frequency for packet in data}.isdisjoint(jammed)
    assert len([packet for packet in data if by_board(packet)]) == len(data) // 2 > 30
    assert_answers(meeting)
    audit(meeting.world.air.log, meeting.keys)
