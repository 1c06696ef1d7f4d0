"""The attribute table and the attribute server (Protocols/gatt.md §2 and §3)."""
import contextlib
import random
import struct

from bumble.core import UUID, AdvertisingData
from bumble.device import Peer
from bumble.hci import HCI_AclDataPacket

from rig import BOARD_ID
from settings import OPEN, OPEN_SHORT, REFUSED, group

TESTS, test = group()

ATT = 4
OWN = "88cb{:04x}-6dff-445c-9674-1a94cec12e53"
NAME = f"FedBridge {BOARD_ID:016X}"
TABLE = {
    "1800": {"2A00": 0x03, "2A01": 0x05, "2A04": 0x07},
    "1801": {"2A05": 0x0A, "2B29": 0x0D, "2B2A": 0x0F},
    "180A": {"2A29": 0x12, "2A24": 0x14, "2A25": 0x16, "2A26": 0x18, "2A27": 0x1A},
    OWN.format(1): {OWN.format(2): 0x1D, OWN.format(3): 0x1F, OWN.format(4): 0x21, OWN.format(5): 0x24},
}


class Client:
    """Attribute requests, written octet by octet."""

    def __init__(self, connection, received):
        self.connection, self.received = connection, received

    def send(self, *octets):
        self.connection.device.send_l2cap_pdu(self.connection.handle, ATT, bytes(octets))

    async def ask(self, *octets):
        self.send(*octets)
        return await self.received.next()

    async def refused(self, error, *octets, handle=0):
        answer = await self.ask(*octets)
        assert answer == struct.pack("<BBHB", 1, octets[0], handle, error), f"{bytes(octets).hex()}: {answer.hex()}"


@contextlib.asynccontextmanager
async def client(central):
    async with central.connected() as connection:
        with central.raw(ATT) as received:
            yield Client(connection, received)


@test(REFUSED)
async def the_board_says_what_it_is(central, board):
    seen = await central.found()
    if seen.data.get(AdvertisingData.COMPLETE_LOCAL_NAME) is None:
        seen = await central.found()
    data = seen.data
    assert data.get(AdvertisingData.FLAGS) == 6
    assert UUID(OWN.format(1)) in data.get(AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
    assert seen.is_connectable


@test(REFUSED)
async def the_table_is_that_of_the_specification(central, board):
    async with central.connected() as connection:
        peer = Peer(connection)
        await peer.discover_services()
        found = {}
        for service in peer.services:
            await service.discover_characteristics()
            found[service.uuid] = {c.uuid: c.handle for c in service.characteristics}
            for characteristic in service.characteristics:
                await characteristic.discover_descriptors()
        expected = {UUID(s): {UUID(c): h for c, h in cs.items()} for s, cs in TABLE.items()}
        assert found == expected, found
        configurations = [d.handle for s in peer.services for c in s.characteristics for d in c.descriptors
                          if d.type == UUID("2902")]
        assert configurations == [0x0B, 0x22], configurations


@test(OPEN_SHORT)
async def values_are_read_also_long_ones(central, board):
    async with central.connected() as connection:
        peer = Peer(connection)
        # At the smallest MTU the name takes two requests.
        assert await peer.gatt_client.read_value(0x03) == NAME.encode()
        assert await peer.gatt_client.read_value(0x16) == f"{BOARD_ID:016X}".encode()
        identity = await peer.gatt_client.read_value(0x1D)
        layout, flags, psm, number, oldest, newest, longest = struct.unpack("<BBHQBBH", identity)
        assert (layout, psm, number, oldest, newest, longest) == (1, 0x80, BOARD_ID, 1, 1, 1040), identity.hex()
        assert await peer.gatt_client.read_value(0x0F) == bytes.fromhex("efe2a28683ec09a21ccbdc3e2b0e2e34")[::-1]


@test()
async def mtu_is_agreed_between_23_and_517(central, board):
    for wanted, agreed in (23, 23), (24, 24), (100, 100), (247, 247), (517, 498):
        async with central.connected() as connection:
            assert await Peer(connection).request_mtu(wanted) == agreed


@test()
async def mtu_below_the_least_and_above_the_most(central, board):
    for wanted in 0, 22, 65535:
        async with client(central) as att:
            assert await att.ask(2, wanted & 255, wanted >> 8) == bytes([3, 0xF2, 1])
            # What is longer than the MTU never comes.
            assert len(await att.ask(0x0A, 3, 0)) == (23 if wanted < 100 else 27)
            await att.refused(6, 2, 100, 0)


@test()
async def refusals_name_their_reason(central, board):
    async with client(central) as att:
        await att.refused(0x01, 0x0A, 0, 0)
        await att.refused(0x01, 0x0A, 0x25, 0, handle=0x25)
        await att.refused(0x02, 0x0A, 0x1F, 0, handle=0x1F)
        await att.refused(0x03, 0x12, 0x03, 0, 1, handle=3)
        await att.refused(0x04, 0x0A, 1)
        await att.refused(0x04, 0x08, 1, 0, 2, 0, 3)
        await att.refused(0x06, 0x16, 0x22, 0, 0, 0, 1)
        await att.refused(0x06, 0x18, 1)
        await att.refused(0x06, 0x3E)
        await att.refused(0x07, 0x0C, 3, 0, 99, 0, handle=3)
        await att.refused(0x0A, 0x08, 1, 0, 255, 255, 0x34, 0x12, handle=1)
        await att.refused(0x0D, 0x12, 0x22, 0, 1, handle=0x22)
        await att.refused(0x10, 0x10, 1, 0, 255, 255, 0x03, 0x28, handle=1)
        await att.refused(0x13, 0x12, 0x24, 0, *range(8), handle=0x24)
        await att.refused(0xFD, 0x12, 0x22, 0, 2, 0, handle=0x22)


@test()
async def several_values_at_once(central, board):
    async with client(central) as att:
        assert await att.ask(0x0E, 5, 0, 0x22, 0) == bytes([0x0F, 0x40, 5, 0, 0])
        assert await att.ask(0x20, 5, 0, 0x22, 0) == bytes([0x21, 2, 0, 0x40, 5, 2, 0, 0, 0])


@test(REFUSED)
async def data_needs_encryption(central, board):
    async with client(central) as att:
        await att.refused(0x05, 0x12, 0x22, 0, 1, 0, handle=0x22)
        # The other configuration is open to all.
        assert await att.ask(0x12, 0x0B, 0, 2, 0) == bytes([0x13])


@test()
async def malformed_pdus_do_no_harm(central, board):
    generator = random.Random(6)
    async with client(central) as att:
        for _ in range(3000):
            att.send(*generator.randbytes(generator.randint(0, 60)))
        # Commands are not answered; of the rest, what was answered is of no interest.
        att.send(0xD2, 1, 2)
    async with client(central) as att:
        assert await att.ask(0x0A, 5, 0) == bytes([0x0B, 0x40, 5])


@test()
async def unknown_channels_and_broken_headers_do_no_harm(central, board):
    generator = random.Random(7)
    async with client(central) as att:
        for cid in (0, 1, 2, 3, 7, 0x3F, 0x40, 0x41, 0x7F, 0xFFFF):
            att.connection.device.send_l2cap_pdu(att.connection.handle, cid, generator.randbytes(40))
        assert await att.ask(0x0A, 5, 0) == bytes([0x0B, 0x40, 5])
        # Fragments that fit together by chance only, given to the board as its controller gives them.
        for peer in list(board.controller.le_connections.values()):
            for _ in range(1000):
                data = generator.randbytes(generator.randint(0, 27))
                board.controller.send_hci_packet(HCI_AclDataPacket(
                    connection_handle=peer.handle, pb_flag=generator.randint(0, 3), bc_flag=0,
                    data_total_length=len(data), data=data))
    async with client(central) as att:
        assert await att.ask(0x0A, 5, 0) == bytes([0x0B, 0x40, 5])
