"""Bumble's host above the central's controller: pairing and channels by code that we did not write, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bumble.crypto import aes_cmac
from bumble.device import Connection, Device, DeviceConfiguration, Peer
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import StreamPacketSource
from nrf52840 import MILLISECOND, World
from peers.hci import Host as Controller

from .air_peers import ADDRESS, CENTRAL, Meeting

Result = TypeVar("Result")
#: Handle of the nonces' characteristic (Protocols/gatt.md, section 2).
NONCES = 0x24


def text(address: bytes) -> Address:
    return Address(":".join(f"{octet:02X}" for octet in reversed(address)))


class Wire:
    """What Bumble says to a controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def on_packet(self, packet: bytes) -> None:
        self._controller.send(bytes(packet))


class Cable(PairingDelegate):
    """A gateway that knows the secret (Protocols/pairing-by-cable.md)."""

    def __init__(self, secret: bytes, board_nonce: bytes, gateway_nonce: bytes) -> None:
        super().__init__(PairingDelegate.KEYBOARD_INPUT_ONLY)
        code = aes_cmac(b"fedbridge passkey" + board_nonce + gateway_nonce, secret)
        self._passkey = int.from_bytes(code, "big") % 1_000_000

    async def get_number(self) -> int:
        return self._passkey


class Central:
    """A gateway's host. Nothing happens but in `until`."""

    def __init__(self, meeting: Meeting, keys: KeyStore | None = None) -> None:
        self._world: World = meeting.world
        self._controller = meeting.central
        self._source = StreamPacketSource()
        self.device = Device(
            config=DeviceConfiguration(name="gateway", address=text(CENTRAL)),
            host=Host(self._source, Wire(self._controller)))
        self.device.keystore = keys or MemoryKeyStore()

    async def until(self, awaited: Awaitable[Result], limit: int = 30_000) -> Result:
        """Lets the world go on until something is done, at most so many milliseconds."""
        task = asyncio.ensure_future(awaited)
        for _ in range(limit):
            for _ in range(10):
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            self._world.run_for(MILLISECOND)
            self._controller.poll()
            while self._controller.packets:
                self._source.data_received(self._controller.packets.pop(0))
        task.cancel()
        raise TimeoutError(f"not within {limit} ms")

    async def connect(self) -> Connection:
        return await self.until(self.device.connect(text(ADDRESS)))

    async def pair(self, connection: Connection, secret: bytes) -> None:
        """As a gateway that left its secret over the cable."""
        client = Peer(connection).gatt_client
        gateway_nonce = bytes(range(8))
        board_nonce = await self.until(client.read_value(NONCES))
        await self.until(client.write_value(NONCES, gateway_nonce, with_response=True))
        delegate = Cable(secret, board_nonce, gateway_nonce)
        self.device.pairing_config_factory = lambda _: PairingConfig(
            sc=True, mitm=True, bonding=True, identity_address_type=PairingConfig.AddressType.RANDOM,
            delegate=delegate)
        await self.until(connection.pair())
