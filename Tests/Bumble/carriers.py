"""Frames over GATT, and which carrier they travel over (Protocols/gatt.md §5 and §6)."""
import asyncio
import os
import pathlib

from bumble.device import Peer
from bumble.l2cap import LeCreditBasedChannelSpec

from frames import Fragments, farewell, greeting, is_welcome, no_welcome, stuffed, unstuffed, welcomed
from rig import PATIENCE, lose_link
from settings import OPEN_SHORT, PLUGGED, group

TESTS, test = group()

RECEIVE = 0x1F
PSM = 0x80
TRANSMIT = "88cb0004-6dff-445c-9674-1a94cec12e53"


class GATTLink:
    """A gateway's end of the GATT carrier."""

    def __init__(self, connection):
        self.peer = Peer(connection)
        self.sender, self.receiver = Fragments(), Fragments()
        self.frames, self.longest = asyncio.Queue(), 0

    async def open(self, mtu=None):
        if mtu:
            await self.peer.request_mtu(mtu)
        await self.peer.discover_services()
        for service in self.peer.services:
            await service.discover_characteristics()
        transmit = self.peer.get_characteristics_by_uuid(TRANSMIT)[0]
        await transmit.subscribe(self.notified)
        return self

    def notified(self, value):
        self.longest = max(self.longest, len(value))
        if (frame := self.receiver.take(bytes(value))) is not None:
            self.frames.put_nowait(frame)

    async def send(self, frame):
        for fragment in self.sender.cut(frame, self.peer.connection.att_mtu - 3):
            await self.peer.gatt_client.write_value(RECEIVE, fragment, with_response=False)

    async def greeted(self, number):
        await self.send(greeting(number))
        return await welcomed(self.frames)


@test(OPEN_SHORT)
async def a_session_opens_over_gatt(central, board):
    for mtu in None, 23, 50, 247, 517:
        async with central.connected() as connection:
            link = await GATTLink(connection).open(mtu)
            for number in range(5):
                assert await link.greeted(number)
            assert link.longest <= connection.att_mtu - 3


@test()
async def a_lost_fragment_costs_one_frame(central, board):
    async with central.connected() as connection:
        link = await GATTLink(connection).open()
        for number in range(0, 20, 2):
            fragments = list(link.sender.cut(greeting(number), 20))
            del fragments[number % len(fragments)]
            for fragment in fragments:
                await link.peer.gatt_client.write_value(RECEIVE, fragment, with_response=False)
            assert await link.greeted(number + 1)
            assert no_welcome(link.frames)


@test()
async def the_channel_wins_and_gatt_comes_back(central, board):
    async with central.connected() as connection:
        link = await GATTLink(connection).open(247)
        assert await link.greeted(0)
        channel = await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040))
        frames = asyncio.Queue()
        channel.sink = frames.put_nowait
        # What is written meanwhile is not heard.
        await link.send(greeting(1))
        channel.write(greeting(2))
        assert await welcomed(frames)
        await asyncio.sleep(0.2)
        assert no_welcome(link.frames) and no_welcome(frames)
        await channel.disconnect()
        # The counter of the new carrier begins anew.
        link.sender, link.receiver = Fragments(), Fragments()
        assert await link.greeted(3)


@test()
async def the_board_is_silent_until_it_is_greeted(central, board):
    async with central.connected() as connection:
        link = await GATTLink(connection).open(247)
        await asyncio.sleep(0.5)
        assert link.frames.empty() and link.longest == 0


@test()
async def the_board_is_found_again_after_the_link_was_lost(central, board):
    for _ in range(3):
        async with central.connected() as connection:
            link = await GATTLink(connection).open()
            assert await link.greeted(0)
            await lose_link(central, board)
            await asyncio.sleep(0)


class PluggedCable:
    """The other end of the board's pseudo-terminal."""

    def __init__(self, board):
        self.descriptor = os.open(pathlib.Path(board.folder.name) / "cable", os.O_RDWR | os.O_NOCTTY)
        self.read = b""
        self.arrived = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.descriptor, self.readable)

    def readable(self):
        self.read += os.read(self.descriptor, 4096)
        self.arrived.set()

    async def greeted(self, number):
        os.write(self.descriptor, b"\0" + stuffed(greeting(number)))
        async with asyncio.timeout(PATIENCE):
            while True:
                while b"\0" in self.read:
                    frame, self.read = self.read.split(b"\0", 1)
                    if is_welcome(unstuffed(frame)):
                        return True
                self.arrived.clear()
                await self.arrived.wait()

    def say(self, frame):
        os.write(self.descriptor, stuffed(frame))

    def close(self):
        asyncio.get_running_loop().remove_reader(self.descriptor)
        os.close(self.descriptor)


@test(PLUGGED)
async def the_cable_wins_over_the_air_until_it_is_pulled(central, board):
    async with central.connected() as connection:
        link = await GATTLink(connection).open(247)
        assert await link.greeted(0)
        cable = PluggedCable(board)
        assert await cable.greeted(1)
        # While the session on the cable lives, the air is not heard.
        await link.send(greeting(2))
        await asyncio.sleep(0.3)
        assert no_welcome(link.frames)
        assert await cable.greeted(3)
        # A session that ends in good order makes way.
        cable.say(farewell(4))
        await asyncio.sleep(0.3)
        assert await link.greeted(5)
        assert await cable.greeted(6)
        cable.close()
        if not board.notices_pulled_cables:
            return
        # So does a cable that is pulled.
        await asyncio.sleep(0.3)
        assert await link.greeted(7)
