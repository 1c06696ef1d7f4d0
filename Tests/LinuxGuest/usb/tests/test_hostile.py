"""Bytes that no kernel sends: the connection ends, the server goes on, and nothing grows."""

from __future__ import annotations

import asyncio
import random
import struct

import pytest

from .. import pdu
from ..usbip import MAXIMUM_OPEN_BYTES, MAXIMUM_OPEN_TRANSFERS
from .host import import_device, imported
from .support import PATIENCE, asynchronous, served
from .test_usbip import KeepsSilent

DEVICE = 0x10001


def command(
    *, code: int = pdu.SUBMIT, device: int = DEVICE, direction: int = 0, endpoint: int = 2, length: int = 0,
    packets: int = 0,
) -> bytes:
    return struct.pack(">IIIIIIiiii8x", code, 1, device, direction, endpoint, 0, length, 0, packets, 0)


VIOLATIONS = {
    "unknown command": command(code=9),
    "reply instead of a command": command(code=pdu.SUBMITTED),
    "another device": command(device=0x10002),
    "no direction": command(direction=2),
    "no endpoint": command(endpoint=16),
    "negative length": command(length=-1),
    "huge length": command(length=pdu.MAXIMUM_TRANSFER + 1),
    "largest length": command(length=0x7FFFFFFF),
    "isochronous": command(packets=1),
    "sequence number twice": command(direction=1, length=8) * 2,
}


@pytest.mark.parametrize("name", VIOLATIONS)
@asynchronous
async def test_a_violation_ends_the_connection_and_only_that(name: str) -> None:
    async with served(KeepsSilent()) as (device, server):
        async with imported(server.port) as host:
            host.writer.write(VIOLATIONS[name])
            await asyncio.wait_for(host.ended, PATIENCE)
        assert not device.is_attached
        async with imported(server.port) as host:
            await host.descriptor(1)


@asynchronous
async def test_the_transfers_that_may_wait_are_bounded() -> None:
    async with served(KeepsSilent()) as (device, server):
        async with imported(server.port) as host:
            for _ in range(MAXIMUM_OPEN_TRANSFERS):
                host.submit(2, True, 128)
            await device.until(lambda d: len(d.waiting[0x82]) == MAXIMUM_OPEN_TRANSFERS, PATIENCE)
            host.submit(2, True, 128)
            await asyncio.wait_for(host.ended, PATIENCE)
        async with imported(server.port) as host:
            for _ in range(MAXIMUM_OPEN_BYTES // pdu.MAXIMUM_TRANSFER + 1):
                host.submit(2, False, pdu.MAXIMUM_TRANSFER, bytes(pdu.MAXIMUM_TRANSFER))
            await asyncio.wait_for(host.ended, PATIENCE)


@asynchronous
async def test_connections_that_want_nothing_sensible_end() -> None:
    async with served() as (_, server):
        for opening in (b"", b"\x01", b"GET / HTTP/1.1\r\n\r\n", struct.pack(">HHI", 0x0106, pdu.REQUEST_LIST, 0),
                        struct.pack(">HHI", pdu.VERSION, pdu.REQUEST_IMPORT, 0) + b"1-1"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(opening)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()
        host = await import_device(server.port, "1-1")
        assert host is not None
        host.close()


@asynchronous
async def test_a_host_that_never_reads_is_not_served_without_end() -> None:
    async with served() as (device, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(struct.pack(">HHI", pdu.VERSION, pdu.REQUEST_IMPORT, 0) + b"1-1".ljust(32, b"\0"))
        await reader.readexactly(320)
        # Never read from again: its replies fill the sockets, then the server stops to read.
        get_line_coding = struct.pack("<BBHHH", 0xA1, 0x21, 0, 0, 7)
        sequence = 0
        try:
            while True:
                for _ in range(1000):
                    sequence += 1
                    head = struct.pack(">IIIIIIiiii", pdu.SUBMIT, sequence, DEVICE, 1, 0, 0, 7, 0, 0, 0)
                    writer.write(head + get_line_coding)
                await asyncio.wait_for(writer.drain(), 1)
        except TimeoutError:
            pass
        session = server._exports["1-1"].session
        assert session is not None
        # One reading of the socket may be answered beyond the mark, not more.
        assert session._writer.transport.get_write_buffer_size() < 512 * 1024
        writer.transport.abort()
        await device.until(lambda d: not d.is_attached, PATIENCE)


@pytest.mark.parametrize("seed", range(200))
def test_no_bytes_break_the_command_reader(seed: int) -> None:
    """Random bytes, and commands with a few of their bytes changed, in pieces of any size."""
    generator = random.Random(seed)
    stream = bytearray()
    for _ in range(20):
        stream += command(direction=generator.randrange(2), length=generator.randrange(200)) + generator.randbytes(100)
    if seed % 2:
        for _ in range(generator.randrange(1, 10)):
            stream[generator.randrange(len(stream))] = generator.randrange(256)
    reader = pdu.CommandReader()
    try:
        while stream:
            size = generator.randrange(1, 200)
            for found in reader.feed(bytes(stream[:size])):
                assert isinstance(found, pdu.Unlink) or 0 <= found.length <= pdu.MAXIMUM_TRANSFER
            del stream[:size]
    except pdu.ProtocolViolation:
        pass
    assert len(reader._buffer) <= pdu.MAXIMUM_TRANSFER + pdu.URB_BYTES + 200
