"""A small host: enough USB/IP, and enough of Linux's cdc_acm, to use a device without a kernel."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import pdu

RECORD_BYTES = 312


class Host:
    """One imported device. Transfers are futures, so several can be under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytes) -> None:
        self._reader = reader
        self.writer = writer
        self.bus_id = record[256:288].rstrip(b"\0").decode()
        self.bus, self.number, self.speed, self.vendor, self.product = struct.unpack_from(">IIIHH", record, 288)
        self._sequence = 0
        self._open: dict[int, tuple[bool, asyncio.Future[tuple[int, bytes]]]] = {}
        #: Resolved when the server has ended the connection.
        self.ended: asyncio.Task[None] = asyncio.create_task(self._receive())

    def submit(
        self, endpoint: int, is_in: bool, length: int, data: bytes = b"", setup: bytes = bytes(8)
    ) -> tuple[int, asyncio.Future[tuple[int, bytes]]]:
        """Begins a transfer. Its future gives the status and, in: the bytes, out: zeros, as many as were taken."""
        self._sequence += 1
        self.writer.write(struct.pack(
            ">IIIIIIiiii8s", pdu.SUBMIT, self._sequence, self.bus << 16 | self.number, is_in, endpoint, 0, length, 0, 0,
            0, setup) + data)
        future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._open[self._sequence] = (is_in, future)
        return self._sequence, future

    def unlink(self, victim: int) -> asyncio.Future[tuple[int, bytes]]:
        self._sequence += 1
        self.writer.write(struct.pack(
            ">IIIIII24x", pdu.UNLINK, self._sequence, self.bus << 16 | self.number, 0, 0, victim))
        future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._open[self._sequence] = (False, future)
        return future

    async def control(
        self, kind: int, request: int, value: int = 0, length: int = 0, data: bytes = b""
    ) -> tuple[int, bytes]:
        length = length or len(data)
        setup = struct.pack("<BBHHH", kind, request, value, 0, length)
        return await self.submit(0, bool(kind & 0x80), length, data, setup)[1]

    async def descriptor(self, kind: int, index: int = 0, length: int = 255) -> bytes:
        status, data = await self.control(0x80, 6, kind << 8 | index, length)
        assert status == 0, f"descriptor {kind}: {status}"
        return data

    async def string(self, index: int) -> str:
        return (await self.descriptor(3, index))[2:].decode("utf-16le")

    async def open(self, rate: int = 115200) -> None:
        """Configures the device and opens its port, as cdc_acm does."""
        await self.control(0x00, 9, 1)
        await self.line_coding(rate)
        await self.lines(3)

    async def line_coding(self, rate: int) -> None:
        status, _ = await self.control(0x21, 0x20, data=struct.pack("<IBBB", rate, 0, 0, 8))
        assert status == 0

    async def lines(self, lines: int) -> None:
        status, _ = await self.control(0x21, 0x22, lines)
        assert status == 0

    async def write(self, data: bytes) -> None:
        status, taken = await self.submit(2, False, len(data), data)[1]
        assert (status, len(taken)) == (0, len(data))

    async def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            status, piece = await self.submit(2, True, min(128, count - len(data)))[1]
            assert status == 0
            data += piece
        return data

    async def _receive(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(48)
                code, sequence, _, _, _, status, count = struct.unpack_from(">IIIIIii", header)
                is_in, future = self._open.pop(sequence)
                data = b""
                if code == pdu.SUBMITTED:
                    data = await self._reader.readexactly(count) if is_in else bytes(count)
                future.set_result((status, data))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for _, future in self._open.values():
                future.cancel()
            self.writer.close()

    def close(self) -> None:
        self.writer.transport.abort()


async def request(port: int, code: int, body: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
    """Asks the server for something: the connection and the status it answers with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack(">HHI", pdu.VERSION, code, 0) + body)
    _, _, status = struct.unpack(">HHI", await reader.readexactly(8))
    return reader, writer, status


async def import_device(port: int, bus_id: str) -> Host | None:
    """The device, or None if the server refuses."""
    reader, writer, status = await request(port, pdu.REQUEST_IMPORT, bus_id.encode().ljust(32, b"\0"))
    if status:
        writer.close()
        return None
    return Host(reader, writer, await reader.readexactly(RECORD_BYTES))


@asynccontextmanager
async def imported(port: int, bus_id: str = "1-1") -> AsyncIterator[Host]:
    host = await import_device(port, bus_id)
    assert host is not None, f"import of {bus_id} was refused"
    try:
        yield host
    finally:
        host.close()
        await host.ended
