"""Boards in the air learn together, and reach the same model to the last bit whatever happens to their links."""

from __future__ import annotations

import asyncio
import random

import pytest

from radio import AirBoard

from .air_desk import AirDesk
from .commands import permit_join
from .gateway import Gateway, Line
from .reference import Reference, results
from .test_ble_joining import ON_AIR, PAIRED, joined, pairings

LOSSLESS = ("--codec", "lossless")


async def reference(desk: AirDesk) -> Reference:
    """The undisturbed federation; held aside, since the event loop carries the air."""
    return await asyncio.to_thread(lambda: desk.references.digits)


async def in_the_air(desk: AirDesk, *numbers: int, **options: object) -> list[AirBoard]:
    """These boards, each with its own examples."""
    reached = await reference(desk)
    return [await desk.air_board(number, data=reached.examples(number), **options) for number in numbers]


async def all_joined(gateway: Gateway, boards: list[AirBoard]) -> None:
    for board in boards:
        await joined(gateway, board)


@pytest.mark.parametrize("carrier", ["automatic", "gatt"])
async def test_four_boards_learn_over_the_air_what_they_would_learn_without_it(
    air_desk: AirDesk, carrier: str
) -> None:
    boards = await in_the_air(air_desk, 1, 2, 3, 4)
    gateway = await air_desk.gateway(
        "--minimum-boards", "4", "--rounds", "6", "--bluetooth-links", "4", "--bluetooth-carrier", carrier, *LOSSLESS)
    await permit_join(gateway, "60s")
    rounds = await gateway.held()
    assert results(rounds) == results((await reference(air_desk)).rounds)
    # One link each for all of it, and nothing that went wrong.
    word = "BLE" if carrier == "automatic" else "BLE GATT"
    assert [line.fields["carrier"] for line in gateway.said("joined on BLE")] == [word] * 4
    assert not [line for line in gateway.lines if line.level in ("warning", "error")], gateway.tail()


async def test_cables_and_radios_and_a_microcontroller_learn_together(air_desk: AirDesk) -> None:
    cabled = [air_desk.board(number) for number in (1, 2)]
    await air_desk.plug(*cabled)
    in_air = await in_the_air(air_desk, 3) + await in_the_air(air_desk, 4, program="qemu-board")
    gateway = await air_desk.gateway("--minimum-boards", "4", "--rounds", "6", *LOSSLESS)
    await permit_join(gateway, "60s")
    assert results(await gateway.held(120)) == results((await reference(air_desk)).rounds)
    carriers = sorted(line.fields["carrier"] for line in gateway.said("joined on"))
    assert carriers == ["BLE", "BLE", "ttyACM0", "ttyACM1"]
    assert [pairings(board) for board in in_air] == [["paired"]] * 2


def absences(gateway: Gateway) -> str:
    """For how long boards were away, in seconds."""
    gone: dict[str, Line] = {}
    spans = []
    for line in gateway.said(rf"on BLE.*: link closed|{ON_AIR}"):
        board = line.fields["board_id"]
        if "closed" in line.message:
            gone[board] = line
        elif board in gone:
            spans.append(gateway.seconds(gone.pop(board), line))
    return ", ".join(f"{span:.1f}" for span in sorted(spans))


class Mishaps:
    """Carries boards away, resets them, and loses their links, at moments and for as long as a seed decides."""

    def __init__(self, boards: list[AirBoard], seed: int) -> None:
        self.boards = boards
        self.random = random.Random(seed)

    async def go_on(self, count: int) -> None:
        """So many; each board ends in range."""
        for _ in range(count):
            board = self.random.choice(self.boards)
            match self.random.choice(["lose", "lose", "reset", "away"]):
                case "lose":
                    board.lose_link()
                case "reset":
                    await board.reset()
                case "away":
                    board.in_range = False
                    # From what nobody notices to longer than a connection lasts without its other end.
                    await asyncio.sleep(self.random.choice([0.3, 1, 6]))
                    board.in_range = True
            await asyncio.sleep(self.random.choice([0, 0.1, 0.5, 2]))


async def test_links_are_lost_boards_reset_and_carried_away_and_the_model_stays_the_same(
    air_desk: AirDesk, seed: int
) -> None:
    reached = await asyncio.to_thread(air_desk.references.held, "air", 60, *LOSSLESS)
    boards = await in_the_air(air_desk, 1, 2, 3, 4)
    gateway = await air_desk.gateway("--minimum-boards", "4", "--rounds", "60", "--bluetooth-links", "4", *LOSSLESS)
    await permit_join(gateway, "60s")
    await all_joined(gateway, boards)
    await Mishaps(boards, seed).go_on(12)
    # All are there again and learn.
    done = await gateway.line("done: 4 contributions", len(gateway.lines))
    await gateway.line("done: 4 contributions", done.index + 1)
    await gateway.stop()
    rounds = results(await gateway.held())
    print(f"{len(rounds)} rounds, {len(gateway.said('link closed'))} links ended; back after {absences(gateway)}")
    assert len(rounds) > 2 and rounds == results(reached.rounds)[: len(rounds)]
    # The bonds served every time.
    assert len(gateway.said(PAIRED)) == 4
    assert [pairings(board) for board in boards] == [["paired"]] * 4
    assert len(gateway.said("joined on BLE")) >= 8
