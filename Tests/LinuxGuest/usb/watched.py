"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self


class Watched:
    """Something with a state that others wait for. Whoever changes the state says so with `changed`."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def changed(self) -> None:
        """Looks who has been waiting for the state as it is now."""
        for entry in list(self._waiting):
            condition, future = entry
            if future.done():
                continue
            try:
                if condition():
                    future.set_result(None)
            except Exception as error:  # the condition's own fault belongs to the one who waits
                future.set_exception(error)

    async def until(self, condition: Callable[[Self], object], timeout: float) -> None:
        """Returns as soon as the condition holds, which may be at once.

        TimeoutError, with the state in words, if it does not within `timeout` seconds.
        """
        if condition(self):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (lambda: bool(condition(self)), future)
        self._waiting.append(entry)
        try:
            await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s: {self.describe()}") from None
        finally:
            self._waiting.remove(entry)

    def describe(self) -> str:
        """The state, for the one who waited in vain."""
        return repr(self)
