"""A program that serves devices to a person who types: commands on standard input, and an end in good order."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

Failures = tuple[type[Exception], ...]


class WrongUse(Exception):
    """What somebody typed makes no sense, and why."""


class ByHand:
    """`name` stands before what is said of failures; the program's own are `failures`."""

    def __init__(self, name: str, failures: Failures) -> None:
        self._name, self._failures = name, (OSError, *failures)

    def _say(self, error: Exception, advice: str = "") -> None:
        print(f"{self._name}: {str(error) or repr(error)}{advice}", file=sys.stderr)

    async def converse(self, obey: Callable[[list[str]], Awaitable[bool]]) -> None:
        """Lines from standard input, until `obey` says false. Their end leaves everything as it is."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                if not await obey(line.decode(errors="replace").split()):
                    return
            except (WrongUse, ValueError, IndexError, *self._failures) as error:
                self._say(error)
        await asyncio.Event().wait()

    async def _run(self, serve: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
        with tempfile.TemporaryDirectory(prefix=f"fedbridge-{self._name}-") as folder:
            task = asyncio.create_task(serve(Path(folder)))
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            with suppress(asyncio.CancelledError):
                await task

    def main(self, serve: Callable[[Path], Coroutine[Any, Any, None]], level: int) -> int:
        """Serves until that ends, or until a signal says so. The folder is gone afterwards.

        Returns the exit status: 0 done, 1 it did not work, 2 wrong use.
        """
        logging.basicConfig(level=level, format="%(message)s")
        logging.getLogger("asyncio").setLevel(logging.WARNING)
        try:
            asyncio.run(self._run(serve))
        except WrongUse as error:
            self._say(error, "; see --help")
            return 2
        except self._failures as error:
            self._say(error)
            return 1
        return 0
