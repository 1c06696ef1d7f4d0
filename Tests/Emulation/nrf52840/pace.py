"""Lets virtual time pass as fast as real time does, for peers that live in the latter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from . import usb_host
from .units import MILLISECOND, SECOND

#: How much virtual time passes at once, and how long nothing is done when it is ahead, in seconds.
PIECE, PAUSE = 2 * MILLISECOND, 0.001
#: Who is later than that does not hurry to make up for it: then virtual time is the slower one.
MOST_LATE = 100 * MILLISECOND


class Runner(usb_host.Runner, Protocol):
    """A machine, or a world of several."""

    @property
    def now(self) -> int: ...


class Pacer:
    """Runs `runner` from `start` to `stop`, in the event loop's spare time.

    `grain`: less virtual time than that does not pass at once. 0 is best for peers that wait for every answer, and has
    this process busy all the time; with more there is some of it left for others while little happens."""

    def __init__(self, runner: Runner, failed: Callable[[BaseException], None], grain: int = 0) -> None:
        self._runner = runner
        self._failed = failed
        self._grain = grain
        self._task: asyncio.Task[None] | None = None
        #: How much virtual time was given up because this machine is too slow.
        self.lost = 0

    @property
    def is_running(self) -> bool:
        return self._task is not None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def gone(self) -> None:
        """Returns when nothing is under way any more."""
        task = self._task
        self.stop()
        if task is not None:
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        ahead = self._runner.now - _real_time()
        try:
            while True:
                late = _real_time() + ahead - self._runner.now
                if late <= self._grain:
                    await asyncio.sleep(max(PAUSE, (self._grain - late) / SECOND))
                    continue
                if late > MOST_LATE:
                    self.lost += late - MOST_LATE
                    ahead -= late - MOST_LATE
                self._runner.run_for(min(late, PIECE))
                await asyncio.sleep(0)
        except Exception as error:
            self._task = None
            self._failed(error)


def _real_time() -> int:
    return time.monotonic_ns() * (SECOND // 1_000_000_000)
