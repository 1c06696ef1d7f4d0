"""The radio: everything on one air."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from machine.guest import Guest
from usb.hub import Hub

from .adapter import GatewayAdapter
from .air import Air
from .board import AirBoard


class Radio:
    """Adapters and boards that hear each other. The event loop carries every packet: who blocks it stops the air."""

    def __init__(self, guest: Guest | None = None) -> None:
        self.air = Air()
        self._guest = guest
        self.adapters: list[GatewayAdapter] = []
        self.boards: dict[str, AirBoard] = {}
        self._boards = AsyncExitStack()
        self._adapters = AsyncExitStack()

    async def __aenter__(self) -> Radio:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.clear()
        await self._adapters.aclose()

    async def adapter(self, port: int = 0) -> GatewayAdapter:
        """Another adapter, unplugged."""
        adapter = GatewayAdapter(self.air, len(self.adapters) + 1, self._guest, port)
        self.adapters.append(await self._adapters.enter_async_context(adapter))
        return adapter

    async def board(
        self, name: str, identity: int, program: Path, folder: Path, options: Sequence[str | Path], *,
        cable: Hub | None = None,
    ) -> AirBoard:
        """Another board, without power. `cable`: it has a USB port too, in this hub."""
        if name in self.boards:
            raise ValueError(f"there is a board {name} already")
        board = AirBoard(self.air, name, identity, program, folder, options, cable)
        self.boards[name] = await self._boards.enter_async_context(board)
        return board

    async def clear(self) -> None:
        """Takes all boards away, and the obstacles."""
        await self._boards.aclose()
        self._boards = AsyncExitStack()
        self.boards.clear()
        self.air.pace = None
