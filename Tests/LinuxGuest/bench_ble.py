#!/usr/bin/env python3
"""What the gateway moves over Bluetooth, through the guest's BlueZ, beside bare L2CAP and bare GATT in the same run.

The air is as slow as a real one; each figure of a transfer says its pace. Prints one JSON object a line. Needs the release
build of fedbridge and virtual-board, and the Python packages of Scripts/install-dependencies --test.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from machine.guest import Guest
from radio import AirBoard, Radio
from radio.pump import BarePump
from radio.transcript import Transcript
from scenarios import wide
from scenarios.gateway import Gateway
from scenarios.reference import PROGRAMS, identity
from usb import Cables, Hub, UsbipServer

RULE = "/etc/udev/rules.d/70-fedbridge.rules"
#: Bytes a second in each direction: about what L2CAP, and commands and notifications, reach between a Nano 33 BLE and a
#: laptop.
L2CAP_PACE, GATT_PACE = 60_000, 20_000
LIMIT = 120.0
FIGURES = ["exchange", "joining", "l2cap", "gatt"]


def report(bench: str, value: float, unit: str) -> None:
    digits = 4 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    print(json.dumps({"bench": bench, "value": round(value, digits), "unit": unit}), flush=True)


@dataclasses.dataclass(frozen=True)
class Data:
    """Examples whose model has so many features and classes besides the 32 hidden outputs that the gateway gives it."""

    features: int
    classes: int

    def write(self, path: pathlib.Path) -> pathlib.Path:
        count = 4 * self.classes
        labels = [number % self.classes for number in range(count)]
        features = np.random.default_rng(5).integers(-40, 41, size=(count, self.features)).astype(np.int8)
        # Two examples a class to learn with, two to judge by.
        splits = [wide.fbds.TRAIN] * (count // 2) + [wide.fbds.TEST] * (count // 2)
        path.write_bytes(wide.fbds.encode(
            path.stem, [f"class {number}" for number in range(self.classes)], 0.02, features, labels, [0] * count, splits))
        return path


#: A model of 65,412 bytes, and one of TinyFedTL's 514 parameters.
OBJECT, TINY = Data(484, 25), Data(13, 2)


class Bench:
    """An air with an adapter in the guest."""

    def __init__(self, guest: Guest, radio: Radio, hub: Hub, folder: pathlib.Path, quick: bool) -> None:
        self.guest, self.radio, self.hub, self.folder, self.quick = guest, radio, hub, folder, quick
        self.pump = BarePump(guest, radio.air)
        self._boards = 0

    async def board(self, data: pathlib.Path, pairing: str = "just-works", cable: bool = False) -> AirBoard:
        self._boards += 1
        board = await self.radio.board(
            f"board-{self._boards}", identity(self._boards), PROGRAMS / "virtual-board", self.folder,
            ["--data", data, "--pairing", pairing], cable=self.hub if cable else None)
        await board.power_on()
        await board.until_advertising()
        return board

    @contextlib.asynccontextmanager
    async def gateway(self, data: pathlib.Path, *options: str, permits: bool = True) -> AsyncIterator[Gateway]:
        """One that lets strangers join if it `permits` that."""
        shared = self.guest.run / "share" / data.name
        shared.write_bytes(data.read_bytes())
        gateway = await Gateway.start(
            self.guest, "--dataset", f"/srv/share/{data.name}", "--codec", "float32", *options)
        try:
            if permits:
                await asyncio.to_thread(
                    self.guest.check, f"/srv/programs/fedbridge permit-join --for 60m --state-dir {gateway.state}")
            yield gateway
        finally:
            await gateway.stop()

    # Figures.

    async def transfers(self, carrier: str, pace: int, bare: str, options: list[str]) -> None:
        """The object down and up, between two bare pumps in each direction."""
        data = OBJECT.write(self.folder / f"wide-{carrier}.fbds")
        self.radio.air.pace = pace
        count = 3 if self.quick else 9
        size = 65_412
        rates: dict[bool, list[float]] = {True: [], False: []}

        async def pump() -> None:
            for is_down in (True, False):
                rates[is_down].append(await self.pump.octets_a_second(bare, is_down, 3 * size))

        await pump()
        board = await self.board(data)
        transcript = Transcript(self.radio.air, board.chip)
        async with self.gateway(data, "--rounds", str(count), *options) as gateway:
            await gateway.held()
        await self.radio.clear()
        self.radio.air.pace = pace
        await pump()
        for is_down, direction in ((True, "down"), (False, "up")):
            of_it = [each for each in transcript.transfers if each.is_down == is_down and each.confirmed is not None]
            length = of_it[0].length
            ours = statistics.median(length / each.seconds for each in of_it)
            overhead = statistics.median(each.carried / each.length - 1 for each in of_it)
            path = f"transfer/{length}/ble-{carrier}-{direction}-at-{pace // 1000}"
            report(f"{path}/goodput_kb_per_s", ours / 1000, "kB/s")
            report(f"{path}/bare_kb_per_s", statistics.mean(rates[is_down]) / 1000, "kB/s")
            report(f"{path}/goodput_ratio", ours / statistics.mean(rates[is_down]), "ratio")
            # Without the turnarounds before the first piece and after the last one.
            flowing = statistics.median((length - 1024) / (each.chunks[-1] - each.chunks[0]) for each in of_it)
            report(f"{path}/flow_ratio", flowing / statistics.mean(rates[is_down]), "ratio")
            report(f"{path}/overhead_ratio", overhead, "ratio")

    async def exchange(self, pace: int | None) -> None:
        """514 parameters down and up, with training on four examples in between: from the model's offer to the word that
        the update is stored."""
        data = TINY.write(self.folder / f"tiny-{pace}.fbds")
        self.radio.air.pace = pace
        board = await self.board(data)
        transcript = Transcript(self.radio.air, board.chip)
        async with self.gateway(data, "--rounds", "5" if self.quick else "21") as gateway:
            await gateway.held()
        await self.radio.clear()
        done = [each for each in transcript.transfers if each.confirmed is not None]
        times = [up.confirmed - down.offered for down, up in zip(done, done[1:]) if down.is_down and not up.is_down]
        name = "exchange/tinyfedtl/ble" + (f"-at-{pace // 1000}" if pace else "")
        report(f"{name}/ms", statistics.median(times) * 1000, "ms")
        report(f"{name}/speedup", 62 / statistics.median(times), "ratio")
        report(f"{name}/bare_turnaround/ms", await self.pump.turnaround() * 1000, "ms")

    async def joining(self) -> None:
        """How long it takes until a model arrives at a board that is known, and until one is known."""
        data = OBJECT.write(self.folder / "wide-joining.fbds")
        self.radio.air.pace = L2CAP_PACE
        board = await self.board(data, pairing="cable", cable=True)
        transcript = Transcript(self.radio.air, board.chip)
        async with self.gateway(data, permits=False) as gateway:
            await gateway.line("is near")
            assert board.usb is not None
            await self.hub.plug(board.usb, 0)
            # By then the board has the secret too.
            await gateway.line("contribution to round 1 stored")
            self.hub.unplug(board.usb)
            unplugged = time.monotonic()
            await board.line("paired", timeout=LIMIT)
            paired = time.monotonic()
            report("ble/pairing_by_cable/ms", (paired - transcript.connections[-1]) * 1000, "ms")
            await until(lambda: bool(transcript.greetings))
            report("ble/cable_pulled_to_greeting/ms", (transcript.greetings[0] - unplugged) * 1000, "ms")
            for name, interrupt in (("link_loss", self._lose), ("reset", self._start_anew)):
                times = [await self._return(transcript, interrupt, board, gateway) for _ in range(3 if self.quick else 7)]
                report(f"ble/advertisement_to_first_chunk/after_{name}/ms", statistics.median(times) * 1000, "ms")
        await self.radio.clear()

    async def _return(
        self, transcript: Transcript, interrupt: Callable[[AirBoard, Gateway], Awaitable[None]], board: AirBoard,
        gateway: Gateway,
    ) -> float:
        """Seconds from the first advertisement after an interruption in the middle of a model to the next piece of one."""
        chunks = len(transcript.chunks)
        await until(lambda: len(transcript.chunks) > chunks)
        await interrupt(board, gateway)
        chunks, advertisements = len(transcript.chunks), len(transcript.advertisements)
        await until(lambda: len(transcript.chunks) > chunks)
        return transcript.chunks[chunks] - transcript.advertisements[advertisements]

    async def _lose(self, board: AirBoard, _: Gateway) -> None:
        board.lose_link()

    async def _start_anew(self, board: AirBoard, gateway: Gateway) -> None:
        """Without power until the gateway has noticed."""
        told = len(gateway.lines)
        board.power_off()
        await board.program.gone()
        await gateway.line("link closed", told)
        await board.power_on()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.01)


async def measure(guest: Guest, folder: pathlib.Path, what: list[str], quick: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(UsbipServer())
        cables = await stack.enter_async_context(Cables(server.port))
        hub = await stack.enter_async_context(Hub(server, cables.attach))
        follow = await asyncio.create_subprocess_exec(
            *guest.command(f"exec python3 Tests/LinuxGuest/guest/attach.py follow 10.0.2.2:{cables.port}", 3600),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
        stack.push_async_callback(follow.wait)
        stack.callback(follow.kill)
        await cables.guest(timeout=60)
        radio = await stack.enter_async_context(Radio(guest))
        adapter = await radio.adapter()
        await adapter.plug()
        await asyncio.to_thread(
            guest.check, f"cp udev/70-fedbridge.rules {RULE} && udevadm control --reload && systemctl start bluetooth")
        await adapter.until_ready()
        bench = Bench(guest, radio, hub, folder, quick)
        if "exchange" in what:
            await bench.exchange(None)
            await bench.exchange(L2CAP_PACE)
        if "joining" in what:
            await bench.joining()
        if "l2cap" in what:
            await bench.transfers("l2cap", L2CAP_PACE, "channel {address} --mtu 1040", [])
        if "gatt" in what:
            await bench.transfers("gatt", GATT_PACE, "att {address}", ["--bluetooth-carrier", "gatt"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], *FIGURES], help="exchange, joining, l2cap, gatt; all without a name")
    parser.add_argument("--quick", action="store_true", help="fewer of each")
    arguments = parser.parse_args()
    running = Guest.running() if os.environ.get("FEDBRIDGE_GUEST_REUSE") else None
    guest = running or Guest.start(lives_as_long_as_caller=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fedbridge-bench-") as folder:
            asyncio.run(measure(guest, pathlib.Path(folder), arguments.what or FIGURES, arguments.quick))
    finally:
        if guest is not running:
            guest.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
