"""The image that users flash, in the air of the model, with Zephyr's prebuilt controller as its central."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import pathlib
import random
import re
import shutil
import struct
import subprocess

import pytest
from bumble.device import Peer
from bumble.hci import Phy as BumblePhy
from bumble.l2cap import LeCreditBasedChannelSpec
from nrf52840 import MICROSECOND, MILLISECOND, SECOND, UsbHost
from nrf52840.air import Noise, Phy
from peers import controllers

from .air_bumble import Central
from .air_peers import (
    ADDRESS, ADVERTISING_REPORT, ALGORITHM, ATTRIBUTES, DATA_LENGTH_CHANGE, DISCONNECTED, PHY_UPDATE, Meeting,
    by_board, is_data)
from .board import BYTES, IMAGE, SET_LINES, WELCOME, erase_counts, greeting, unstuffed

SECRET = bytes(range(0x40, 0x50))
#: Protocols/gatt.md, section 3.
PSM = 0x80
#: Protocols/gatt.md, section 1.
FLAGS = bytes.fromhex("020106")
NAME = b"FedBridge 0123456789ABCDEF"
#: Of which 22 octets fit the shortest response.
NAME_HANDLE = 3
READ_NAME = b"\x0a" + NAME_HANDLE.to_bytes(2, "little")


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
    assert response[1] == 4 and NAME in response
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
    assert meeting.ask(READ_NAME) == b"\x0b" + NAME
    meeting.assert_spaces(since, at_least=8)
    meeting.central.command(0x0406, meeting.handle + b"\x13")
    meeting.central.event(DISCONNECTED)
    # And advertises again.
    since = meeting.mark
    meeting.world.run_for(SECOND)
    assert len(meeting.packets(since, by_board)) > 20
    meeting.assert_alive()


async def paired() -> tuple[Meeting, Central]:
    """A board and a gateway that left it a secret over a cable, and paired by it."""
    meeting = Meeting()
    meeting.leave_secret(SECRET)
    central = Central(meeting)
    await central.until(central.device.power_on())
    connection = await central.connect()
    await central.pair(connection, SECRET)
    assert connection.is_encrypted and connection.authenticated
    return meeting, central


async def test_it_pairs_with_who_left_a_secret_and_encrypts() -> None:
    meeting, central = await paired()
    connection = next(iter(central.device.connections.values()))
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
    # Encrypted anew while it is encrypted already, as Linux does it: a pause, and the same key.
    refreshed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    connection.on(connection.EVENT_CONNECTION_ENCRYPTION_KEY_REFRESH, lambda: refreshed.set_result(None))
    request = asyncio.ensure_future(connection.encrypt())
    await central.until(refreshed)
    request.cancel()
    assert await central.until(Peer(connection).gatt_client.read_value(NAME_HANDLE)) == NAME
    assert meeting.board.resets == [None]


async def test_long_packets_are_encrypted_in_time_at_two_megabits() -> None:
    meeting, before = await paired()
    await before.until(next(iter(before.device.connections.values())).disconnect())
    meeting.change_central(controllers.USB_LONG)
    central = Central(meeting, before.device.keystore)
    await central.until(central.device.power_on())
    connection = await central.connect()
    await central.until(connection.encrypt())
    await central.until(connection.set_data_length(251, 2120))
    await central.until(connection.set_phy([BumblePhy.LE_2M], [BumblePhy.LE_2M]))
    channel = await central.until(connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040)))
    meeting.run(500)
    since, begin = meeting.mark, meeting.world.now
    for _ in range(40):
        # No frame, so that it is taken and dropped.
        channel.write(bytes(1040))
    await central.until(channel.drain())
    octets = 40 * 1040
    duration = (meeting.world.now - begin) / SECOND
    print(f"down, 2M, encrypted: {octets / duration / 1000:.1f} kB/s")
    data = meeting.packets(since, is_data)
    long = [packet for packet in data if len(packet.pdu) > 2 + 240]
    assert len(long) >= 80 and {packet.phy for packet in data} == {Phy.LE_2M}
    assert octets / duration > 30_000
    meeting.assert_spaces(since, at_least=100)
    assert meeting.board.resets == [None]


def test_both_use_the_second_channel_selection() -> None:
    meeting = Meeting()
    # LE Channel Selection Algorithm is among the events.
    meeting.central.command(0x2001, b"\x5f\x08\x08" + bytes(5))
    meeting.connect()
    assert meeting.central.le_event(ALGORITHM)[2] == 1
    meeting.run(500)
    meeting.assert_alive()


def test_long_packets_and_two_megabits() -> None:
    meeting = Meeting(controllers.USB_LONG)
    meeting.central.command(0x2024, struct.pack("<HH", 251, 2120))
    meeting.connect()
    meeting.central.command(0x2022, meeting.handle + struct.pack("<HH", 251, 2120))
    meeting.run(300)
    change = meeting.central.le_event(DATA_LENGTH_CHANGE)
    assert struct.unpack("<HHHH", change[2:10])[::2] == (251, 251)
    assert meeting.ask(b"\x02" + struct.pack("<H", 498)) == b"\x03" + struct.pack("<H", 498)
    for phy in (Phy.LE_1M, Phy.LE_2M):
        if phy is Phy.LE_2M:
            meeting.central.command(0x2032, meeting.handle + b"\x00\x02\x02\x00\x00")
            assert meeting.central.le_event(PHY_UPDATE)[0] == 0
        since = meeting.mark
        # A command for an attribute that is not there: 247 octets, and no answer.
        meeting.central.send_data(meeting.handle, struct.pack("<HH", 247, 4) + b"\x52\xff\xff" + bytes(244))
        meeting.run(200)
        sent = meeting.packets(since, lambda packet: len(packet.pdu) == 2 + 251)
        assert len(sent) == 1 and sent[0].phy is phy
        assert meeting.ask(READ_NAME) == b"\x0b" + NAME
        assert {packet.phy for packet in meeting.packets(since)} == {phy}
        meeting.assert_spaces(since, at_least=8)
    # All that there is of characteristics, in one answer; it is more than the central's controller can hand on.
    since = meeting.mark
    meeting.send(4, b"\x08" + struct.pack("<HHH", 1, 0xFFFF, 0x2803))
    assert meeting.world.run_while(
        lambda: not meeting.packets(since, lambda packet: by_board(packet) and len(packet.pdu) > 2 + 27),
        SECOND)


def test_silence_ends_a_connection_and_it_advertises_again() -> None:
    meeting = Meeting().connected()
    meeting.run(200)
    since = meeting.mark
    meeting.world.air.weather = Noise(5, loss=1)
    meeting.run(1000)
    assert meeting.disconnections() == [0x08]
    advertisements = meeting.packets(since, lambda packet: by_board(packet) and packet.is_advertisement)
    last = max(packet.start for packet in meeting.packets(since, is_data))
    # Both give up 420 ms after they have heard the other last.
    assert advertisements and advertisements[0].start > last - 400 * MILLISECOND
    meeting.world.air.weather = Noise(5)
    meeting.connect()
    meeting.run(200)
    assert meeting.board.resets == [None]


@pytest.mark.parametrize("drift", [-40_000, 40_000])
def test_clocks_that_differ_by_40_millionths_do_not_part_them(drift: int) -> None:
    meeting = Meeting(drift=drift)
    # The longest interval that there is.
    meeting.connect(interval=3200, timeout=3200, limit=6000)
    since = meeting.mark
    meeting.run(21_000)
    meeting.assert_alive()
    answered = meeting.packets(since, lambda packet: by_board(packet) and is_data(packet))
    assert len(answered) >= 5
    meeting.assert_spaces(since, at_least=5)


def test_what_is_lost_or_damaged_in_the_air_is_sent_again() -> None:
    meeting = Meeting().connected()
    since = meeting.mark
    meeting.world.air.weather = Noise(5, loss=0.1, bit_errors=1e-3, jammed=frozenset(range(2404, 2420)))
    for _ in range(25):
        assert meeting.ask(READ_NAME, 10_000) == b"\x0b" + NAME[:22]
    meeting.assert_alive()
    meeting.assert_spaces(since, at_least=50)


@pytest.mark.parametrize("off", [-2, 1])
def test_a_radio_whose_delays_are_other_than_they_are_said_to_be(off: int) -> None:
    """By so many microseconds: nobody outside the vendor knows them well. T_IFS by hardware has no room for later."""
    meeting = Meeting()
    known = meeting.board.radio.chain
    meeting.board.radio.chain = dataclasses.replace(
        known, receive_1m=known.receive_1m + off * MICROSECOND, receive_2m=known.receive_2m + off * MICROSECOND)
    meeting.connect()
    since = meeting.mark
    assert meeting.ask(READ_NAME) == b"\x0b" + NAME[:22]
    meeting.run(1000)
    meeting.assert_alive()
    meeting.assert_spaces(since, at_least=30)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_processor_that_stands_still_lets_the_radio_say_nothing_wrong(seed: int) -> None:
    """For up to 6 ms at any moment: the radio is not heard with what no interrupt has prepared, such as what it has
    just received."""
    meeting = Meeting().connected(interval=6, timeout=100)
    since = meeting.mark
    moments = random.Random(seed)
    for number in range(60):
        meeting.send(ATTRIBUTES, READ_NAME)
        meeting.world.run_for(moments.randrange(15_000) * MICROSECOND)
        meeting.board.core.stall(moments.randrange(6000) * MICROSECOND)
    while meeting.world.run_while(lambda: meeting.central.poll() or not meeting.central.packets, SECOND):
        meeting.central.packets.pop()
    assert meeting.ask(READ_NAME) == b"\x0b" + NAME[:22]
    meeting.assert_alive()
    meeting.assert_spaces(since, at_least=50)
    data = meeting.packets(since, is_data)
    said = {packet.pdu[2:] for packet in data if not by_board(packet) and len(packet.pdu) > 2}
    assert said and not [packet for packet in data if by_board(packet) and packet.pdu[2:] in said]


def test_a_session_over_the_cable_goes_on_beside_a_connection() -> None:
    meeting = Meeting()
    host = UsbHost(meeting.board, meeting.world)
    host.plug()
    host.enumerate()
    host.control_out(*SET_LINES, value=3)
    meeting.connect(interval=6)
    since = meeting.mark
    for number in range(20):
        host.write(BYTES, greeting(0x1000_0000 + number))
        stream = b""
        while not any(frame[:1] == bytes((WELCOME,)) for frame in unstuffed(stream)):
            stream += host.finish(host.begin_read(BYTES, 64), SECOND)
        assert meeting.ask(READ_NAME) == b"\x0b" + NAME[:22]
    meeting.run(500)
    meeting.assert_alive()
    # 7.5 ms: an answer in every event.
    data = [packet for packet in meeting.packets(since) if is_data(packet)]
    asked = [packet for packet in data if not by_board(packet)]
    answered = [packet for packet in data if by_board(packet)]
    assert len(asked) - len(answered) <= 1, (len(asked), len(answered))
    meeting.assert_spaces(since, at_least=100)


def test_erasing_flash_costs_no_connection_event() -> None:
    """For 85 ms the processor stands still a page, in slices that the radio leaves."""
    meeting = Meeting(is_used=False)
    meeting.connect(interval=6, timeout=200)
    since, erased = meeting.mark, sum(erase_counts(meeting.board.flash))
    for _ in range(10):
        assert meeting.ask(READ_NAME, 10_000) == b"\x0b" + NAME[:22]
    meeting.run(500)
    meeting.assert_alive()
    assert sum(erase_counts(meeting.board.flash)) > erased + 5
    data = meeting.packets(since, is_data)
    asked = [packet for packet in data if not by_board(packet)]
    assert len(asked) > 80 and 0 <= len(asked) - (len(data) - len(asked)) <= 1
    meeting.assert_spaces(since, at_least=160)


@functools.cache
def calls() -> dict[str, list[str]]:
    """The image's instructions, by function."""
    tools = pathlib.Path(shutil.which("swift") or "swift").resolve().parent
    listing = subprocess.run(
        [tools / "llvm-objdump", "-d", "--no-show-raw-insn", IMAGE.with_suffix(".elf")], check=True,
        capture_output=True, text=True).stdout
    functions: dict[str, list[str]] = {}
    for line in listing.splitlines():
        if found := re.fullmatch(r"[0-9a-f]+ <(.*)>:", line):
            functions[found[1]] = current = []
        elif line.startswith(" "):
            current.append(line.strip())
    return functions


def test_the_radios_interrupt_neither_allocates_nor_computes_with_floats() -> None:
    reached, waiting = set(), ["IRQ1_Handler"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in calls():
            continue
        reached.add(name)
        for line in calls()[name]:
            assert not re.search(r"\tv\w+", line), (name, line)
            assert not re.search(r"\tblx\s+r", line), (name, line)
            if found := re.search(r"\t(?:b\w*(?:\.[wn])?|cbn?z)\s.*<([^>+]+)", line):
                waiting.append(found[1])
    assert len(reached) > 5 and any("ConnectionEvent" in name or "RadioEvent" in name for name in reached)
    assert not reached & {"posix_memalign", "free", "swift_retain", "swift_release", "swift_once", "swift_allocObject"}
