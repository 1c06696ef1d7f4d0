#!/usr/bin/env python3
"""Goodput of transfers through the guest's cdc_acm, beside bare writes to a device of the same kind in the same run.

The devices take bytes no faster than USB at full speed does. Prints one JSON object a line. Needs the release build of fedbridge, fedbridge-bench and virtual-board.
"""

from __future__ import annotations

import asyncio
import pathlib
import sys
import tempfile

from machine.guest import PROGRAMS, Guest
from usb import Cables, Hub, PortBoard, UsbipServer, nano33ble
from usb.paced import PacedAcmDevice

BENCH = PROGRAMS / "fedbridge-bench"

#: What stands behind each port: a board; sessions that credit what a board does, and eight times that; a mere reader.
ENDS = {
    "board": ["--role", "board"], "session": ["--role", "session", "--credit", "4096"],
    "wide": ["--role", "session", "--credit", "32768"], "bare": ["--role", "bare"],
}


async def measure(guest: Guest, folder: pathlib.Path) -> str:
    async with UsbipServer() as server, Cables(server.port) as cables, Hub(server, cables.attach) as hub:
        follow = await asyncio.create_subprocess_exec(
            *guest.command(f"exec python3 Tests/LinuxGuest/guest/attach.py follow 10.0.2.2:{cables.port}", 3600),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
        try:
            await cables.guest(timeout=60)
            ports = {}
            for number, (name, words) in enumerate(ENDS.items()):
                link = folder / name
                firmware = PortBoard([BENCH, "serve", "--link", link, *words], link)
                descriptors = nano33ble.application(nano33ble.serial_number(0xB0 + number)).descriptors
                await hub.plug(hub.add(name, PacedAcmDevice(descriptors, firmware)), number)
                ports[name] = f"/dev/serial/by-id/usb-Arduino_Nano_33_BLE_{0xB0 + number:016X}-if00"
            waiting = " && ".join(f"[ -e {port} ]" for port in ports.values())
            # In a thread: this one serves the devices that are waited for.
            await asyncio.to_thread(guest.check, f"until {waiting}; do sleep 0.2; done; udevadm settle")
            return await asyncio.to_thread(
                guest.check, f"/srv/programs/fedbridge-bench carrier --name guest-usb --board {ports['board']} "
                f"--session {ports['session']} --session {ports['wide']} --bare {ports['bare']}", 300)
        finally:
            follow.kill()
            await follow.wait()


def main() -> int:
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(__doc__)
        return 0
    guest = Guest.start(lives_as_long_as_caller=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fedbridge-bench-") as folder:
            figures = asyncio.run(measure(guest, pathlib.Path(folder)))
    finally:
        guest.stop()
    print(figures.replace("guest-usb-2/", "guest-usb-credit-32768/"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
