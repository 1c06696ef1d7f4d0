"""Boards before BlueZ and its own tools, without a gateway."""

from __future__ import annotations

import asyncio
import struct

from radio import AirBoard

from .air_desk import AirDesk
from .bluez import SERVICE, Answer, Bluetoothctl, l2cap
from .reference import identity

READ, READ_LONG, WRITE, COMMAND = "0a", "0c", "12", "52"
NAME, SERIAL, IDENTITY, RECEIVE, CONFIGURATION, UNKNOWN = "0300", "1600", "1d00", "1f00", "2200", "5000"


async def paired(tool: Bluetoothctl, board: AirBoard) -> None:
    """Finds the board and pairs with it; nobody is asked anything."""
    await tool.find(board.address)
    await tool.ask(f"pair {board.address}", "Pairing successful")
    await board.line("paired")


async def connected(tool: Bluetoothctl, board: AirBoard) -> None:
    """Connects by the bond that there is, and waits until it has encrypted the connection.

    Not left to who opens a channel: a request for one that crosses bluetoothd's own encryption is refused when the link is
    encrypted already, from which Linux concludes that an encrypted link does not suffice, and pairs anew."""
    said = len(board.program.lines)
    await tool.ask(f"connect {board.address}", "Connection successful")
    await board.line("encrypted", said)
    assert not [line for line in board.program.lines[said:] if line.startswith("pair")]


async def channel(desk: AirDesk, board: AirBoard, *words: str) -> Answer:
    return await l2cap(desk.guest, "channel", board.address, *words)


async def gone(desk: AirDesk, board: AirBoard) -> None:
    """Waits until nobody is connected to the board and BlueZ knows that too."""
    await board.until_advertising()
    await desk.eventually(f"! bluetoothctl info {board.address} | grep -q 'Connected: yes'")


async def test_a_board_is_found_by_its_service_and_its_name(air_desk: AirDesk) -> None:
    one, other = await air_desk.air_board(1, pairing="refused"), await air_desk.air_board(2)
    other.chip.signal = -81
    async with air_desk.bluetoothctl() as tool:
        tool.say("menu scan")
        tool.say(f"uuids {SERVICE}")
        tool.say("back")
        tool.say("scan on")
        for board, signal in (one, -50), (other, -81):
            await air_desk.eventually(f"bluetoothctl info {board.address} | grep -q 'Name: FedBridge {board.serial}'")
            await tool.ask(f"info {board.address}", SERVICE)
            await tool.expect(f"RSSI: {signal}")


async def test_just_works_opens_the_channel(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        assert board.program.lines[-1] == "paired"
    opened = await channel(air_desk, board)
    assert opened.error is None and opened.facts["mtu"] == 1040


async def test_a_passkey_is_read_off_the_board_and_typed(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="passkey")
    async with air_desk.bluetoothctl() as tool:
        await tool.find(board.address)
        await tool.ask(f"pair {board.address}", "Enter passkey")
        tool.say(await board.line("passkey"))
        await tool.expect("Pairing successful")
        assert await board.line("paired") == ", authenticated"


async def test_a_wrong_passkey_pairs_nobody(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="passkey")
    async with air_desk.bluetoothctl() as tool:
        await tool.find(board.address)
        await tool.ask(f"pair {board.address}", "Enter passkey")
        tool.say(str((int(await board.line("passkey")) + 1) % 1_000_000))
        await tool.expect("Failed to pair: .*AuthenticationFailed")
        await board.line("pairing failed")
        await tool.ask(f"info {board.address}", "Paired: no")


async def test_a_board_that_refuses_is_not_paired_and_opens_nothing(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="refused")
    async with air_desk.bluetoothctl() as tool:
        await tool.find(board.address)
        await tool.ask(f"pair {board.address}", "Failed to pair: .*Authentication")
        await board.line("pairing refused: pairingNotSupported")
    assert (await channel(air_desk, board)).error is not None


async def test_a_bond_serves_after_a_reconnection_and_a_reset_of_the_board(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        for reset in False, True:
            await tool.ask(f"disconnect {board.address}", "Successful disconnected")
            if reset:
                await board.reset()
            await board.until_advertising()
            await connected(tool, board)
            assert (await channel(air_desk, board)).error is None


async def test_a_board_that_lost_its_bond_is_not_taken_for_what_it_was(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        await board.wipe()
        await gone(air_desk, board)
        said = len(board.program.lines)
        assert (await channel(air_desk, board)).error is not None
        assert not [line for line in board.program.lines[said:] if line.startswith("encrypted")]
        # Both forget, and it is as before.
        await tool.ask(f"remove {board.address}", "Device has been removed")
        await paired(tool, board)
    assert (await channel(air_desk, board)).error is None


async def test_values_are_read_through_bluetoothd(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        tool.say("menu gatt")
        identified = struct.pack("<BBHQ", 1, 1, 0x80, identity(1))
        for uuid, value in [
                ("00002a25-0000-1000-8000-00805f9b34fb", board.serial.encode()),
                ("88cb0002-6dff-445c-9674-1a94cec12e53", identified)]:
            await tool.ask(f"select-attribute {uuid}", r"char[0-9a-f]{4}\]")
            await tool.ask("read", value.hex(" "))


async def test_attributes_keep_to_the_table_before_anybody_paired(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="refused")
    answer = await l2cap(
        air_desk.guest, "att", board.address, READ + NAME, READ_LONG + NAME + "1600", READ + SERIAL, READ + UNKNOWN,
        READ + RECEIVE, COMMAND + RECEIVE + "00aa", WRITE + CONFIGURATION + "0100", READ + IDENTITY)
    assert answer.error is None
    name, rest, serial, unknown, unreadable, unpaired, identified = answer.replies
    assert (name[1:] + rest[1:]).decode() == f"FedBridge {board.serial}"
    assert serial[1:].decode() == board.serial
    assert unknown == bytes.fromhex("010a500001")
    assert unreadable == bytes.fromhex("010a1f0002")
    assert unpaired == bytes.fromhex("0112220005")
    assert identified[1:13] == struct.pack("<BBHQ", 1, identified[2], 0x80, identity(1))


async def test_links_are_lost_and_the_board_is_there_again(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        board.lose_link()
        await gone(air_desk, board)
        await connected(tool, board)
        # In the middle of a transfer, with the board carried away this time; it notices as well.
        air_desk.radio.air.pace = 20_000
        before = board.chip.received
        transfer = asyncio.create_task(channel(air_desk, board, "--flood", "1000000"))
        async with asyncio.timeout(60):
            while board.chip.received < before + 20_000:
                await asyncio.sleep(0.05)
        board.in_range = False
        assert (await transfer).error == "ETIMEDOUT"
        assert not board.is_connected
        air_desk.radio.air.pace = None
        board.in_range = True
        await gone(air_desk, board)
        await connected(tool, board)
        assert (await channel(air_desk, board)).error is None


async def test_an_adapter_goes_and_comes_back(air_desk: AirDesk) -> None:
    board, adapter = await air_desk.air_board(1), air_desk.adapter
    async with air_desk.bluetoothctl("NoInputNoOutput") as tool:
        await paired(tool, board)
        for go, come_back in [
                (adapter.unplug(), adapter.plug()), (adapter.power(False), adapter.power(True)),
                (adapter.block(True), adapter.block(False))]:
            await go
            await board.until_advertising()
            assert (await channel(air_desk, board)).error == "EHOSTUNREACH"
            await come_back
            await adapter.until_ready()
            await connected(tool, board)
            assert (await channel(air_desk, board)).error is None


async def test_two_adapters_serve_two_boards(air_desk: AirDesk) -> None:
    other = await air_desk.other_adapter()
    boards = [await air_desk.air_board(number, pairing="open") for number in (1, 2)]
    for board, adapter in zip(boards, [air_desk.adapter, other]):
        opened = await channel(air_desk, board, "--adapter", adapter.address)
        assert opened.error is None
        assert [str(peer.peer_address) for peer in board.chip.le_connections.values()] == [f"{adapter.address}/P"]


async def test_a_board_with_a_cable_is_in_the_air_as_well(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="refused", cable=True)
    assert board.usb is not None
    for _ in range(2):
        await air_desk.hub.plug(board.usb, 0)
        await air_desk.eventually("[ -e /dev/ttyACM0 ]")
        answer = await l2cap(air_desk.guest, "att", board.address, READ + SERIAL)
        assert answer.replies[0][1:].decode() == board.serial
        # It has a battery.
        air_desk.hub.unplug(board.usb)
    assert board.program.start_count == 1
