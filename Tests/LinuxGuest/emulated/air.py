"""A world of emulated chips that lives in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from machine.guest import Guest
from nrf52840 import MILLISECOND, SECOND, World
from nrf52840.pace import Pacer
from usb.watched import Watched

from .adapter import EmulatedAdapter
from .board import HostedBoard
from .controller import Controller
from .peripheral import Peripheral


#: HCI can wait for that long; controllers with a USB port look once in a millisecond too.
GRAIN = MILLISECOND


class EmulatedAir(Watched):
    """Runs from entry to exit, in the event loop's spare time. Whoever waits for something in it uses `until`, which looks
    after every piece of virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self._pacer = Pacer(self, self._failed, GRAIN)
        self._members = AsyncExitStack()
        self._controllers: list[Controller] = []
        #: Called after every piece.
        self._listeners: list[Callable[[], object]] = []
        #: What ended the run, if something did.
        self.failure: BaseException | None = None
        self._began = (0.0, 0)

    async def __aenter__(self) -> Self:
        self._pacer.start()
        self.measure()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._members.aclose()
        await self._pacer.gone()
        if self.failure is not None:
            raise self.failure

    async def adapter(self, guest: Guest, number: int = 1) -> EmulatedAdapter:
        """Another adapter for the guest, unplugged."""
        adapter = EmulatedAdapter(self.world, number, guest)
        self._controllers.append(adapter.controller)
        self._listeners.append(adapter.controller.deliver)
        return await self._members.enter_async_context(adapter)

    async def board(
        self, name: str, identity: int, program: Path, folder: Path, options: Sequence[str | Path]
    ) -> HostedBoard:
        """A board that is a process with an emulated controller, without power."""
        board = HostedBoard(self.world, name, identity, program, folder, options)
        self._controllers.append(board.controller)
        self._listeners.append(board.controller.deliver)
        return await self._members.enter_async_context(board)

    def peripheral(self, name: str, number: int) -> Peripheral:
        """Somebody who can be found and connected to, silent so far."""
        peripheral = Peripheral(self.world, name, number)
        self._listeners.append(peripheral.answer)
        return peripheral

    @property
    def keys(self) -> list[bytes]:
        """All keys that hosts have told their controllers, each once."""
        return [*dict.fromkeys(key for controller in self._controllers for key in controller.keys)]

    def measure(self) -> float:
        """Virtual seconds that passed in a real one since the last time it was asked."""
        began, self._began = self._began, (time.monotonic(), self.world.now)
        return (self.world.now - began[1]) / SECOND / max(time.monotonic() - began[0], 1e-6)

    # As the pacer's runner.

    @property
    def now(self) -> int:
        return self.world.now

    def run_for(self, duration: int) -> None:
        self.world.run_for(duration)
        for each in self._listeners:
            each()
        self.changed()

    def run_while(self, condition: Callable[[], bool], limit: int) -> bool:
        return self.world.run_while(condition, limit)

    def _failed(self, error: BaseException) -> None:
        self.failure = error
        self.changed()

    async def until(self, condition: Callable[[Self], object], timeout: float) -> None:
        """What ends the run ends the wait as well."""
        await super().until(lambda air: air.failure is not None or condition(air), timeout)
        if self.failure is not None:
            raise self.failure

    async def pass_by(self, duration: int) -> None:
        """Lets so much virtual time go by."""
        end = self.world.now + duration
        await self.until(lambda air: air.world.now >= end, 30 * duration / SECOND + 5)

    def describe(self) -> str:
        return f"{self.world.now / SECOND:.3f} s of virtual time, {len(self.world.air.log)} packets"
