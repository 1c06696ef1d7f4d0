"""Boards in the air become boards of the gateway: nobody unasked, and each as its owner wants it."""

from __future__ import annotations

from radio import AirBoard

from .air_desk import AirDesk
from .commands import Command, ask, boards, permit_join
from .gateway import Gateway, Line
from .reference import identity

PAIRED = "is paired over Bluetooth"
ON_AIR = r"joined on BLE|is back, on BLE"


def near(board: AirBoard) -> str:
    """What is said of a board that is heard and not admitted."""
    return rf"is near \({board.address}.*not admitted"


async def joined(gateway: Gateway, board: AirBoard, since: Line | int = 0) -> Line:
    """Waits until the board is served over the air."""
    wanted = f"{board.identity:016x}"
    index = since.index if isinstance(since, Line) else since
    while True:
        line = await gateway.line(ON_AIR, index)
        if line.fields["board_id"] == wanted:
            return line
        index = line.index + 1


async def on_cable(desk: AirDesk, gateway: Gateway, board: AirBoard, port: int = 0, since: Line | int = 0) -> Line:
    """Plugs the board in; returns when it has all that it is told at once, the secret for pairing by cable too."""
    assert board.usb is not None
    await desk.hub.plug(board.usb, port)
    line = await gateway.line("on ttyACM", since)
    # Messages come in the order in which they were said, and the secret is said first.
    return await gateway.line(r"model ↓ .*100 %|holds model|right on", line)


def pairings(board: AirBoard) -> list[str]:
    """What the board said of pairings."""
    return [line for line in board.program.lines if line.startswith("pair")]


async def test_a_stranger_is_told_of_and_joins_while_that_is_permitted(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    gateway = await air_desk.gateway()
    await gateway.line(near(board))
    listed = await boards(gateway)
    assert listed["boards"] == []
    [stranger] = listed["strangers"]
    assert stranger["address"] == board.address and stranger["claims"] == f"{identity(1):016x}"
    assert stranger["reason"] == "nobody paired it"
    assert [each["state"] for each in listed["adapters"]] == ["on"]
    # Nobody even connected to it.
    assert board.program.lines == []

    await permit_join(gateway, "3s")
    permitted = await gateway.line("new boards may join for")
    paired = await gateway.line(f"{PAIRED} without a proof")
    line = await joined(gateway, board)
    served = await gateway.line(r"model ↓ .*100 %")
    print(", ".join(
        f"{what} after {gateway.seconds(permitted, each):.2f} s"
        for what, each in [("paired", paired), ("joined", line), ("model delivered", served)]))
    assert line.fields["carrier"] == "BLE"
    assert pairings(board) == ["paired"]
    listed = await boards(gateway)
    assert listed["strangers"] == []
    [known] = listed["boards"]
    assert known["bluetooth"] == "paired" and known["carrier"] == "BLE"

    # The door closes by itself. Who comes then stays outside, while who was let in finds back.
    await gateway.line("may join no more")
    late = await air_desk.air_board(2)
    board.lose_link()
    await gateway.line(near(late))
    await joined(gateway, board, line.index + 1)
    listed = await boards(gateway)
    assert [each["address"] for each in listed["strangers"]] == [late.address] and listed["join_seconds_left"] == 0
    assert late.program.lines == [] and pairings(board) == ["paired"]


async def test_a_board_that_takes_no_pairing_says_so_to_who_asks_for_it(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="refused")
    gateway = await air_desk.gateway()
    answer = await ask(gateway, "pair", board.address)
    assert (answer.status, answer.last["code"]) == (1, "pairing-closed"), answer.replies
    await board.until_advertising()
    assert pairings(board) == []


async def test_a_wrong_passkey_fails_on_both_sides_and_the_right_one_pairs(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="passkey")
    gateway = await air_desk.gateway()
    async with Command(gateway, "pair", board.address) as pair:
        await pair.until("passkey-wanted")
        pair.type(f"{(int(await board.line('passkey')) + 1) % 1_000_000:06}")
        answer = await pair.end()
    assert (answer.status, answer.last["code"]) == (1, "pairing-not-proven"), answer.replies
    await board.line("pairing failed")
    assert (await boards(gateway))["boards"] == []

    said = len(board.program.lines)
    async with Command(gateway, "pair", board.address) as pair:
        await pair.until("passkey-wanted")
        pair.type(await board.line("passkey", said))
        answer = await pair.end()
    assert answer.status == 0 and answer.last["reply"] == "done"
    assert await board.line("paired") == ", authenticated"
    await gateway.line(f"{PAIRED} by its passkey")
    await joined(gateway, board)
    [known] = (await boards(gateway))["boards"]
    assert known["bluetooth"] == "paired by passkey"


async def test_a_board_that_was_on_the_cable_is_there_over_the_air_without_a_question(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1, pairing="cable", cable=True)
    assert board.usb is not None
    gateway = await air_desk.gateway()
    await gateway.line(near(board))
    await on_cable(air_desk, gateway, board)
    [known] = (await boards(gateway))["boards"]
    assert known["bluetooth"] == "can pair by cable"

    air_desk.hub.unplug(board.usb)
    await gateway.line(f"{PAIRED} by the secret that went over the cable")
    line = await joined(gateway, board)
    assert await board.line("paired") == ", authenticated"

    await air_desk.hub.plug(board.usb, 1)
    line = await gateway.line(r"is back, on ttyACM", line)
    await gateway.line("BLE.*link closed", line)
    # And to the air again, by the keys that both have now.
    air_desk.hub.unplug(board.usb)
    await joined(gateway, board, line)
    assert pairings(board) == ["paired, authenticated"]
