"""Signalling and credit-based channels (Protocols/gatt.md §4)."""
import asyncio
import contextlib
import random
import struct

from bumble.l2cap import L2capError, LeCreditBasedChannelSpec

from frames import greeting, is_welcome, welcomed
from rig import PATIENCE
from settings import OPEN, OPEN_SHORT, REFUSED, group

TESTS, test = group()

SIGNALLING = 5
PSM = 0x80


class Signaller:
    """Signalling commands, written octet by octet."""

    def __init__(self, connection, received):
        self.connection, self.received = connection, received

    def send(self, code, identifier, data):
        self.raw(SIGNALLING, struct.pack("<BBH", code, identifier, len(data)) + data)

    def raw(self, cid, octets):
        self.connection.device.send_l2cap_pdu(self.connection.handle, cid, octets)

    async def answer(self, identifier):
        """The answer with this identifier; the board's own wishes are passed over."""
        while True:
            command = await self.received.next()
            if command[1] == identifier and command[0] in (0x01, 0x07, 0x15):
                return command[0], command[4:]

    async def open(self, identifier=7, psm=PSM, source=0x50, mtu=1040, mps=100, credits=100):
        self.send(0x14, identifier, struct.pack("<HHHHH", psm, source, mtu, mps, credits))
        code, data = await self.answer(identifier)
        assert code == 0x15, code
        return struct.unpack("<HHHHH", data)


@contextlib.asynccontextmanager
async def signaller(central):
    async with central.connected() as connection:
        with central.raw(SIGNALLING) as received:
            yield Signaller(connection, received)


@test()
async def a_channel_opens_and_opens_again(central, board):
    async with signaller(central) as l2cap:
        for turn in range(1, 4):
            local, mtu, mps, credits, result = await l2cap.open(turn)
            assert (local, mtu, mps, result) == (0x40, 1040, 498, 0) and credits > 0
            l2cap.send(0x06, 99, struct.pack("<HH", 0x40, 0x50))
            assert await l2cap.answer(99) == (0x07, struct.pack("<HH", 0x40, 0x50))


@test()
async def channels_are_refused_with_their_reason(central, board):
    async with signaller(central) as l2cap:
        for reason, wrong in (2, {"psm": 0x81}), (9, {"source": 0x20}), (9, {"source": 0x1000}), (11, {"mtu": 100}), (
                11, {"mps": 22}):
            assert (await l2cap.open(**wrong))[4] == reason, wrong
        assert (await l2cap.open())[4] == 0
        assert (await l2cap.open())[4] == 10
        assert (await l2cap.open(source=0x51))[4] == 4


@test(REFUSED)
async def a_channel_needs_encryption(central, board):
    async with signaller(central) as l2cap:
        assert (await l2cap.open())[4] == 5
    async with central.connected() as connection:
        try:
            await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM))
        except L2capError:
            return
        raise AssertionError("the channel opened")


@test()
async def commands_that_are_not_known_are_rejected(central, board):
    async with signaller(central) as l2cap:
        for code in (0x02, 0x08, 0x0A, 0x0C, 0x12, 0x17, 0x19, 0x42, 0xFF):
            l2cap.send(code, 5, bytes(8))
            assert await l2cap.answer(5) == (1, b"\0\0"), code
        l2cap.send(0x06, 6, struct.pack("<HH", 0x41, 0x50))
        assert await l2cap.answer(6) == (1, struct.pack("<HHH", 2, 0x41, 0x50))


@test(OPEN_SHORT)
async def a_session_opens_over_the_channel(central, board):
    async with central.connected() as connection:
        channel = await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040, mps=64))
        frames = asyncio.Queue()
        channel.sink = frames.put_nowait
        for number in range(20):
            channel.write(greeting(number))
            assert await welcomed(frames)
        await channel.disconnect()
        # And over another one.
        channel = await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040, mps=64))
        channel.sink = frames.put_nowait
        channel.write(greeting(99))
        assert await welcomed(frames)


@test()
async def nothing_is_sent_without_credit(central, board):
    async with signaller(central) as l2cap:
        with central.raw(0x50) as data:
            # A welcome takes more than two segments of 23 octets.
            await l2cap.open(mps=23, credits=2)
            hello = greeting()
            l2cap.raw(0x40, struct.pack("<H", len(hello)) + hello)
            first = [await data.next(), await data.next()]
            await asyncio.sleep(0.3)
            assert data.queue.empty()
            length = struct.unpack("<H", first[0][:2])[0]
            segments = b"".join(first)[2:]
            while len(segments) < length:
                l2cap.send(0x16, 8, struct.pack("<HH", 0x50, 1))
                segments += await data.next()
            assert is_welcome(segments)


@test()
async def segments_without_credit_end_the_channel(central, board):
    async with signaller(central) as l2cap:
        await l2cap.open()
        l2cap.raw(0x40, struct.pack("<H", 1040))
        # Far more than it can have given by then: it reads many of them before it has its next word.
        for _ in range(1000):
            l2cap.raw(0x40, b"")
        while (command := await l2cap.received.next())[0] != 0x06:
            assert command[0] in (0x12, 0x16)


@test()
async def rules_that_are_broken_end_the_channel(central, board):
    async with signaller(central) as l2cap:
        for segment in (struct.pack("<H", 1041), struct.pack("<HBB", 1, 2, 3), b"\1", struct.pack("<H", 1000) + bytes(497)):
            assert (await l2cap.open())[4] == 0
            l2cap.raw(0x40, segment)
            while (command := await l2cap.received.next())[0] != 0x06:
                assert command[0] == 0x12
            assert command[4:] == struct.pack("<HH", 0x50, 0x40)
            l2cap.send(0x07, command[1], command[4:])
        assert (await l2cap.open(credits=65535))[4] == 0
        l2cap.send(0x16, 3, struct.pack("<HH", 0x50, 65535))
        while (command := await l2cap.received.next())[0] != 0x06:
            pass


@test()
async def malformed_commands_and_segments_do_no_harm(central, board):
    generator = random.Random(8)
    async with signaller(central) as l2cap:
        for _ in range(2000):
            cid = generator.choice((SIGNALLING, SIGNALLING, 0x40))
            octets = generator.randbytes(generator.randint(0, 40))
            if cid == SIGNALLING and generator.random() < 0.7:
                data = octets[:generator.choice((0, 2, 4, 8, 10))]
                octets = struct.pack("<BBH", generator.randint(0, 0x20), 1, len(data)) + data
            l2cap.raw(cid, octets)
    async with signaller(central) as l2cap:
        assert (await l2cap.open())[4] == 0
