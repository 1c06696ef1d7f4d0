"""Boards with a cable and a radio: whichever carries them, what was under way goes on where it was."""

from __future__ import annotations

import re

import pytest

from . import wide
from .air_desk import AirDesk
from .commands import permit_join
from .gateway import PATIENCE, Gateway, Line
from .test_ble_joining import PAIRED, joined
from .test_rounds import WINDOW

PACE = 5_000
"""Bytes a second of a connection: what a board is sent takes a dozen seconds, and can be interrupted on a machine that has more to do."""

ARROWS = {"model": "model ↓", "update": "update ↑"}


async def wide_gateway(desk: AirDesk) -> Gateway:
    data = wide.write(desk.folder / "wide.fbds")
    # The gateway needs the data set for its model alone: the file is in the guest by the shared folder.
    (desk.guest.run / "share" / "wide.fbds").write_bytes(data.read_bytes())
    return await desk.gateway("--dataset", "/srv/share/wide.fbds", "--rounds", "1", "--codec", "float32")


async def under_way(gateway: Gateway, direction: str) -> Line:
    """Waits until a third of it has been delivered, and not all."""
    def is_third(line: Line) -> bool:
        told = re.search(rf"{ARROWS[direction]} ([\d,]+) B of ([\d,]+) B", line.message)
        if told is None:
            return False
        have, of = (int(number.replace(",", "")) for number in told.groups())
        return of / 3 < have < of

    return await gateway.first(is_third, 0, PATIENCE, f"{ARROWS[direction]} under way")


async def resumed(gateway: Gateway, direction: str, gone: Line) -> None:
    """Waits until the round is held, with next to nothing sent again."""
    assert not gateway.said(f"{ARROWS[direction]} .*100 %", 0)
    line = await gateway.line("resumed from", gone)
    assert ARROWS[direction] in line.message
    [held] = await gateway.held()
    assert held["contributions"] == 1
    assert held["bytes_resumed"] > wide.UPDATE_BYTES // 3 - 2 * WINDOW
    assert held["bytes_again"] <= WINDOW, gateway.tail()


@pytest.mark.parametrize("direction", ["model", "update"])
async def test_a_transfer_over_the_air_goes_on_over_the_cable(air_desk: AirDesk, direction: str) -> None:
    gateway = await wide_gateway(air_desk)
    board = await air_desk.air_board(1, cable=True, data=air_desk.folder / "wide.fbds")
    assert board.usb is not None
    if direction == "model":
        air_desk.radio.air.pace = PACE
    await permit_join(gateway, "60s")
    await joined(gateway, board)
    if direction == "update":
        await gateway.line(f"{ARROWS['model']} .*100 %")
        air_desk.radio.air.pace = PACE
    gone = await under_way(gateway, direction)
    await air_desk.hub.plug(board.usb, 0)
    await resumed(gateway, direction, gone)
    assert gateway.said("is back, on ttyACM0")


@pytest.mark.parametrize("direction", ["model", "update"])
async def test_a_transfer_over_the_cable_goes_on_over_the_air(air_desk: AirDesk, direction: str) -> None:
    gateway = await wide_gateway(air_desk)
    board = await air_desk.air_board(1, pairing="cable", cable=True, data=air_desk.folder / "wide.fbds")
    assert board.usb is not None
    await air_desk.hub.plug(board.usb, 0)
    await board.usb.application.until(
        lambda device: (device.bytes_from_host if direction == "model" else device.bytes_to_host)
        > wide.UPDATE_BYTES // 2, 120)
    air_desk.hub.unplug(board.usb)
    gone = await gateway.line("ttyACM0.*link closed")
    await resumed(gateway, direction, gone)
    assert gateway.said(f"{PAIRED} by the secret")
