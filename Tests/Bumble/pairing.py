"""Pairing, bonds and encryption (Protocols/gatt.md §2, Protocols/pairing-by-cable.md)."""
import asyncio
import pathlib
import random
import secrets

from bumble.core import ProtocolError
from bumble.crypto import aes_cmac
from bumble.device import Peer
from bumble.hci import HCI_Error
from bumble.keys import MemoryKeyStore
from bumble.l2cap import L2capError, LeCreditBasedChannelSpec
from bumble.pairing import PairingConfig, PairingDelegate

from carriers import GATTLink, PluggedCable
from frames import cable_secret, farewell, greeting, welcomed
from rig import PATIENCE
from settings import CABLE, CABLE_SECRET, CABLE_UNKNOWN, JUST_WORKS, PASSKEY, PLUGGED_CABLE, REFUSED, Setting, group

TESTS, test = group()

PSM = 0x80
SMP = 6
PASSKEY_SHORT = Setting(PASSKEY.options, acl_length=27)


class Keyboard(PairingDelegate):
    """A person who reads the board's display, or mistakes what is there by so much."""

    def __init__(self, board, mistake=0):
        super().__init__(PairingDelegate.KEYBOARD_INPUT_ONLY)
        self.board, self.mistake = board, mistake

    async def get_number(self):
        return (int(await self.board.line("passkey")) + self.mistake) % 1_000_000


class Cable(PairingDelegate):
    """A gateway that knows the secret: it types the passkey itself."""

    def __init__(self, secret, board_nonce, gateway_nonce):
        super().__init__(PairingDelegate.KEYBOARD_INPUT_ONLY)
        code = aes_cmac(b"fedbridge passkey" + board_nonce + gateway_nonce, secret)
        self.passkey = int.from_bytes(code, "big") % 1_000_000

    async def get_number(self):
        return self.passkey


async def exchange_nonces(connection, secret=CABLE_SECRET):
    client = Peer(connection).gatt_client
    board_nonce, gateway_nonce = await client.read_value(0x24), secrets.token_bytes(8)
    await client.write_value(0x24, gateway_nonce, with_response=True)
    return Cable(secret, board_nonce, gateway_nonce)


def pairs(central, delegate=None, bonding=True, secure=True):
    central.device.pairing_config_factory = lambda _: PairingConfig(
        sc=secure, mitm=delegate is not None, bonding=bonding,
        identity_address_type=PairingConfig.AddressType.RANDOM,
        delegate=delegate or PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT))


async def pair(central, board, connection):
    """Pairs; whether the key is an authenticated one."""
    await connection.pair()
    said = await board.line("paired")
    assert connection.is_encrypted
    return said == ", authenticated"


async def greet_over_channel(connection):
    channel = await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040))
    frames = asyncio.Queue()
    channel.sink = frames.put_nowait
    channel.write(greeting())
    assert await welcomed(frames)
    await channel.disconnect()


async def refuses_to_pair(connection):
    try:
        await connection.pair()
    except (ProtocolError, asyncio.CancelledError) as error:
        return error
    raise AssertionError("it paired")


async def refuses_channels(connection):
    try:
        await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1040))
    except (L2capError, ProtocolError):
        return
    raise AssertionError("the channel opened")


@test(REFUSED)
async def nobody_pairs_outside_the_window(central, board):
    pairs(central)
    async with central.connected() as connection:
        await refuses_to_pair(connection)
        await board.line("pairing refused: pairingNotSupported")
        await refuses_channels(connection)


@test(JUST_WORKS)
async def just_works_opens_both_carriers(central, board):
    pairs(central)
    async with central.connected() as connection:
        await refuses_channels(connection)
        assert not await pair(central, board, connection)
        await greet_over_channel(connection)
        link = await GATTLink(connection).open(247)
        assert await link.greeted(1)


@test(PASSKEY_SHORT)
async def a_passkey_is_read_off_the_board(central, board):
    pairs(central, Keyboard(board))
    async with central.connected() as connection:
        assert await pair(central, board, connection)
        await greet_over_channel(connection)


@test(PASSKEY)
async def a_wrong_passkey_fails_and_the_next_attempt_waits(central, board):
    pairs(central, Keyboard(board, mistake=1))
    async with central.connected() as connection:
        await refuses_to_pair(connection)
        await board.line("pairing failed")
        await refuses_channels(connection)
        await refuses_to_pair(connection)
        await board.line("pairing refused: repeatedAttempts")
        await asyncio.sleep(1.2)
        pairs(central, Keyboard(board))
        assert await pair(central, board, connection)


@test(CABLE)
async def a_cable_pairs_without_a_person(central, board):
    async with central.connected() as connection:
        pairs(central, await exchange_nonces(connection))
        assert await pair(central, board, connection)
        await greet_over_channel(connection)


@test(CABLE)
async def another_secret_and_old_nonces_do_not_pair(central, board):
    async with central.connected() as connection:
        pairs(central, await exchange_nonces(connection, secret=bytes(16)))
        await refuses_to_pair(connection)
        await board.line("pairing failed")
        await asyncio.sleep(1.2)
        # The nonces of that attempt serve no other one.
        await refuses_to_pair(connection)
        await board.line("pairing refused: outOfBandNotAvailable")
        pairs(central, await exchange_nonces(connection))
        assert await pair(central, board, connection)


async def would_pair_by_cable(connection):
    return bool((await Peer(connection).gatt_client.read_value(0x1D))[1] & 2)


@test(CABLE_UNKNOWN)
async def without_a_secret_nobody_pairs_by_cable(central, board):
    async with central.connected() as connection:
        assert not await would_pair_by_cable(connection)
        assert await Peer(connection).gatt_client.read_value(0x24) == b""
        pairs(central, Keyboard(board))
        await refuses_to_pair(connection)
        await board.line("pairing refused: pairingNotSupported")


@test(PLUGGED_CABLE)
async def a_secret_that_came_over_the_cable_serves_at_once_and_after_a_reset(central, board):
    async with central.connected() as connection:
        cable = PluggedCable(board)
        for number in 0, 2:
            # Another one takes its place.
            secret = bytes(16) if number == 0 else CABLE_SECRET
            assert await cable.greeted(number)
            cable.say(cable_secret(number + 1, secret, message=number // 2))
            async with asyncio.timeout(PATIENCE):
                while not await would_pair_by_cable(connection):
                    await asyncio.sleep(0.05)
        cable.say(farewell(9))
        cable.close()
        pairs(central, await exchange_nonces(connection))
        assert await pair(central, board, connection)
        # In the air it can be said as well, and is not taken.
        link = await GATTLink(connection).open(247)
        assert await link.greeted(10)
        await link.send(cable_secret(11, bytes(range(16))))
        await asyncio.sleep(0.3)
    await board.stop()
    await board.start()
    central.device.keystore = MemoryKeyStore()
    async with central.connected() as connection:
        pairs(central, await exchange_nonces(connection))
        assert await pair(central, board, connection)
        await greet_over_channel(connection)


@test(PASSKEY)
async def just_works_is_refused_where_a_proof_is_asked_for(central, board):
    pairs(central)
    async with central.connected() as connection:
        await refuses_to_pair(connection)
        await board.line("pairing refused: authenticationRequirements")


@test(JUST_WORKS)
async def legacy_pairing_is_refused(central, board):
    pairs(central, secure=False)
    async with central.connected() as connection:
        await refuses_to_pair(connection)
        await board.line("pairing refused: authenticationRequirements")


@test(PASSKEY)
async def a_bond_serves_again_also_after_a_reset_of_the_board(central, board):
    pairs(central, Keyboard(board))
    async with central.connected() as connection:
        await pair(central, board, connection)
    for restart in False, True:
        if restart:
            await board.stop()
            await board.start()
        async with central.connected() as connection:
            await refuses_channels(connection)
            await connection.encrypt()
            assert connection.is_encrypted
            assert await board.line("encrypted,") == "authenticated"
            await greet_over_channel(connection)


@test(JUST_WORKS)
async def a_bonded_peer_is_known_by_its_private_addresses(central, board):
    pairs(central)
    await central.hide()
    async with central.connected() as connection:
        await pair(central, board, connection)
    for _ in range(2):
        before = central.device.random_address
        await central.hide()
        assert central.device.random_address != before
        async with central.connected() as connection:
            await connection.encrypt()
            await greet_over_channel(connection)


@test(JUST_WORKS)
async def notifications_are_on_again_with_the_bond(central, board):
    pairs(central)
    async with central.connected() as connection:
        await pair(central, board, connection)
        assert await (await GATTLink(connection).open(100)).greeted(0)
    async with central.connected() as connection:
        link = GATTLink(connection)
        await link.peer.discover_services()
        for service in link.peer.services:
            await service.discover_characteristics()
        await connection.encrypt()
        # No word to the client configuration: what the board notifies comes all the same.
        link.peer.gatt_client.notification_subscribers.setdefault(0x21, set()).add(link.notified)
        assert await link.greeted(1)


@test(JUST_WORKS)
async def whoever_lost_the_bond_pairs_anew(central, board):
    pairs(central)
    async with central.connected() as connection:
        await pair(central, board, connection)
    central.device.keystore = MemoryKeyStore()
    async with central.connected() as connection:
        await pair(central, board, connection)
        await greet_over_channel(connection)


@test(JUST_WORKS)
async def a_key_that_the_board_does_not_have_is_no_key(central, board):
    pairs(central)
    async with central.connected() as connection:
        await pair(central, board, connection)
    (name, keys), = await central.device.keystore.get_all()
    await board.stop()
    (pathlib.Path(board.folder.name) / "flash").unlink()
    await board.start()
    async with central.connected() as connection:
        try:
            await connection.encrypt()
        except (HCI_Error, ProtocolError):
            pass
        assert not connection.is_encrypted
        await refuses_channels(connection)


@test(JUST_WORKS)
async def without_bonding_the_keys_end_with_the_connection(central, board):
    pairs(central, bonding=False)
    async with central.connected() as connection:
        await pair(central, board, connection)
        await greet_over_channel(connection)
    async with central.connected() as connection:
        await refuses_channels(connection)


@test(JUST_WORKS)
async def malformed_security_pdus_do_no_harm(central, board):
    generator = random.Random(9)
    async with central.connected() as connection:
        with central.raw(SMP):
            for _ in range(500):
                octets = generator.randbytes(generator.choice((0, 1, 2, 7, 8, 17, 65)))
                if octets and generator.random() < 0.8:
                    octets = bytes([generator.randint(1, 14)]) + octets[1:]
                connection.device.send_l2cap_pdu(connection.handle, SMP, octets)
            await asyncio.sleep(0.5)
    await board.stop()
    await board.start()
    pairs(central)
    async with central.connected() as connection:
        await pair(central, board, connection)
