"""More boards than connections, boards that look alike, and gateways that leave in good order or not."""

from __future__ import annotations

import asyncio
import random

from radio import AirBoard

from .air_desk import AirDesk
from .commands import permit_join
from .gateway import Gateway
from .reference import identity
from .test_ble_joining import PAIRED, joined, on_cable, pairings
from .test_ble_rounds import LOSSLESS, all_joined, in_the_air


async def test_four_boards_take_turns_on_two_connections(air_desk: AirDesk) -> None:
    in_air = await in_the_air(air_desk, 1, 2, 3, 4)
    gateway = await air_desk.gateway(
        "--minimum-boards", "4", "--rounds", "3", "--bluetooth-links", "2", *LOSSLESS)
    await permit_join(gateway, "120s")
    most = 0
    held = asyncio.create_task(gateway.held())
    while not held.done():
        most = max(most, sum(board.is_connected for board in in_air))
        await asyncio.sleep(0.1)
    rounds = await held
    assert most <= 2
    assert [each["contributions"] for each in rounds] == [4] * 3
    print("seconds: " + ", ".join(f"{each['seconds']:.1f}" for each in rounds))


async def test_a_copy_in_the_air_proves_nothing(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="cable", cable=True)
    gateway = await air_desk.gateway()
    await on_cable(air_desk, gateway, board)
    # Somebody's board with the address and the name of the one on the cable, which would take anybody.
    copy = await air_desk.air_board(1, name="copy")
    board.in_range = False
    assert board.usb is not None
    air_desk.hub.unplug(board.usb)
    await gateway.line(r"\[pairing-secret-lost\]")
    assert pairings(copy) == [] and not gateway.said(PAIRED)
    # The one that it is.
    copy.power_off()
    board.in_range = True
    await on_cable(air_desk, gateway, board, since=len(gateway.lines))
    air_desk.hub.unplug(board.usb)
    await joined(gateway, board)
    assert pairings(board) == ["paired, authenticated"]


async def test_two_boards_that_say_one_name_are_two_boards(air_desk: AirDesk) -> None:
    in_air = await in_the_air(air_desk, 1, 2)
    # The second says the first one's name: nothing keeps anybody from that.
    in_air[1].chip.le_legacy_advertiser.scan_response_data = in_air[0].chip.le_legacy_advertiser.scan_response_data
    gateway = await air_desk.gateway("--minimum-boards", "2", "--rounds", "2", *LOSSLESS)
    for board in in_air:
        await gateway.line(rf"{in_air[0].serial} is near \({board.address}")
    await permit_join(gateway, "60s")
    assert [each["contributions"] for each in await gateway.held()] == [2, 2]
    served = {line.fields["board_id"] for line in gateway.said("joined on BLE")}
    assert served == {f"{identity(number):016x}" for number in (1, 2)}


async def test_a_gateway_takes_up_what_one_left_that_was_killed(air_desk: AirDesk) -> None:
    [board] = await in_the_air(air_desk, 1)
    gateway = await air_desk.gateway("--rounds", "1000")
    await permit_join(gateway, "10s")
    await joined(gateway, board)
    await gateway.signal("KILL")
    await gateway.stop()
    new = await air_desk.gateway("--rounds", "1000", state=gateway.state)
    line = await joined(new, board)
    print(f"joined {new.seconds(new.lines[0], line):.1f} s after the start")
    assert pairings(board) == ["paired"] and not new.said(PAIRED)
    await new.line("done: 1 contributions")


async def test_boards_are_let_go_when_the_gateway_stops(air_desk: AirDesk) -> None:
    daemon = await air_desk.run("pidof bluetoothd")
    for carrier in "automatic", "gatt":
        [board] = await in_the_air(air_desk, 1)
        gateway = await air_desk.gateway("--rounds", "1000", "--bluetooth-carrier", carrier)
        await permit_join(gateway, "10s")
        await joined(gateway, board)
        await gateway.stop()
        await board.until_advertising(5)
        await air_desk.radio.clear()
    assert await air_desk.run("pidof bluetoothd") == daemon


async def test_60_lost_links_cost_no_descriptor_and_no_memory(air_desk: AirDesk, seed: int) -> None:
    in_air = await in_the_air(air_desk, 1, 2)
    gateway = await air_desk.gateway("--minimum-boards", "1", "--rounds", "100000")
    await permit_join(gateway, "30s")
    await all_joined(gateway, in_air)
    await lose(gateway, in_air, 10, random.Random(seed))
    descriptors, memory = await gateway.measure()
    await lose(gateway, in_air, 60, random.Random(seed + 1))
    after_descriptors, after_memory = await gateway.measure()
    print(f"after 10 losses {descriptors} descriptors and {memory} KB, after 70 {after_descriptors} and {after_memory} KB")
    assert after_descriptors <= descriptors + 2
    assert after_memory <= memory * 1.15
    assert len(gateway.said(PAIRED)) == 2


async def lose(gateway: Gateway, in_air: list[AirBoard], count: int, dice: random.Random) -> None:
    """So many links lost: while a board is connected to, while it is greeted, or in the middle of a round."""
    for _ in range(count):
        board = dice.choice(in_air)
        since = len(gateway.lines)
        if not board.is_connected:
            await until_connected(gateway, board)
            if dice.random() < 0.5:
                await joined(gateway, board, since)
        await asyncio.sleep(dice.choice([0, 0.05, 0.3]))
        board.lose_link()
    since = len(gateway.lines)
    for board in in_air:
        if not board.is_connected:
            await joined(gateway, board, since)


async def until_connected(gateway: Gateway, board: AirBoard) -> None:
    try:
        async with asyncio.timeout(60):
            while not board.is_connected:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"nobody connects to {board.describe()}\n{gateway.tail()}") from None
