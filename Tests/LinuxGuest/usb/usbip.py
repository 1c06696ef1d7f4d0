"""A USB/IP server: devices of this process, for the vhci_hcd of some Linux kernel.

One connection carries one imported device for as long as it stays plugged in, so pulling the cable is aborting the
connection. A device can be imported once at a time.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from . import pdu
from .device import Setup, Transfer, UsbDevice

log = logging.getLogger(__name__)

BUS = 1
#: A host that has more transfers under way than this is none. cdc_acm has 16 reads, 16 writes and one interrupt.
MAXIMUM_OPEN_TRANSFERS = 256
#: The same for the bytes that these hold.
MAXIMUM_OPEN_BYTES = 1 << 20
#: Seconds that a connection may take to say what it wants.
REQUEST_TIMEOUT = 10.0


class Export:
    """A device under its bus id, and the connection that has imported it, if any."""

    def __init__(self, bus_id: str, number: int, device: UsbDevice) -> None:
        self.bus_id = bus_id
        self.number = number
        self.device = device
        self.session: Session | None = None

    @property
    def device_id(self) -> int:
        return BUS << 16 | self.number

    def record(self) -> bytes:
        return pdu.device_record(self.bus_id, BUS, self.number, self.device.speed, self.device.summary)

    def detach(self) -> None:
        """Pulls the cable: the host sees the bus end at once, in the middle of whatever it did."""
        if self.session is not None:
            self.session.end()


class Session:
    """One imported device: commands in, replies out, and the transfers that wait in between."""

    def __init__(self, export: Export, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._export = export
        self._device = export.device
        self._reader = reader
        self._writer = writer
        self._open: dict[int, Transfer] = {}
        self._sequence: dict[Transfer, int] = {}
        self._open_bytes = 0
        self._replies = bytearray()
        self._has_begun = self._has_ended = False

    async def run(self) -> None:
        """Serves the device until the connection ends, from whichever side."""
        if self._has_ended:
            return
        commands = pdu.CommandReader()
        self._has_begun = True
        self._device.attached()
        try:
            while data := await self._reader.read(65536):
                for command in commands.feed(data):
                    self._handle(command)
                    if self._has_ended:
                        return
                # Whoever sends and never reads gets no further than this.
                await self._writer.drain()
        except pdu.ProtocolViolation as violation:
            log.warning("%s: host dropped: %s", self._export.bus_id, violation)
        except ConnectionError:
            pass
        finally:
            self.end()

    def end(self) -> None:
        """Ends the connection without ceremony. What had not been sent yet is not sent any more."""
        if self._has_ended:
            return
        self._has_ended = True
        for transfer in self._open.values():
            transfer.withdraw()
        self._open.clear()
        self._sequence.clear()
        self._replies.clear()
        self._writer.transport.abort()
        self._export.session = None
        if self._has_begun:
            self._device.detached()

    def _handle(self, command: pdu.Submit | pdu.Unlink) -> None:
        if command.device != self._export.device_id:
            raise pdu.ProtocolViolation(f"command for device {command.device:#x}")
        if isinstance(command, pdu.Unlink):
            self._unlink(command)
        else:
            self._submit(command)

    def _submit(self, command: pdu.Submit) -> None:
        if command.sequence in self._open:
            raise pdu.ProtocolViolation(f"sequence number {command.sequence} twice")
        if len(self._open) >= MAXIMUM_OPEN_TRANSFERS or self._open_bytes + command.length > MAXIMUM_OPEN_BYTES:
            raise pdu.ProtocolViolation("too many transfers at once")
        transfer = Transfer(
            command.endpoint, command.is_in, command.length, Setup.parse(command.setup), command.data, self._answer)
        self._open[command.sequence] = transfer
        self._sequence[transfer] = command.sequence
        self._open_bytes += command.length
        self._device.submit(transfer)

    def _unlink(self, command: pdu.Unlink) -> None:
        transfer = self._open.get(command.victim)
        if transfer is None:
            # Its reply was under way already. The host knows what to make of this.
            self._reply(pdu.unlinked(command.sequence, 0))
            return
        self._forget(transfer)
        transfer.withdraw()
        self._device.cancel(transfer)
        self._reply(pdu.unlinked(command.sequence, -errno.ECONNRESET))

    def _answer(self, transfer: Transfer, status: int, count: int, data: bytes) -> None:
        sequence = self._forget(transfer)
        self._reply(pdu.submitted(sequence, status, count, data))

    def _forget(self, transfer: Transfer) -> int:
        sequence = self._sequence.pop(transfer)
        del self._open[sequence]
        self._open_bytes -= transfer.length
        return sequence

    def _reply(self, reply: bytes) -> None:
        """Replies of one turn of the event loop leave together: a system call each would halve the throughput."""
        if not self._replies:
            asyncio.get_running_loop().call_soon(self._flush)
        self._replies += reply

    def _flush(self) -> None:
        if self._replies and not self._has_ended:
            self._writer.write(bytes(self._replies))
            self._replies.clear()


class UsbipServer:
    """Serves devices on a loopback port.

    Nothing of this is protected: who reaches the port has the devices. So it stays on loopback, where a QEMU guest
    with user-mode network reaches it as 10.0.2.2.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._exports: dict[str, Export] = {}
        self._numbers: dict[str, int] = {}
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def __aenter__(self) -> UsbipServer:
        self._server = await asyncio.start_server(self._accept, self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        for bus_id in list(self._exports):
            self.remove(bus_id)
        for writer in self._connections:
            writer.transport.abort()
        await asyncio.gather(*self._connections.values())
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None, "the server is not running"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def bus_ids(self) -> list[str]:
        return list(self._exports)

    def add(self, bus_id: str, device: UsbDevice) -> Export:
        """Makes a device available for import."""
        if bus_id in self._exports:
            raise ValueError(f"there is a device at {bus_id} already")
        # A bus id keeps its number, so that a device id is never another device's.
        number = self._numbers.setdefault(bus_id, len(self._numbers) + 1)
        export = self._exports[bus_id] = Export(bus_id, number, device)
        return export

    def remove(self, bus_id: str) -> None:
        """Pulls the cable, and nobody can import the device until it is added again."""
        if export := self._exports.pop(bus_id, None):
            export.detach()

    def detach(self, bus_id: str) -> None:
        """Pulls the cable and leaves the device there for the next import."""
        self._exports[bus_id].detach()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[writer] = task
        try:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = await asyncio.wait_for(self._negotiate(reader, writer), REQUEST_TIMEOUT)
            if session is not None:
                await session.run()
        except pdu.ProtocolViolation as violation:
            log.warning("connection refused: %s", violation)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
            log.info("connection ended before it asked for anything: %s", type(error).__name__)
        finally:
            del self._connections[writer]
            writer.close()

    async def _negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session | None:
        operation = pdu.request(await reader.readexactly(pdu.REQUEST_BYTES))
        if operation == pdu.REQUEST_LIST:
            exports = self._exports.values()
            writer.write(pdu.list_reply([(export.record(), export.device.summary) for export in exports]))
            await writer.drain()
            return None
        bus_id = pdu.bus_id(await reader.readexactly(pdu.BUS_ID_BYTES))
        export = self._exports.get(bus_id)
        if export is None or export.session is not None:
            log.info("import of %s refused: %s", bus_id, "no such device" if export is None else "imported already")
            writer.write(pdu.import_reply(None))
            await writer.drain()
            return None
        session = export.session = Session(export, reader, writer)
        writer.write(pdu.import_reply(export.record()))
        return session
