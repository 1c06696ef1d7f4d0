"""A conversation of two controllers, led by a host on each side."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from nrf52840 import World

from . import controllers
from .controllers import boot
from .hci import Host

NEAR, FAR = bytes.fromhex("0102030405c6"), bytes.fromhex("1112131415d6")
ADVERTISED = bytes.fromhex("020106") + b"\x05\x09node"
CONNECTION_COMPLETE, ADVERTISING_REPORT, LONG_TERM_KEY_REQUEST, DATA_LENGTH_CHANGE, PHY_UPDATE = 1, 2, 5, 7, 0x0C
DISCONNECTED, ENCRYPTION_CHANGE, KEY_REFRESHED = 0x05, 0x08, 0x30


@dataclass
class Link:
    """A central and a peripheral that are connected."""

    world: World
    central: Host
    peripheral: Host
    central_handle: bytes
    peripheral_handle: bytes

    def assert_alive(self) -> None:
        self.central.poll()
        self.peripheral.poll()
        lost = bytes((4, DISCONNECTED))
        assert not [packet for host in (self.central, self.peripheral) for packet in host.packets if packet[:2] == lost]


def advertise(host: Host) -> None:
    host.command(0x2006, struct.pack("<HHBBB6xBB", 0x30, 0x30, 0, 1, 0, 7, 0))
    host.command(0x2008, bytes((len(ADVERTISED),)) + ADVERTISED.ljust(31, b"\0"))
    host.command(0x200A, b"\x01")


def connect(world: World, central: Host, peripheral: Host, peer: bytes, limit: int = 3000) -> Link:
    """With an interval of 30 ms, and a supervision timeout of 420 ms as Linux has it."""
    advertise(peripheral)
    central.command(
        0x200D, struct.pack("<HHBB6sBHHHHHH", 0x60, 0x60, 0, 1, peer, 1, 24, 24, 0, 42, 0, 0))
    ends = [host.le_event(CONNECTION_COMPLETE, limit) for host in (central, peripheral)]
    assert [end[0] for end in ends] == [0, 0]
    return Link(world, central, peripheral, ends[0][1:3], ends[1][1:3])


def pair_of_controllers(drift: int = 0) -> Link:
    world = World()
    _, peripheral = boot(world, "peripheral", controllers.UART, NEAR, 1)
    _, central = boot(world, "central", controllers.UART, FAR, 2)
    world.machines[0].drift = drift
    return connect(world, central, peripheral, NEAR)


def encrypt(link: Link, key: bytes) -> None:
    link.central.command(0x2019, link.central_handle + bytes(10) + key)
    assert link.peripheral.le_event(LONG_TERM_KEY_REQUEST)[:2] == link.peripheral_handle
    link.peripheral.command(0x201A, link.peripheral_handle + key)
    for host in (link.central, link.peripheral):
        changed = host.event(ENCRYPTION_CHANGE)
        assert (changed[0], changed[3]) == (0, 1)


def refresh(link: Link, key: bytes) -> None:
    """Encryption pauses and begins anew, with a key of its own."""
    link.central.command(0x2019, link.central_handle + bytes(10) + key)
    assert link.peripheral.le_event(LONG_TERM_KEY_REQUEST)[:2] == link.peripheral_handle
    link.peripheral.command(0x201A, link.peripheral_handle + key)
    for host in (link.central, link.peripheral):
        assert host.event(KEY_REFRESHED)[0] == 0
