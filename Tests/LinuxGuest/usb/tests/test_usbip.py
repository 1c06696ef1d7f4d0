"""The server as a kernel sees it: lists, imports, transfers and their ends."""

from __future__ import annotations

import asyncio
import errno
import struct

from .. import nano33ble, pdu
from ..firmware import EchoFirmware, Firmware
from ..usbip import UsbipServer
from .host import RECORD_BYTES, import_device, imported, request
from .support import PATIENCE, SERIAL, asynchronous, connected, served


class KeepsSilent(Firmware):
    """Takes nothing and gives nothing: all bulk transfers stay under way."""

    def readable(self) -> None:
        pass


@asynchronous
async def test_a_list_names_every_device_with_its_interfaces() -> None:
    async with UsbipServer() as server:
        for number in (1, 2):
            server.add(f"1-{number}", nano33ble.application(SERIAL))
        reader, writer, status = await request(server.port, pdu.REQUEST_LIST)
        assert status == 0
        assert struct.unpack(">I", await reader.readexactly(4)) == (2,)
        for number in (1, 2):
            record = await reader.readexactly(RECORD_BYTES)
            assert record[256:288].rstrip(b"\0") == f"1-{number}".encode()
            assert struct.unpack_from(">IIIHHHBBBBBB", record, 288) == (
                1, number, 2, 0x2341, 0x805A, 0x0100, 0xEF, 2, 1, 1, 1, 2)
            assert await reader.readexactly(8) == bytes([2, 2, 0, 0, 10, 0, 0, 0])
        assert await reader.read() == b""
        writer.close()


@asynchronous
async def test_a_device_is_imported_once_at_a_time() -> None:
    async with served() as (device, server):
        async with imported(server.port):
            assert device.is_attached
            assert await import_device(server.port, "1-1") is None
        await device.until(lambda d: not d.is_attached, PATIENCE)
        async with imported(server.port):
            assert device.attach_count == 2


@asynchronous
async def test_what_is_not_there_is_refused() -> None:
    async with served() as (_, server):
        for bus_id in ("1-9", "", "x" * 32, "\x7f"):
            assert await import_device(server.port, bus_id) is None
        server.remove("1-1")
        assert await import_device(server.port, "1-1") is None


@asynchronous
async def test_pulling_the_cable_ends_transfers_under_way() -> None:
    async with served(KeepsSilent()) as (device, server), imported(server.port) as host:
        await host.open()
        _, reading = host.submit(2, True, 128)
        _, writing = host.submit(2, False, 1000, bytes(1000))
        await device.until(lambda d: d.waiting[0x82] and d.waiting[0x02], PATIENCE)
        server.detach("1-1")
        assert not device.is_attached and not device.dtr
        await host.ended
        assert reading.cancelled() and writing.cancelled()
        # It lies there for the next one.
        async with imported(server.port) as next_host:
            assert await next_host.string(3) == SERIAL


@asynchronous
async def test_a_device_added_again_keeps_its_number() -> None:
    async with served() as (device, server):
        server.add("1-2", nano33ble.application("00000000000000B2"))
        server.remove("1-1")
        server.add("1-1", device)
        async with imported(server.port, "1-1") as one, imported(server.port, "1-2") as two:
            assert (one.number, two.number) == (1, 2)


@asynchronous
async def test_an_unlinked_transfer_ends_once_and_its_bytes_go_to_the_next() -> None:
    async with connected(KeepsSilent()) as (device, host):
        await host.open()
        victim, first = host.submit(2, True, 128)
        _, second = host.submit(2, True, 128)
        assert (await host.unlink(victim))[0] == -errno.ECONNRESET
        assert device.send(b"for the second") == 14
        assert await second == (0, b"for the second")
        assert not first.done()


@asynchronous
async def test_unlinking_what_has_ended_says_so() -> None:
    async with connected() as (_, host):
        await host.open()
        sequence, writing = host.submit(2, False, 3, b"abc")
        assert (await writing)[0] == 0
        assert (await host.unlink(sequence))[0] == 0
        assert (await host.unlink(999_999))[0] == 0


@asynchronous
async def test_a_write_that_was_taken_in_part_and_unlinked_leaves_no_trace() -> None:
    async with connected(KeepsSilent()) as (device, host):
        await host.open()
        victim, _ = host.submit(2, False, 10, b"0123456789")
        await device.until(lambda d: d.waiting[0x02], PATIENCE)
        device.consume(4)
        assert (await host.unlink(victim))[0] == -errno.ECONNRESET
        _, writing = host.submit(2, False, 3, b"new")
        await device.until(lambda d: d.waiting[0x02], PATIENCE)
        assert device.peek() == b"new"
        device.consume(3)
        assert (await writing)[0] == 0


@asynchronous
async def test_an_endpoint_that_does_not_exist_answers_nothing() -> None:
    async with connected() as (_, host):
        assert (await host.submit(7, True, 64)[1])[0] == -errno.EPROTO


@asynchronous
async def test_transfers_of_many_hosts_do_not_mix() -> None:
    """Eight boards at once, each with an echo of its own."""
    async with UsbipServer() as server:
        for number in range(8):
            server.add(f"1-{number}", nano33ble.application(f"{number:016X}", EchoFirmware()))

        async def use(number: int) -> None:
            async with imported(server.port, f"1-{number}") as host:
                await host.open()
                for turn in range(20):
                    text = f"board {number} turn {turn} ".encode() * 20
                    _, answer = await asyncio.gather(host.write(text), host.read(len(text)))
                    assert answer == text

        await asyncio.gather(*(use(number) for number in range(8)))
