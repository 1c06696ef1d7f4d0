"""What happens to BlueZ and to the adapter is told with a remedy, and rounds go on afterwards; cables do not notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from radio import AirBoard
from usb import Board

from .air_desk import AirDesk
from .commands import boards, permit_join
from .gateway import Gateway, Line
from .reference import Reference, results
from .test_ble_joining import joined
from .test_ble_rounds import LOSSLESS, in_the_air


async def two_and_two(desk: AirDesk, *options: str) -> tuple[Gateway, list[Board], list[AirBoard]]:
    """A federation of boards 1 and 2 on USB and 3 and 4 in the air, all there."""
    cabled = [desk.board(number) for number in (1, 2)]
    in_air = await in_the_air(desk, 3, 4)
    await desk.plug(*cabled)
    gateway = await desk.gateway("--minimum-boards", "4", *options, *LOSSLESS)
    await permit_join(gateway, "60s")
    for board in in_air:
        await joined(gateway, board)
    return gateway, cabled, in_air


async def back(gateway: Gateway, in_air: list[AirBoard], since: Line) -> None:
    """Waits until the boards in the air are served again, and a round was held with all."""
    for board in in_air:
        line = await joined(gateway, board, since)
        print(f"{board.name} is back {gateway.seconds(since, line):.1f} s after '{since.message[:40]}'")
    await gateway.line("done: 4 contributions", len(gateway.lines))


async def finished(gateway: Gateway, cabled: list[Board], reached: Reference) -> None:
    """Ends it, and looks whether it learnt what it would have learnt undisturbed."""
    await gateway.stop()
    rounds = results(await gateway.held())
    print(f"{len(rounds)} rounds")
    assert len(rounds) > 1 and rounds == results(reached.rounds)[: len(rounds)]
    # Each port was opened once and stayed open.
    assert [board.application.open_count for board in cabled] == [1, 1]


async def federation(desk: AirDesk) -> Reference:
    """An undisturbed one, longer than any here takes."""
    return await asyncio.to_thread(desk.references.held, "air", 60, *LOSSLESS)


@pytest.mark.parametrize("carrier", ["automatic", "gatt"])
async def test_bluetoothd_is_killed_in_the_middle_of_a_round_and_called_back(air_desk: AirDesk, carrier: str) -> None:
    reached = await federation(air_desk)
    gateway, cabled, in_air = await two_and_two(air_desk, "--rounds", "60", "--bluetooth-carrier", carrier)
    line = await gateway.line("begins from model", len(gateway.lines))
    await air_desk.run("kill -9 $(pidof bluetoothd)")
    line = await gateway.line(r"Bluetooth: BlueZ .*\[bluetooth-", line)
    if carrier == "gatt":
        await back(gateway, in_air, line)
    # The bus starts it when the gateway asks; nobody else has to.
    line = await gateway.line("is on, boards are looked for", line)
    await gateway.line("done: 4 contributions", len(gateway.lines))
    if carrier == "automatic":
        # Channels are the kernel's, and went on without it.
        assert not gateway.said("link closed")
    in_air[0].lose_link()
    await joined(gateway, in_air[0], len(gateway.lines))
    await finished(gateway, cabled, reached)


async def test_the_adapter_goes_and_comes_back_in_the_middle_of_rounds(air_desk: AirDesk) -> None:
    reached = await federation(air_desk)
    gateway, cabled, in_air = await two_and_two(air_desk, "--rounds", "60")
    adapter = air_desk.adapter
    mishaps: list[tuple[Callable[[], Awaitable[None]], str, str, Callable[[], Awaitable[None]]]] = [
        (adapter.unplug, f"{adapter.name} is gone", "bluetooth-no-adapter", adapter.plug),
        (lambda: adapter.power(False), "is switched off; run: bluetoothctl power on", "bluetooth-adapter-off",
         lambda: adapter.power(True)),
        (lambda: adapter.block(True), "is blocked; run: sudo rfkill unblock", "bluetooth-adapter-blocked",
         lambda: adapter.block(False)),
    ]
    for go, told, code, come_back in mishaps:
        await gateway.line("begins from model", len(gateway.lines))
        since = len(gateway.lines)
        await go()
        line = await gateway.line(told, since)
        await gateway.line(code, since)
        for board in in_air:
            await board.until_advertising()
        await come_back()
        await back(gateway, in_air, line)
    await finished(gateway, cabled, reached)


@pytest.mark.parametrize("missing", ["adapter", "bluetoothd"])
async def test_what_is_missing_at_the_start_is_told_and_taken_up_when_it_comes(air_desk: AirDesk, missing: str) -> None:
    adapter = air_desk.adapter
    if missing == "adapter":
        await adapter.unplug()
    else:
        await air_desk.run("systemctl mask --now --runtime bluetooth")
    try:
        gateway = await air_desk.gateway()
        said = await gateway.line(r"\[bluetooth-no-adapter\]" if missing == "adapter" else r"\[bluetooth-not-running\]")
        assert "sudo" in said.message or "Plug one in" in said.message
        [told] = (await boards(gateway))["adapters"]
        assert told["state"] == "missing" and told["remedy"]
    finally:
        if missing == "adapter":
            await adapter.plug()
        else:
            await air_desk.run("systemctl unmask --runtime bluetooth; systemctl start bluetooth")
    await gateway.line("is on, boards are looked for", said)
    board = await air_desk.air_board(1)
    await permit_join(gateway, "30s")
    await joined(gateway, board)
