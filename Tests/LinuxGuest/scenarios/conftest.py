"""One guest for all scenarios, with the project's udev rule in it; boards and gateways for each."""

from __future__ import annotations

import asyncio
import os
import pathlib
import tempfile
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from machine.guest import Guest
from radio import Radio
from usb import Cables, Hub, UsbipServer

from .air_desk import AirDesk, Recorder
from .desk import RULE, Desk, References

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tells fixtures whether the test that they served failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def guest() -> Iterator[Guest]:
    # While one works on a scenario, the guest that 'Scripts/guest start' left running saves the boot.
    running = Guest.running() if os.environ.get("FEDBRIDGE_GUEST_REUSE") else None
    guest = running or Guest.start(lives_as_long_as_caller=True)
    try:
        guest.check(f"cp udev/70-fedbridge.rules {RULE} && udevadm control --reload")
        yield guest
    finally:
        if guest is not running:
            guest.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cables(guest: Guest) -> AsyncIterator[tuple[UsbipServer, Cables]]:
    """The USB/IP server, and the guest's end of it."""
    async with UsbipServer() as server, Cables(server.port) as cables:
        follow = await asyncio.create_subprocess_exec(
            *guest.command(f"exec python3 Tests/LinuxGuest/guest/attach.py follow 10.0.2.2:{cables.port}", 7200),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
        try:
            await cables.guest(timeout=60)
            yield server, cables
        finally:
            follow.kill()
            await follow.wait()


@pytest.fixture
def seed() -> int:
    """Of what a scenario draws by lot; FEDBRIDGE_SEED names another."""
    seed = int(os.environ.get("FEDBRIDGE_SEED", "1"))
    print(f"FEDBRIDGE_SEED={seed}")
    return seed


@pytest.fixture(scope="session")
def references() -> Iterator[References]:
    with tempfile.TemporaryDirectory(prefix="fedbridge-reference-") as folder:
        yield References(pathlib.Path(folder))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(guest: Guest, cables: tuple[UsbipServer, Cables], references: References) -> AsyncIterator[Desk]:
    server, hands = cables
    # A short name: pseudo-terminals are linked in it.
    with tempfile.TemporaryDirectory(prefix="fedbridge-desk-") as folder:
        desk = Desk(guest, Hub(server, hands.attach), pathlib.Path(folder), references)
        try:
            yield desk
        finally:
            await desk.clear()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def radio(guest: Guest) -> AsyncIterator[tuple[Radio, Recorder]]:
    """A radio with an adapter in the guest, and bluetoothd there."""
    async with Radio(guest) as radio:
        adapter = await radio.adapter()
        await adapter.plug()
        recorder = Recorder(guest)
        await recorder.start()
        await asyncio.to_thread(guest.check, "systemctl start bluetooth")
        await adapter.until_ready()
        try:
            yield radio, recorder
        finally:
            await recorder.stop()
            await asyncio.to_thread(guest.check, "systemctl stop bluetooth")


@pytest_asyncio.fixture(loop_scope="session")
async def air_desk(
    request: pytest.FixtureRequest, guest: Guest, cables: tuple[UsbipServer, Cables], references: References,
    radio: tuple[Radio, Recorder],
) -> AsyncIterator[AirDesk]:
    server, hands = cables
    with tempfile.TemporaryDirectory(prefix="fedbridge-desk-") as folder:
        desk = AirDesk(guest, Hub(server, hands.attach), pathlib.Path(folder), references, *radio)
        try:
            yield desk
        finally:
            if request.node.stash.get(FAILED, False):
                await desk.keep(request.node.name)
            await desk.clear()
