"""Keys that one side has lost, and boards that are not who they seem."""

from __future__ import annotations

from radio import AirBoard

from .air_desk import AirDesk
from .commands import Command, ask, boards, permit_join
from .gateway import Gateway
from .reference import identity
from .test_ble_joining import PAIRED, joined, near, on_cable, pairings


async def paired_by_cable(desk: AirDesk, number: int) -> tuple[Gateway, AirBoard]:
    """A gateway and a board that were on a cable, and then paired over the air."""
    board = await desk.air_board(number, pairing="cable", cable=True)
    assert board.usb is not None
    gateway = await desk.gateway()
    await on_cable(desk, gateway, board)
    desk.hub.unplug(board.usb)
    await joined(gateway, board)
    return gateway, board


async def test_a_wiped_board_is_paired_anew_after_it_was_on_the_cable_once_more(air_desk: AirDesk) -> None:
    gateway, board = await paired_by_cable(air_desk, 1)
    assert board.usb is not None
    since = len(gateway.lines)
    await board.wipe()
    lost = await gateway.line(r"plug it in by USB once.*\[pairing-secret-lost\]", since)
    line = await on_cable(air_desk, gateway, board, since=lost)
    air_desk.hub.unplug(board.usb)
    await gateway.line(f"{PAIRED} by the secret", line)
    await joined(gateway, board, line)


async def test_a_wiped_board_without_a_cable_is_explained_and_repaired_by_forget_and_pair(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    gateway = await air_desk.gateway()
    await permit_join(gateway, "3s")
    await joined(gateway, board)
    await gateway.line("may join no more")
    since = len(gateway.lines)
    await board.wipe()
    doubted = await gateway.line(r"\[pairing-doubtful\]", since)
    lost = await gateway.line(r"it lost its key; .*fedbridge forget.*\[pairing-lost\]", doubted)
    [stranger] = (await boards(gateway))["strangers"]
    assert "it lost its key" in stranger["reason"]

    assert (await ask(gateway, "forget", board.address)).status == 0
    answer = await ask(gateway, "pair", board.address)
    assert answer.status == 0, answer.replies
    await gateway.line(PAIRED, lost)
    await joined(gateway, board, lost)
    # And it was asked once more for a pairing, not again and again.
    assert pairings(board) == ["paired", "paired"]


async def test_keys_that_bluez_has_lost_are_made_anew(air_desk: AirDesk) -> None:
    gateway, board = await paired_by_cable(air_desk, 1)
    since = len(gateway.lines)
    await air_desk.run(f"bluetoothctl remove {board.address}")
    # By the secret, and so without a question.
    await gateway.line(f"{PAIRED} by the secret", since)
    await joined(gateway, board, since)


async def test_a_gateway_without_its_state_takes_no_keys_of_bluez_for_granted(air_desk: AirDesk) -> None:
    board = await air_desk.air_board(1)
    gateway = await air_desk.gateway()
    await permit_join(gateway, "10s")
    await joined(gateway, board)
    await gateway.stop()
    await board.until_advertising()

    new = await air_desk.gateway()
    await new.line(near(board))
    answer = await ask(new, "pair", board.address)
    assert answer.status == 0, answer.replies
    await joined(new, board)
    assert pairings(board) == ["paired", "paired"]
