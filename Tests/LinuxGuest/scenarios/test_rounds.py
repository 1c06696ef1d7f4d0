"""Boards on USB learn together, whatever happens to their cables."""

from __future__ import annotations

import asyncio
import random

from .conftest import Desk
from .reference import identity, results


async def test_four_boards_learn_what_they_would_learn_without_a_cable(desk: Desk) -> None:
    boards = [desk.board(number) for number in (1, 2, 3)] + [desk.board(4, program="qemu-board")]
    await desk.plug(*boards)
    gateway = await desk.gateway("--minimum-boards", "4", "--rounds", "6", "--codec", "lossless")
    rounds = await gateway.held()
    assert results(rounds) == results(desk.references.digits.rounds)
    # Each port was opened once and stayed open.
    assert [board.application.open_count for board in boards] == [1, 1, 1, 1]
    assert len(gateway.said(r"joined on ttyACM\d")) == 4
    assert not [line for line in gateway.lines if line.level in ("warning", "error")]
