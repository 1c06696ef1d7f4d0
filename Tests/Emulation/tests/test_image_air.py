"""The image that users flash, in the air of the model, with Zephyr's prebuilt controller as its central."""

from __future__ import annotations

import asyncio
import struct

from bumble.l2cap import LeCreditBasedChannelSpec
from nrf52840 import MILLISECOND, SECOND

from .air_bumble import Central
from .air_peers import ADDRESS, ADVERTISING_REPORT, DISCONNECTED, Meeting, by_board, is_data
from .board import WELCOME, greeting, unstuffed

SECRET = bytes(range(0x40, 0x50))
#: Protocols/gatt.md, section 3.
PSM = 0x80
#: Protocols/gatt.md, section 1.
FLAGS = bytes.fromhex("020106")


def test_it_advertises_on_the_three_channels_for_that_every_hundred_milliseconds() -> None:
    meeting = Meeting()
    meeting.run(1000)
    sent = meeting.packets(wanted=by_board)
    assert {(packet.frequency, packet.whitening) for packet in sent} == {(2402, 37), (2426, 38), (2480, 39)}
    # ADV_IND from a random address, with the bit of the second channel selection.
    assert {packet.pdu[0] & 0x6F for packet in sent} == {0x60} and {packet.pdu[2:8] for packet in sent} == {ADDRESS}
    assert all(packet.pdu[8:11] == FLAGS for packet in sent)
    firsts = [packet.start for packet in sent if packet.frequency == 2402]
    gaps = [(after - before) / MILLISECOND for before, after in zip(firsts, firsts[1:])]
    assert len(gaps) > 5 and all(100 <= gap <= 111 for gap in gaps), gaps


def test_another_hears_it_and_asks_for_its_name() -> None:
    meeting = Meeting()
    meeting.world.air.strengths["board", "central"] = -70
    since = meeting.mark
    meeting.central.command(0x200B, struct.pack("<BHHBB", 1, 0x60, 0x60, 1, 0))
    meeting.central.command(0x200C, b"\x01\x00")
    report = meeting.central.le_event(ADVERTISING_REPORT)
    assert report[1] == 0 and ADDRESS in report and FLAGS in report
    response = meeting.central.le_event(ADVERTISING_REPORT)
    assert response[1] == 4 and b"FedBridge 0123456789ABCDEF" in response
    meeting.assert_spaces(since, at_least=2)


def test_it_is_connected_to_and_stays() -> None:
    meeting = Meeting().connected()
    since = meeting.mark
    meeting.run(2000)
    meeting.assert_alive()
    data = meeting.packets(since, is_data)
    assert len({packet.frequency for packet in data}) > 20
    meeting.assert_spaces(since, at_least=60)


def test_its_host_answers_over_the_air() -> None:
    meeting = Meeting().connected()
    since = meeting.mark
    # Exchange MTU.
    assert meeting.ask(b"\x02" + struct.pack("<H", 100)) == b"\x03" + struct.pack("<H", 498)
    # Read by group type: the first primary services, Generic Access and Generic Attribute.
    services = meeting.ask(b"\x10" + struct.pack("<HHH", 1, 0xFFFF, 0x2800))
    assert services[:2] == b"\x11\x06" and services[2:8] == bytes.fromhex("010007000018")
    # Read the device's name.
    assert meeting.ask(b"\x0a\x03\x00") == b"\x0bFedBridge 0123456789ABCDEF"
    meeting.assert_spaces(since, at_least=8)
    meeting.central.command(0x0406, meeting.handle + b"\x13")
    meeting.central.event(DISCONNECTED)
    # And advertises again.
    since = meeting.mark
    meeting.world.run_for(SECOND)
    assert len(meeting.packets(since, by_board)) > 20
    meeting.assert_alive()


async def test_it_pairs_with_who_left_a_secret_and_encrypts() -> None:
    meeting = Meeting()
    meeting.leave_secret(SECRET)
    central = Central(meeting)
    await central.until(central.device.power_on())
    connection = await central.connect()
    await central.pair(connection, SECRET)
    assert connection.is_encrypted and connection.authenticated
    since = meeting.mark
    channel = await central.until(connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040)))
    frames: asyncio.Queue[bytes] = asyncio.Queue()
    channel.sink = frames.put_nowait
    channel.write(unstuffed(greeting()[1:])[0])
    welcome = await central.until(frames.get())
    assert welcome[0] == WELCOME and b"nano33ble" in welcome
    assert not any(b"nano33" in packet.pdu for packet in meeting.packets(since))
    meeting.assert_spaces(0, at_least=100)
    # And once more with the key that both have kept.
    await central.until(connection.disconnect())
    connection = await central.connect()
    await central.until(connection.encrypt())
    assert connection.is_encrypted
    assert meeting.board.resets == [None]
