"""An air of emulated chips around the guest, and what those say who judge what was in it."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest_asyncio

from emulated import EmulatedAdapter, EmulatedAir
from machine.guest import Guest
from nrf52840.audit import Report, audit
from nrf52840.capture import write

from .air_desk import ARTEFACTS

#: Bonds, and what bluetoothd remembers.
FORGET = """
    for device in $(busctl tree org.bluez --list | grep -E '^/org/bluez/hci[0-9]+/dev_[0-9A-F_]+$'); do
      busctl call org.bluez ${device%/dev_*} org.bluez.Adapter1 RemoveDevice o $device
    done
    """


@pytest_asyncio.fixture(loop_scope="session")
async def air(guest: Guest) -> AsyncIterator[tuple[EmulatedAir, EmulatedAdapter]]:
    """An air with an adapter of the guest in it, which bluetoothd has taken up."""
    was_active = bool(guest.execute("systemctl is-active bluetooth"))
    async with EmulatedAir() as air:
        adapter = await air.adapter(guest)
        await adapter.plug()
        await asyncio.to_thread(guest.check, "systemctl start bluetooth")
        await adapter.until_ready()
        yield air, adapter
        print(f"{air.measure():.2f} virtual seconds in a real one")
        await asyncio.to_thread(guest.check, FORGET)
        await adapter.unplug()
        if not was_active:
            await asyncio.to_thread(guest.check, "systemctl stop bluetooth")


def judged(air: EmulatedAir, name: str) -> list[Report]:
    """What both judges say of all that was in the air."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.pcap"
    write(path, air.world.air, air.keys)
    reports = audit(air.world.air.log, air.keys)
    assert dissected(path, "_ws.malformed || btle.crc.incorrect || btle.crc.indeterminate") == []
    path.unlink()
    return reports


def dissected(path: pathlib.Path, wanted: str) -> list[str]:
    program = shutil.which("tshark")
    assert program, "no tshark; Scripts/install-dependencies --test installs it"
    return subprocess.run(
        [program, "-n", "-r", path, "-Y", wanted], check=True, capture_output=True, text=True).stdout.splitlines()
