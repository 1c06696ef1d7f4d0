"""A bus that takes its time."""

from __future__ import annotations

import asyncio
import os

from .. import nano33ble
from ..firmware import EchoFirmware
from ..paced import PacedAcmDevice
from .support import SERIAL, asynchronous, connected

RATE = 20_000


@asynchronous
async def test_bytes_pass_unchanged_and_no_faster_than_the_bus() -> None:
    descriptors = nano33ble.application(SERIAL).descriptors
    async with connected(device=PacedAcmDevice(descriptors, EchoFirmware(), rate=RATE)) as (device, host):
        await host.open()
        sent = os.urandom(4000)
        begun = asyncio.get_running_loop().time()

        async def write() -> None:
            for start in range(0, len(sent), 500):
                await host.write(sent[start : start + 500])

        writing = asyncio.create_task(write())
        assert await host.read(len(sent)) == sent
        await writing
        assert asyncio.get_running_loop().time() - begun >= 0.9 * len(sent) / RATE
        assert device.bytes_from_host == len(sent)
