"""Running a test's coroutine with a time limit, and a server with a device on it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from .. import nano33ble
from ..cdc_acm import AcmDevice
from ..firmware import EchoFirmware, Firmware
from ..usbip import UsbipServer
from .host import Host, imported

SERIAL = "00000000000000A1"
#: Seconds; what a test waits for takes milliseconds, on a machine that has something else to do a few hundred of them.
PATIENCE = 20.0


def asynchronous(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a coroutine a test that ends, one way or the other."""

    @functools.wraps(test)
    def run(*arguments: Any, **options: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **options), 3 * PATIENCE))

    return run


@asynccontextmanager
async def served(
    firmware: Firmware | None = None, device: AcmDevice | None = None
) -> AsyncIterator[tuple[AcmDevice, UsbipServer]]:
    """A board on a server, not imported by anyone."""
    device = device or nano33ble.application(SERIAL, firmware or EchoFirmware())
    async with UsbipServer() as server:
        server.add("1-1", device)
        yield device, server


@asynccontextmanager
async def connected(
    firmware: Firmware | None = None, device: AcmDevice | None = None
) -> AsyncIterator[tuple[AcmDevice, Host]]:
    """A board that a host has imported."""
    async with served(firmware, device) as (board, server), imported(server.port) as host:
        yield board, host
