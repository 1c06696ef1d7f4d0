"""Boards on USB learn together, whatever happens to their cables."""

from __future__ import annotations

import asyncio
import random

import pytest

from usb import Board
from usb.misbehaving import Silent

from . import wide
from .desk import Desk
from .reference import identity, results

WINDOW = 4096
"""Bytes of a transfer that may be on their way, and so may have to be sent again (transfer.md)."""

JOINED = r"joined on ttyACM\d|is back, on ttyACM\d"
"""The second on another port than the last time."""


async def test_four_boards_learn_what_they_would_learn_without_a_cable(desk: Desk) -> None:
    boards = [desk.board(number) for number in (1, 2, 3)] + [desk.board(4, program="qemu-board")]
    await desk.plug(*boards)
    gateway = await desk.gateway("--minimum-boards", "4", "--rounds", "6", "--codec", "lossless")
    rounds = await gateway.held()
    assert results(rounds) == results(desk.references.digits.rounds)
    # Each port was opened once and stayed open.
    assert [board.application.open_count for board in boards] == [1, 1, 1, 1]
    assert len(gateway.said(JOINED)) == 4
    assert not [line for line in gateway.lines if line.level in ("warning", "error")], gateway.tail()


@pytest.mark.parametrize("direction", ["model", "update"])
async def test_a_transfer_goes_on_after_the_cable_was_pulled_and_put_into_another_port(desk: Desk, direction: str) -> None:
    data = wide.write(desk.folder / "wide.fbds")
    board = desk.board(1, data=data)
    # The gateway needs the data set for its model alone: the file is in the guest by the shared folder.
    shared = desk.guest.run / "share" / "wide.fbds"
    shared.write_bytes(data.read_bytes())
    gateway = await desk.gateway("--dataset", "/srv/share/wide.fbds", "--rounds", "1", "--codec", "float32")
    await desk.hub.plug(board, 0)
    if direction == "model":
        await board.application.until(lambda device: device.bytes_from_host > wide.UPDATE_BYTES // 2, 120)
    else:
        await board.application.until(lambda device: device.bytes_to_host > wide.UPDATE_BYTES // 2, 180)
    desk.hub.unplug(board)
    gone = await gateway.line("link closed")
    # Pulled in the middle, or there would be nothing to see.
    arrived = r"model ↓ .* 100 %" if direction == "model" else r"update ↑ .* 100 %"
    assert not gateway.said(arrived)
    # Something else took the first name meanwhile, so that this one is a new one in every respect.
    other = desk.device(2, Silent())
    await desk.hub.plug(other, 0)
    await desk.eventually("[ -e /dev/ttyACM0 ]")
    await desk.hub.plug(board, 3)
    await gateway.line(r"is back, on ttyACM1 \(was ttyACM0\)", gone)
    resumed = await gateway.line("resumed from", gone, timeout=180)
    assert ("model ↓" if direction == "model" else "update ↑") in resumed.message
    desk.hub.unplug(other)
    [held] = await gateway.held()
    assert held["contributions"] == 1
    # The board's flash keeps whole blocks: one of them may be lost besides what was on its way.
    assert held["bytes_resumed"] > wide.UPDATE_BYTES // 2 - 2 * WINDOW
    assert held["bytes_again"] <= WINDOW, gateway.tail()


async def test_two_boards_are_swapped_and_stay_who_they_are(desk: Desk) -> None:
    one, other = desk.board(1), desk.board(2)
    await desk.plug(one, other)
    gateway = await desk.gateway("--minimum-boards", "2", "--rounds", "40", "--codec", "lossless")
    done = await gateway.line("round 2 done: 2 contributions")
    before = {line.fields["board_id"]: line.fields["carrier"] for line in gateway.said(JOINED)}
    await desk.hub.swap(one, other)
    names, line = set(), done
    for _ in range(2):
        line = await gateway.line(JOINED, line.index + 1)
        names.add(line.fields["board_id"])
    assert names == set(before) == {f"{identity(number):016x}" for number in (1, 2)}
    # Neither starts anew: both still hold a model.
    assert not [each for each in gateway.said(JOINED)[2:] if "holds no model" in each.message]
    await gateway.line("done: 2 contributions", line)


async def test_a_hub_with_four_boards_vanishes_and_comes_back(desk: Desk) -> None:
    boards = [desk.board(number) for number in (1, 2, 3, 4)]
    await desk.plug(*boards)
    gateway = await desk.gateway("--minimum-boards", "4", "--rounds", "6", "--codec", "lossless")
    seen = 0
    for moment in (1, 3):
        line = await gateway.line(f"round {moment} begins", seen)
        places = desk.hub.vanish()
        assert len(places) == 4
        for number in range(4):
            line = await gateway.line("link closed", line.index + 1)
        await desk.hub.come_back(places)
        seen = line.index
    assert results(await gateway.held()) == results(desk.references.digits.rounds)


class Fidget:
    """Pulls boards out and puts them back, at moments and into ports that a seed decides."""

    def __init__(self, desk: Desk, boards: list[Board], seed: int, ports: int = 7) -> None:
        self.desk, self.boards = desk, boards
        self.random = random.Random(seed)
        self.free = set(range(ports))
        self.events = 0

    async def plug(self, board: Board) -> None:
        port = self.random.choice(sorted(self.free))
        self.free.remove(port)
        await self.desk.hub.plug(board, port)
        self.events += 1

    def unplug(self, board: Board) -> None:
        assert board.port is not None
        self.free.add(board.port)
        self.desk.hub.unplug(board)
        self.events += 1

    async def go_on(self, events: int) -> None:
        """So many events; each board ends plugged in."""
        while self.events < events:
            board = self.random.choice(self.boards)
            if board.is_plugged:
                self.unplug(board)
            else:
                await self.plug(board)
            # From far less than a board needs to be known again to enough for parts of a round.
            await asyncio.sleep(self.random.choice([0, 0, 0.05, 0.2, 0.6, 1.2]))
        for board in self.boards:
            if not board.is_plugged:
                await self.plug(board)


async def test_200_plugs_and_unplugs_cost_no_contribution_no_descriptor_and_no_memory(desk: Desk, seed: int) -> None:
    reference = desk.references.held("long", 300, "--codec", "lossless")
    boards = [desk.board(number) for number in (1, 2, 3, 4)]
    gateway = await desk.gateway("--minimum-boards", "4", "--rounds", "300", "--codec", "lossless")
    fidget = Fidget(desk, boards, seed)
    await fidget.go_on(20)
    done = await gateway.line("done: 4 contributions")
    descriptors, memory = await gateway.measure()
    await fidget.go_on(200)
    # All are there again and learn.
    for _ in range(2):
        done = await gateway.line("done: 4 contributions", max(done.index + 1, len(gateway.lines)))
    after_descriptors, after_memory = await gateway.measure()
    print(f"after 20 events {descriptors} descriptors and {memory} KB, after 200 {after_descriptors} and {after_memory} KB")
    await gateway.stop()
    # Every update was counted, each once, and nothing of the residuals was lost: the models have the same bits.
    rounds = results(await gateway.held())
    assert len(rounds) > 3 and rounds == results(reference.rounds)[: len(rounds)]
    assert after_descriptors <= descriptors + 2
    assert after_memory <= memory * 1.15
