"""A controller's end of HCI over TCP on the loopback, with H4 framing. One host at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

log = logging.getLogger(__name__)


class Chip(Protocol):
    """What is behind the port."""

    def on_packet(self, packet: bytes) -> None:
        """The host says this."""

    def host_came(self) -> None: ...

    def host_went(self) -> None: ...


class H4Port:
    """Listens; a second host is sent away while there is one. What the chip says goes to `on_packet`."""

    def __init__(self, chip: Chip, port: int = 0) -> None:
        self._chip = chip
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._host: asyncio.Transport | None = None

    async def __aenter__(self) -> H4Port:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Host(self), "127.0.0.1", self._wanted_port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.hang_up()

    @property
    def port(self) -> int:
        assert self._server is not None, "not listening"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def has_host(self) -> bool:
        return self._host is not None

    def hang_up(self) -> None:
        """Ends the connection of the host that there is."""
        if self._host is not None:
            self._host.close()
            self.went(self._host)

    def on_packet(self, packet: bytes) -> None:
        """To the host. Nobody may be there: a chip has no power then, and says nothing."""
        if self._host is not None:
            self._host.write(packet)

    # From the connections.

    def came(self, host: asyncio.Transport) -> bool:
        if self._host is not None:
            log.warning("a second host wanted the controller on port %d", self.port)
            return False
        self._host = host
        self._chip.host_came()
        return True

    def went(self, host: asyncio.BaseTransport) -> None:
        if self._host is host:
            self._host = None
            self._chip.host_went()

    def said(self, host: asyncio.Transport, packet: bytes) -> None:
        if self._host is host:
            self._chip.on_packet(packet)


class _Host(asyncio.Protocol):
    def __init__(self, port: H4Port) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._parser = PacketParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._port.came(transport):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        try:
            self._parser.feed_data(data)
        except InvalidPacketError as error:
            log.warning("the host on port %d loses its framing: %s", self._port.port, error)
            self._transport.abort()

    def on_packet(self, packet: bytes) -> None:
        assert self._transport is not None
        self._port.said(self._transport, packet)

    def connection_lost(self, error: Exception | None) -> None:
        assert self._transport is not None
        self._port.went(self._transport)
