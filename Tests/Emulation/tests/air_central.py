"""The board's image in the air, and the central of our own."""

from __future__ import annotations

import asyncio
import functools

from bumble.device import Connection
from bumble.keys import MemoryKeyStore, PairingKeys
from nrf52840 import Flash
from nrf52840.link_layer import CONTROL
from nrf52840.listener import Listener
from peers import controllers
from peers.central import Controller

from .air_bumble import Central
from .air_peers import CENTRAL, ENCRYPTION_CHANGE, Meeting, by_board
from .board import END

SECRET = bytes(range(0x40, 0x50))


class Encounter(Meeting):
    """As with a prebuilt central. Ours can do wrong too, and the keys that it has are kept."""

    central: Controller

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.keys: list[bytes] = []

    def _meet(self, image: controllers.Image) -> Controller:
        central = Controller("central", self.world, 2)
        controllers.prepare(central, CENTRAL)
        return central

    def encrypt(self, key: bytes) -> None:
        """With a key of the board's, as HCI has it."""
        self.keys.append(key)
        self.central.command(0x2019, self.handle + bytes(10) + key)
        changed = self.central.event(ENCRYPTION_CHANGE)
        assert (changed[0], changed[3]) == (0, 1)

    def control(self, since: int = 0) -> list[bytes]:
        """Control PDUs that the board has sent, opcode first."""
        listener = Listener(self.keys)
        heard = [listener.hear(packet) for packet in self.world.air.log]
        return [
            each.pdu[2:] for each in heard[since:]
            if each.connection is not None and by_board(each.packet) and each.is_new and each.pdu[0] & 3 == CONTROL]


async def paired(**options: object) -> tuple[Encounter, Central, Connection]:
    """A board and a gateway that left it a secret over a cable, and paired by it."""
    meeting = Encounter(**options)
    meeting.leave_secret(SECRET)
    central = Central(meeting)
    await central.until(central.device.power_on())
    connection = await central.connect()
    await central.pair(connection, SECRET)
    meeting.keys.append(long_term_key(await keys_of(central)))
    return meeting, central, connection


async def keys_of(central: Central) -> PairingKeys:
    keystore = central.device.keystore
    assert isinstance(keystore, MemoryKeyStore)
    return (await keystore.get_all())[0][1]


def long_term_key(keys: PairingKeys) -> bytes:
    assert keys.ltk is not None
    return bytes(keys.ltk.value)


@functools.cache
def _bonded() -> tuple[bytes, bytes]:
    meeting, central, connection = asyncio.run(paired())
    # The board keeps a bond when it has time for it.
    meeting.run(500)
    return meeting.board.flash.read(0, END), meeting.keys[0]


def bonded() -> tuple[Encounter, bytes]:
    """A board that has paired before, and the long-term key."""
    content, key = _bonded()
    flash = Flash(END)
    flash.load(0, content)
    return Encounter(flash=flash), key
