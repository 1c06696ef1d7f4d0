"""Prebuilt link-layer controllers boot on the model, and hold connections with each other over its air.

They are why a test of our own firmware on the model means something: nobody made them for it.
"""

from __future__ import annotations

import random
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from nrf52840 import MICROSECOND, MILLISECOND, SECOND, World
from nrf52840.air import Noise, Phy
from peers import controllers
from peers.controllers import boot
from peers.link import ADVERTISED, ADVERTISING_REPORT, DATA_LENGTH_CHANGE, DISCONNECTED, FAR, NEAR, PHY_UPDATE
from peers.link import advertise, connect, encrypt, pair_of_controllers

#: Core Specification Vol 6 Part B 4.2: inter-frame spaces, in microseconds.
SHORTEST_SPACE, LONGEST_SPACE = 148, 152
#: Vectors, and at 8: adds r0, #1; b 8.
NEVER_SLEEPS = struct.pack("<II", 0x2001_0000, 9) + bytes.fromhex("0130 fde7")


def assert_spaces(world: World, since: int, at_least: int) -> None:
    spaces = world.air.spaces(since)
    assert len(spaces) >= at_least
    assert all(SHORTEST_SPACE <= space <= LONGEST_SPACE for space in spaces), (min(spaces), max(spaces))


def test_a_controller_answers_its_host_over_the_serial_port() -> None:
    world = World()
    _, host = boot(world, "controller", controllers.UART, NEAR, 1)
    version = host.command(0x1001)
    assert (version[0], version[4:6]) == (0x0D, b"\xf1\x05")
    assert host.command(0x2003)[:3] == bytes.fromhex("df4101")
    key, text = bytes(range(16)), bytes(range(16, 32))
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(text)
    assert host.command(0x2017, key[::-1] + text[::-1]) == cipher[::-1]


def test_it_advertises_on_the_three_channels_for_that_and_another_hears_it() -> None:
    world = World()
    _, advertiser = boot(world, "advertiser", controllers.UART, NEAR, 1)
    _, scanner = boot(world, "scanner", controllers.UART, FAR, 2)
    world.air.strengths["advertiser", "scanner"] = -77
    advertise(advertiser)
    world.run_for(200 * MILLISECOND)
    sent = {(packet.frequency, packet.whitening) for packet in world.air.log if packet.is_advertisement}
    assert sent == {(2402, 0x65 & 0x3F), (2426, 0x26), (2480, 0x27)}
    scanner.command(0x200B, struct.pack("<BHHBB", 0, 0x60, 0x60, 1, 0))
    scanner.command(0x200C, b"\x01\x00")
    report = scanner.le_event(ADVERTISING_REPORT)
    assert NEAR in report and ADVERTISED in report
    assert struct.unpack("b", report[-1:])[0] == -77


def test_two_connect_and_speak_and_encrypt_and_part() -> None:
    link = pair_of_controllers()
    since = len(link.world.air.log)
    link.central.send_data(link.central_handle, b"hello from the central")
    assert link.peripheral.data() == b"hello from the central"
    link.peripheral.send_data(link.peripheral_handle, b"and from the peripheral")
    assert link.central.data() == b"and from the peripheral"
    encrypt(link, bytes(range(0x30, 0x40)))
    since_encryption = len(link.world.air.log)
    link.central.send_data(link.central_handle, b"confidential text")
    assert link.peripheral.data() == b"confidential text"
    assert not any(b"confident" in packet.pdu for packet in link.world.air.log[since_encryption:])
    link.world.run_for(SECOND)
    link.assert_alive()
    data = [packet for packet in link.world.air.log[since:] if not packet.is_advertisement]
    assert len({packet.frequency for packet in data}) > 20
    assert_spaces(link.world, since, at_least=30)
    link.central.command(0x0406, link.central_handle + b"\x13")
    assert link.peripheral.event(DISCONNECTED)[3] == 0x13


@pytest.mark.parametrize("drift", [-50_000, 50_000])
def test_clocks_that_differ_by_50_millionths_do_not_part_them(drift: int) -> None:
    link = pair_of_controllers(drift)
    link.world.run_for(2 * SECOND)
    link.assert_alive()


def test_what_is_lost_or_damaged_in_the_air_is_sent_again() -> None:
    link = pair_of_controllers()
    link.world.air.weather = Noise(5, loss=0.1, bit_errors=1e-3, jammed=frozenset(range(2404, 2420)))
    for number in range(20):
        link.central.send_data(link.central_handle, bytes((number,)) * 20)
        assert link.peripheral.data(4000) == bytes((number,)) * 20
    link.assert_alive()


@pytest.mark.parametrize("image", [controllers.UART, controllers.USB], ids=lambda i: i.package)
def test_damaged_packets_do_no_harm_where_they_are_decrypted(image: controllers.Image) -> None:
    world = World()
    (_, peripheral), (_, central) = (
        boot(world, name, image, address, seed)
        for seed, (name, address) in enumerate((("peripheral", NEAR), ("central", FAR))))
    link = connect(world, central, peripheral, NEAR)
    encrypt(link, bytes(16))
    world.air.weather = Noise(5, bit_errors=1e-3)
    for _ in range(3):
        # As many as the controller has room for.
        for number in range(7):
            central.send_data(link.central_handle, bytes((number,)) * 27)
        for number in range(7):
            assert peripheral.data(4000) == bytes((number,)) * 27
    link.assert_alive()


def test_packets_may_come_as_late_as_the_standard_lets_them() -> None:
    link, draw = pair_of_controllers(), random.Random(3)
    link.world.air.lateness = lambda _packet, _receiver: draw.randrange(2 * MICROSECOND)
    exchanged = len(link.world.air.log)
    link.world.run_for(SECOND)
    link.assert_alive()
    assert len(link.world.air.log) >= exchanged + 2 * 33


def test_answers_that_come_far_too_late_end_a_connection() -> None:
    link = pair_of_controllers()
    link.world.air.lateness = lambda packet, _receiver: 40 * MICROSECOND if packet.sender == "peripheral" else 0
    assert link.central.event(DISCONNECTED)[3] in (0x08, 0x3E)


def test_silence_ends_a_connection() -> None:
    link = pair_of_controllers()
    link.world.run_for(200 * MILLISECOND)
    link.world.air.weather = Noise(5, loss=1)
    for host in (link.central, link.peripheral):
        assert host.event(DISCONNECTED)[3] == 0x08


def test_the_same_seeds_give_the_same_run() -> None:
    runs = []
    for _ in range(2):
        link = pair_of_controllers()
        encrypt(link, bytes(16))
        link.world.run_for(300 * MILLISECOND)
        runs.append([
            (packet.sender, packet.start, packet.frequency, packet.address, packet.pdu) for packet in link.world.air.log])
    assert runs[0] == runs[1]


def test_it_makes_no_difference_how_time_is_cut() -> None:
    """Machines whose radios are off run ahead, as far as they are allowed to."""
    runs = []
    for piece in (100 * MILLISECOND, 137 * MICROSECOND):
        link = pair_of_controllers(20_000)
        busy = link.world.add("busy")
        busy.load(NEVER_SLEEPS, 0)
        busy.power_on()
        end = link.world.now + 200 * MILLISECOND
        while link.world.now < end:
            link.world.run_for(min(piece, end - link.world.now))
        runs.append([link.world.now, *(machine.core.instructions for machine in link.world.machines), *(
            (packet.sender, packet.start, packet.frequency, packet.pdu) for packet in link.world.air.log)])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("image", [controllers.USB, controllers.USB_OLD, controllers.USB_LONG], ids=lambda i: i.package)
def test_controllers_enumerate_and_answer_over_usb(image: controllers.Image) -> None:
    machine, host = boot(World(), "controller", image, NEAR, 1)
    device = host.usb.device  # type: ignore[attr-defined]
    assert (device.vendor, device.product) == (0x2FE3, 0x000B)
    features = int.from_bytes(host.command(0x2003), "little")
    assert features & 1 and bool(features >> 5 & 1) == (image is controllers.USB_LONG)
    assert machine.usb.statistics.packets_in > 0


def test_long_packets_and_two_megabits() -> None:
    world = World()
    (_, peripheral), (_, central) = (
        boot(world, name, controllers.USB_LONG, address, seed)
        for seed, (name, address) in enumerate((("peripheral", NEAR), ("central", FAR))))
    for host in (central, peripheral):
        host.command(0x2024, struct.pack("<HH", 251, 2120))
    link = connect(world, central, peripheral, NEAR)
    central.command(0x2022, link.central_handle + struct.pack("<HH", 251, 2120))
    assert struct.unpack("<HHHH", peripheral.le_event(DATA_LENGTH_CHANGE)[2:10])[::2] == (251, 251)
    central.send_data(link.central_handle, bytes(range(60)))
    assert peripheral.data() == bytes(range(60))
    central.command(0x2032, link.central_handle + b"\x00\x02\x02\x00\x00")
    assert peripheral.le_event(PHY_UPDATE)[0] == 0
    world.run_for(300 * MILLISECOND)
    since = len(world.air.log)
    # More than 60 bytes would overwrite the peripheral's memory on their way to its host, but in the air they are right.
    central.send_data(link.central_handle, bytes(251))
    world.run_for(200 * MILLISECOND)
    sent = [packet for packet in world.air.log[since:] if len(packet.pdu) == 2 + 251]
    assert sent and all(packet.phy is Phy.LE_2M for packet in sent)
    assert_spaces(world, since, at_least=5)
