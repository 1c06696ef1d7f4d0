"""The hand that plugs: tells the guest's `attach.py follow` which device to import into which port.

It could be done by running a command in the guest for every plug; a connection that stays is faster by the time such a
command takes, which matters with hundreds of plugs and with boards that come back by themselves after a reset.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from typing import Any

log = logging.getLogger(__name__)


class AttachFailed(Exception):
    """The guest could not plug the device in; says why."""


class Cables:
    """Waits on a loopback port for the guest's `attach.py follow`, and hands it orders."""

    def __init__(self, server_port: int, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server_port = server_port
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._guest: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._numbers = itertools.count(1)
        self._orders: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def __aenter__(self) -> Cables:
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._guest is not None and self._serving is not None:
            self._guest.close()
            await self._serving
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None, "not running"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def is_followed(self) -> bool:
        return self._guest is not None

    async def guest(self, timeout: float | None) -> None:
        """Returns when a guest follows; TimeoutError if none does."""
        await asyncio.wait_for(self._connected.wait(), timeout)

    async def guest_gone(self) -> None:
        """Returns when the guest that follows does not any more."""
        if self._serving is not None:
            await asyncio.wait([self._serving])

    async def attach(self, bus_id: str, port: int, timeout: float = 60.0) -> dict[str, Any]:
        """Has the device plugged into the guest's port. Says what the guest says, its path on the bus for example."""
        if self._guest is None:
            raise AttachFailed("no guest follows: start attach.py follow in it")
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._orders[number] = future
        order = {"id": number, "attach": bus_id, "server": self._server_port, "port": port}
        self._guest.write(json.dumps(order).encode() + b"\n")
        try:
            reply = await asyncio.wait_for(future, timeout)
        finally:
            del self._orders[number]
        if error := reply.get("error"):
            raise AttachFailed(f"{bus_id} into port {port}: {error}")
        return reply

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._guest is not None:
            log.warning("a second guest wanted to follow")
            writer.close()
            return
        self._guest = writer
        self._serving = asyncio.current_task()
        self._connected.set()
        try:
            while line := await reader.readline():
                reply = json.loads(line)
                future = self._orders.get(reply["id"])
                if future is not None and not future.done():
                    future.set_result(reply)
        except (ConnectionError, ValueError, KeyError) as error:
            log.warning("the guest that followed is lost: %r", error)
        finally:
            self._guest = None
            self._connected.clear()
            for future in self._orders.values():
                if not future.done():
                    future.set_exception(AttachFailed("the guest that followed is gone"))
            writer.close()
