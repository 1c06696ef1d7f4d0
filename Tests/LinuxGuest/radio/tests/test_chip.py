"""Controllers and the air between them, with Bumble's host above both."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from bumble import hci
from bumble.device import Advertisement, AdvertisingType, Connection, Device, DeviceConfiguration
from bumble.hci import Address, OwnAddressType
from bumble.host import Host

from ..air import Air
from ..chip import Chip

CENTRAL, BOARD = "C0:FF:EE:00:00:01", "F0:0D:00:00:00:01"
ADVERTISED, SCANNED = b"\x02\x01\x06", b"\x05\x09name"
TIMEOUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


class Pair:
    """A central, and a peripheral that advertises."""

    def __init__(self) -> None:
        self.air = Air()
        self.near, self.far = Chip("near", self.air, CENTRAL), Chip("far", self.air, "C0:FF:EE:00:01:01")
        self.central, self.board = (
            Device(config=DeviceConfiguration(name=chip.name, address=Address(address)), host=Host(chip, chip))
            for chip, address in ((self.near, "F5:F4:F3:F2:F1:F0"), (self.far, BOARD)))

    async def advertise(self) -> None:
        self.board.advertising_data, self.board.scan_response_data = ADVERTISED, SCANNED
        await self.board.start_advertising(
            AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE, own_address_type=OwnAddressType.RANDOM,
            advertising_interval_min=20, advertising_interval_max=20)

    async def connect(self) -> tuple[Connection, asyncio.Queue[int]]:
        """The connection, and the reasons for which its ends end."""
        ends: asyncio.Queue[int] = asyncio.Queue()
        connections: asyncio.Queue[Connection] = asyncio.Queue()
        self.board.once("connection", connections.put_nowait)
        connection = await self.central.connect(Address(BOARD), timeout=5)
        for each in (connection, await connections.get()):
            each.on("disconnection", ends.put_nowait)
        return connection, ends


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    await made.central.power_on()
    await made.board.power_on()
    await made.advertise()
    async with asyncio.timeout(20):
        yield made


async def found(pair: Pair, active: bool) -> Advertisement:
    seen: asyncio.Queue[Advertisement] = asyncio.Queue()
    pair.central.on("advertisement", seen.put_nowait)
    await pair.central.start_scanning(active=active, filter_duplicates=False)
    for _ in range(3):
        advertisement = await seen.get()
    await pair.central.stop_scanning()
    return advertisement


async def test_only_who_asks_is_told_the_scan_response() -> None:
    async with pair() as both:
        both.far.signal = -77
        passive = await found(both, active=False)
        assert (passive.data_bytes, passive.rssi) == (ADVERTISED, -77)
        assert SCANNED in (await found(both, active=True)).data_bytes


async def test_a_connection_that_is_given_up_makes_room_for_the_next() -> None:
    async with pair() as both:
        both.far.in_range = False
        with contextlib.suppress(Exception):
            await both.central.connect(Address(BOARD), timeout=0.2)
        assert both.near.pending_le_connection is None
        both.far.in_range = True
        await both.connect()


async def test_ends_that_do_not_hear_each_other_lose_the_connection_in_their_time() -> None:
    async with pair() as both:
        connection, ends = await both.connect()
        timeout = connection.parameters.supervision_timeout / 1000
        # Shorter than that, and nobody notices.
        both.far.in_range = False
        await asyncio.sleep(timeout / 4)
        both.far.in_range = True
        await asyncio.sleep(timeout)
        assert ends.empty()
        begun = time.monotonic()
        both.far.in_range = False
        assert [await ends.get(), await ends.get()] == [TIMEOUT, TIMEOUT]
        assert time.monotonic() - begun >= timeout * 0.95
        assert not both.near.le_connections and not both.far.le_connections


async def test_a_reset_is_noticed_by_the_other_end_only() -> None:
    async with pair() as both:
        _, ends = await both.connect()
        both.far.forget_everything()
        assert await ends.get() == TIMEOUT
        assert ends.empty()


async def test_data_keep_the_pace_and_wait_for_who_is_away() -> None:
    async with pair() as both:
        connection, _ = await both.connect()
        received: list[bytes] = []
        manager = both.board.l2cap_channel_manager
        manager.on_pdu = lambda connection, cid, pdu: received.append(bytes(pdu))
        both.air.pace = 20_000
        sent = [bytes([number]) * 196 for number in range(20)]
        begun = time.monotonic()
        for pdu in sent:
            both.central.send_l2cap_pdu(connection.handle, 0x3F, pdu)
        while len(received) < 10:
            await asyncio.sleep(0.005)
        both.far.in_range = False
        held = len(received)
        await asyncio.sleep(0.1)
        assert len(received) <= held + 1
        both.far.in_range = True
        while len(received) < len(sent):
            await asyncio.sleep(0.005)
        assert received == sent
        # 20 packets of 200 octets, the first of which need not wait.
        assert time.monotonic() - begun >= 19 * 200 / 20_000
