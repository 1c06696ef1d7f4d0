"""A guest without a kernel: follows a hub as `attach.py follow` does, with small hosts instead of vhci ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .host import Host, import_device


class Follower:
    def __init__(self) -> None:
        #: What is plugged in, or was: by port.
        self.ports: dict[int, Host] = {}

    async def follow(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while line := await reader.readline():
                order = json.loads(line)
                host = await import_device(order["server"], order["attach"])
                if host is None:
                    reply = {"id": order["id"], "error": "refused"}
                else:
                    self.ports[order["port"]] = host
                    reply = {"id": order["id"], "path": f"1-{order['port'] + 1}"}
                writer.write(json.dumps(reply).encode() + b"\n")
        finally:
            writer.transport.abort()

    @property
    def occupied(self) -> dict[int, str]:
        """Which bus ids are in which ports."""
        return {port: host.bus_id for port, host in sorted(self.ports.items()) if not host.ended.done()}


@asynccontextmanager
async def following(port: int) -> AsyncIterator[Follower]:
    follower = Follower()
    task = asyncio.create_task(follower.follow(port))
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for host in follower.ports.values():
            host.close()
            await host.ended
