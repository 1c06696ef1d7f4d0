"""The central of our own in the air: it keeps to the standard, with the board's image and with a controller that we did
not write."""

from __future__ import annotations

import pytest
from bumble.hci import Phy as BumblePhy
from bumble.l2cap import LeCreditBasedChannelSpec
from nrf52840 import MILLISECOND, SECOND, World
from nrf52840.air import Noise, Phy
from nrf52840.audit import INTER_FRAME_SPACE, audit
from peers import controllers
from peers.central import Controller
from peers.link import DISCONNECTED, FAR, NEAR, Link, connect, encrypt

from .air_central import Encounter, bonded, paired
from .air_peers import ATTRIBUTES, CONNECTION_UPDATE, DATA_LENGTH_CHANGE, PHY_UPDATE, by_board, is_data

#: Protocols/gatt.md, section 3.
PSM = 0x80
READ_NAME = b"\x0a\x03\x00"
NAME = b"FedBridge 0123456789AB"
FEATURES, VERSION = 4, 0x0C


async def test_the_board_pairs_with_it_and_speaks_in_long_packets_at_two_megabits() -> None:
    meeting, central, connection = await paired()
    assert connection.is_encrypted and connection.authenticated
    await central.until(connection.set_data_length(251, 2120))
    await central.until(connection.set_phy([BumblePhy.LE_2M], [BumblePhy.LE_2M]))
    channel = await central.until(connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040)))
    meeting.run(500)
    for _ in range(4):
        # No frame, so that it is taken and dropped.
        channel.write(bytes(1040))
    await central.until(channel.drain())
    report, = audit(meeting.world.air.log, meeting.keys, is_clear=True)
    assert report.phys == set(Phy) and report.longest == 251 and report.encrypted > 20
    assert (report.answered, report.left_out) == (report.events, 0)
    assert meeting.board.resets == [None]


def test_it_keeps_time_to_the_picosecond() -> None:
    meeting = Encounter().connected(interval=24)
    for _ in range(20):
        # A command for an attribute that is not there, which nobody answers.
        meeting.send(ATTRIBUTES, b"\x52\xff\xff" + bytes(18))
    meeting.run(300)
    log = meeting.packets(wanted=is_data)
    turns = [(after, after.start - before.end) for before, after in zip(log, log[1:]) if not by_board(after)]
    assert len([gap for _, gap in turns if gap == INTER_FRAME_SPACE]) >= 15
    anchors = [packet.start for packet, gap in turns if gap != INTER_FRAME_SPACE]
    assert len(anchors) > 5 and {after - before for before, after in zip(anchors, anchors[1:])} == {30 * MILLISECOND}


def test_it_asks_for_what_a_host_wants_to_know_or_to_change() -> None:
    meeting = Encounter().connected()
    central, handle = meeting.central, meeting.handle
    central.command(0x2016, handle)
    assert central.le_event(FEATURES)[0] == 0
    central.command(0x041D, handle)
    assert central.event(VERSION)[3] == 9
    central.command(0x2013, handle + bytes.fromhex("0c000c0000004800 00000000"))
    assert central.le_event(CONNECTION_UPDATE)[:5] == b"\0" + handle + b"\x0c\0"
    # Four channels.
    central.command(0x2014, bytes.fromhex("0f00000000"))
    meeting.run(500)
    since = meeting.mark
    meeting.run(500)
    assert {packet.whitening for packet in meeting.packets(since, is_data)} == {0, 1, 2, 3}
    audit(meeting.world.air.log, is_clear=True)
    meeting.assert_alive()


def test_what_is_lost_or_damaged_is_sent_again() -> None:
    meeting, key = bonded()
    meeting.connect(timeout=200)
    meeting.encrypt(key)
    meeting.world.air.weather = Noise(5, loss=0.1, bit_errors=1e-3)
    for _ in range(15):
        assert meeting.ask(READ_NAME, 10_000) == b"\x0b" + NAME
    report, = audit(meeting.world.air.log, [key])
    assert report.repeated > 5
    meeting.assert_alive()


def with_zephyr(image: controllers.Image) -> Link:
    world = World()
    _, peripheral = controllers.boot(world, "peripheral", image, NEAR, 1)
    central = Controller("central", world, 3)
    controllers.prepare(central, FAR)
    return connect(world, central, peripheral, NEAR)


@pytest.mark.parametrize("image", [controllers.UART, controllers.USB_LONG], ids=lambda image: image.package)
def test_a_controller_that_we_did_not_write_understands_it(image: controllers.Image) -> None:
    link = with_zephyr(image)
    central, peripheral, key = link.central, link.peripheral, bytes(range(0x30, 0x40))
    central.send_data(link.central_handle, b"in clear text")
    assert peripheral.data() == b"in clear text"
    encrypt(link, key)
    if image is controllers.USB_LONG:
        central.command(0x2022, link.central_handle + bytes.fromhex("fb004808"))
        assert central.le_event(DATA_LENGTH_CHANGE)[2:4] == b"\xfb\0"
        central.command(0x2032, link.central_handle + bytes.fromhex("0002020000"))
        assert central.le_event(PHY_UPDATE)[3:] == b"\x02\x02"
        # And the peripheral wants to send longer ones too.
        peripheral.command(0x2022, link.peripheral_handle + bytes.fromhex("fb004808"))
        assert central.le_event(DATA_LENGTH_CHANGE)[6:8] == b"\xfb\0"
        peripheral.send_data(link.peripheral_handle, bytes(range(240)))
        assert central.data() == bytes(range(240))
    for number in range(8):
        central.send_data(link.central_handle, bytes((number,)) * 27)
    assert [peripheral.data()[0] for number in range(8)] == list(range(8))
    peripheral.send_data(link.peripheral_handle, b"and back")
    assert central.data() == b"and back"
    link.world.run_for(SECOND)
    report, = audit(link.world.air.log, [key])
    assert report.encrypted >= 10
    peripheral.command(0x0406, link.peripheral_handle + b"\x13")
    assert central.event(DISCONNECTED)[3] == 0x13
    assert peripheral.event(DISCONNECTED)[3] == 0x16
