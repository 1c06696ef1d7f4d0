"""Prints what an encrypted connection with the board moves on the model, beside what fits the air.

    PYTHONPATH=Tests/Emulation .venv/bin/python -m tests.air_goodput [down] [up]

`down`: SDUs of 1040 octets, which the board takes and drops, since they are no frames; for both PHYs and some
intervals. The limit is what LL data PDUs of 251 octets move that have time in an interval with their MICs, empty
answers and inter-frame spaces; L2CAP's headers are not subtracted from it.

`up`: the real gateway (FEDBRIDGE_PROGRAM, else the release build) holds rounds with the board. What the SDUs with an
update's chunks move from the first one to the last one; and TinyFedTL's exchange, 514 parameters down and up with
training on four examples in between, from the model's offer to the word that the update is stored. The gateway's clock
is the real one, by which the board is slow: exchanges in which it lost patience and sent a chunk twice do not count.

Each line is a JSON object {"bench": …, "value": …, "unit": …}.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import pathlib
import statistics
import tempfile
from collections.abc import AsyncIterator

import numpy as np
from bumble.device import Connection
from bumble.hci import Phy as BumblePhy
from bumble.l2cap import LeCreditBasedChannel, LeCreditBasedChannelSpec
from nrf52840 import SECOND
from nrf52840.air import Packet, Phy
from nrf52840.audit import audit
from nrf52840.ciphers import MIC
from peers.central.link import LONG
from peers.central.station import INTER_FRAME_SPACE, duration

from .air_bumble import Central
from .air_central import Encounter, paired
from .air_gateway import Gateway, Story, Transfer, fbds
from .air_peers import by_board, is_data
from .board import new_flash

#: Protocols/gatt.md, section 4, and the longest frame that the board announces.
PSM, FRAME = 0x80, 1040
SDUS = 60
#: Where the image looks for examples (Firmware/Linker/nano33ble.ld).
EXAMPLES = 0x5_0000
#: Octets of an object in a chunk.
CHUNK = 1024
#: In units of 1.25 ms.
INTERVALS = (6, 12, 24, 40)
UNIT_MS = 1.25


def tell(bench: str, value: float, unit: str) -> None:
    print(json.dumps({"bench": bench, "value": round(value, 3), "unit": unit}), flush=True)


def limit(phy: Phy, interval: int) -> float:
    """Octets a second of full packets with empty answers."""
    pair = duration(phy, LONG + MIC) + duration(phy, 0) + 2 * INTER_FRAME_SPACE
    length = interval * SECOND // 800
    return length // pair * LONG * SECOND / length


class Carrier:
    """A channel to a board that has paired, with long packets."""

    def __init__(self, meeting: Encounter, central: Central, connection: Connection) -> None:
        self.meeting, self.central, self.connection = meeting, central, connection
        self.channel: LeCreditBasedChannel

    async def open(self) -> None:
        await self.central.until(self.connection.set_data_length(LONG, 2120))
        self.channel = await self.central.until(
            self.connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=PSM, mtu=1100)))
        # The board asks for another interval now.
        await self.wait(1000)

    async def wait(self, milliseconds: int) -> None:
        begin = self.meeting.world.now
        await self.central.until(self._passed(begin + milliseconds * SECOND // 1000))

    async def _passed(self, time: int) -> None:
        while self.meeting.world.now < time:
            await asyncio.sleep(0)

    async def change(self, phy: Phy, interval: int) -> None:
        wanted = BumblePhy.LE_1M if phy is Phy.LE_1M else BumblePhy.LE_2M
        await self.central.until(self.connection.set_phy([wanted], [wanted]))
        milliseconds = interval * UNIT_MS
        await self.central.until(self.connection.update_parameters(milliseconds, milliseconds, 0, 4000))
        await self.wait(1000)
        link = self.meeting.central.link
        assert link is not None
        assert (link.phy_out, link.phy_in, link.parameters.interval) == (phy, phy, interval)

    async def down(self) -> tuple[float, list[Packet]]:
        """Octets a second of SDUs, and the packets of it."""
        since = self.meeting.mark
        for _ in range(SDUS):
            self.channel.write(bytes(FRAME))
        await self.central.until(self.channel.drain())
        await self.wait(500)
        packets = self.meeting.packets(since, is_data)
        long = [packet for packet in packets if not by_board(packet) and len(packet.pdu) > 2 + 27]
        during = [packet for packet in packets if long[0].start <= packet.start <= long[-1].end]
        return SDUS * FRAME * SECOND / (long[-1].end - long[0].start), during


async def down() -> None:
    meeting, central, connection = await paired()
    carrier = Carrier(meeting, central, connection)
    await carrier.open()
    for phy in Phy:
        for interval in INTERVALS:
            await carrier.change(phy, interval)
            rate, packets = await carrier.down()
            name = f"ble/{phy.name[3:]}/{interval * UNIT_MS:g}ms/down"
            tell(f"{name}/goodput_kb_per_s", rate / 1000, "kB/s")
            tell(f"{name}/limit_kb_per_s", limit(phy, interval) / 1000, "kB/s")
            tell(f"{name}/goodput_ratio", rate / limit(phy, interval), "ratio")
    audit(meeting.world.air.log, meeting.keys)
    assert meeting.board.resets == [None]


@dataclasses.dataclass(frozen=True)
class Data:
    """Examples, two a class to learn with and two to judge by; the gateway's model has 32 hidden outputs besides."""

    features: int
    classes: int

    def encode(self) -> bytes:
        count = 4 * self.classes
        labels = [number % self.classes for number in range(count)]
        features = np.random.default_rng(5).integers(-40, 41, size=(count, self.features)).astype(np.int8)
        splits = [fbds.TRAIN] * (count // 2) + [fbds.TEST] * (count // 2)
        names = [f"class {number}" for number in range(self.classes)]
        return fbds.encode("examples", names, 0.02, features, labels, [0] * count, splits)


#: A model of 65,412 bytes, and one of TinyFedTL's 514 parameters, as Tests/LinuxGuest/bench_ble.py has them.
OBJECT, TINY = Data(484, 25), Data(13, 2)


@contextlib.asynccontextmanager
async def rounds(data: Data, phy: Phy, interval: int, count: int) -> AsyncIterator[Story]:
    """What the real gateway and a board with such examples say to each other."""
    examples = data.encode()
    flash = new_flash()
    flash.load(EXAMPLES, examples)
    meeting, central, connection = await paired(flash=flash)
    carrier = Carrier(meeting, central, connection)
    await carrier.open()
    await carrier.change(phy, interval)
    with tempfile.TemporaryDirectory(prefix="fedbridge-air-") as name:
        folder = pathlib.Path(name)
        (folder / "examples.fbds").write_bytes(examples)
        gateway = Gateway(
            meeting.world, carrier.channel, folder, "--dataset", str(folder / "examples.fbds"), "--codec", "float32",
            "--rounds", str(count))
        try:
            await central.until(gateway.held(), 120_000)
            yield gateway.story
        finally:
            gateway.close()
    audit(meeting.world.air.log, meeting.keys)
    assert meeting.board.resets == [None]


async def up() -> None:
    for phy in Phy:
        for interval in INTERVALS[:2]:
            name = f"ble/{phy.name[3:]}/{interval * UNIT_MS:g}ms"
            async with rounds(OBJECT, phy, interval, 1) as story:
                update = next(each for each in story.transfers if not each.is_down and each.confirmed is not None)
                # A header of 16 octets for each.
                octets = update.length - CHUNK + 16 * (len(update.chunks) - 1)
                rate = octets / (update.chunks[-1] - update.chunks[0])
                tell(f"{name}/up/goodput_kb_per_s", rate / 1000, "kB/s")
                tell(f"{name}/up/goodput_ratio", rate / limit(phy, interval), "ratio")
            async with rounds(TINY, phy, interval, 9) as story:
                done = [each for each in story.transfers if each.confirmed is not None]
                times = [back.confirmed - there.offered for there, back in zip(done, done[1:])
                         if there.is_down and not back.is_down and is_smooth(there) and is_smooth(back)]
                tell(f"{name}/exchange/tinyfedtl/ms", statistics.median(times) * 1000, "ms")
                tell(f"{name}/exchange/tinyfedtl/count", len(times), "")


def is_smooth(transfer: Transfer) -> bool:
    return len(transfer.chunks) == -(-transfer.length // CHUNK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], "down", "up"])
    what = parser.parse_args().what or ["down", "up"]
    # Bumble warns of what the controller does not have.
    logging.disable(logging.WARNING)
    if "down" in what:
        asyncio.run(down())
    if "up" in what:
        asyncio.run(up())


if __name__ == "__main__":
    main()
