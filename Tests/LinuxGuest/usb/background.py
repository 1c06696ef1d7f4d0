"""The boards in a thread of their own, for tests that are no coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """An event loop in a thread. What is entered through it is left, in reverse order, when it ends.

        with Background() as background:
            server = background.enter(UsbipServer())
            background.run(hub.plug(board, 0))
            background.call(hub.unplug, board)
    """

    def __enter__(self) -> Background:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, name="usb boards", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        return self.run(self._stack.enter_async_context(context))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs it over there and returns what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls it over there: devices and hubs are not to be touched from another thread."""

        async def work() -> T:
            return function(*arguments)

        return self.run(work())
