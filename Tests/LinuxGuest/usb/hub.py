"""Boards that are plugged in and pulled out: the hands of a test."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from . import nano33ble
from .cdc_acm import AcmDevice
from .firmware import Firmware
from .usbip import UsbipServer
from .watched import Watched

log = logging.getLogger(__name__)

#: Imports the device with this bus id into this port of the guest; returns what there is to say about it.
Attach = Callable[[str, int], Awaitable[Any]]

#: Seconds that a board is away from the bus when it resets, into its bootloader for example.
RESET_TIME = 0.5


class Board(Watched):
    """A physical board: one case, one socket, and the firmware or the bootloader behind it."""

    def __init__(self, hub: Hub, name: str, bus_id: str, application: AcmDevice, bootloader: AcmDevice | None) -> None:
        super().__init__()
        self.name = name
        self.bus_id = bus_id
        self.application = application
        self.bootloader = bootloader
        #: What the board shows to the bus, or would.
        self.device = application
        #: The guest's port that it is plugged into.
        self.port: int | None = None
        #: What the guest said about the latest plugging in, its path on the bus for example.
        self.place: Any = None
        self._hub = hub
        self._restart: asyncio.Task[None] | None = None
        if bootloader is not None:
            application.on_touch = lambda: self.reset(into_bootloader=True)

    @property
    def firmware(self) -> Firmware:
        return self.application.firmware

    @property
    def is_plugged(self) -> bool:
        return self.port is not None

    def reset(self, *, into_bootloader: bool = False) -> None:
        """What the button does, or twice the button: the board leaves the bus and comes back on the same port."""
        self._stop()
        if self.port is not None:
            self._restart = asyncio.get_running_loop().create_task(self._come_back(self.port, into_bootloader))

    async def _come_back(self, port: int, into_bootloader: bool) -> None:
        await asyncio.sleep(RESET_TIME)
        try:
            await self._start(port, into_bootloader)
        except Exception:
            log.exception("%s did not come back on port %d", self.name, port)

    async def _start(self, port: int, into_bootloader: bool = False) -> None:
        self.device = self.bootloader if into_bootloader and self.bootloader else self.application
        await self.device.firmware.power_on()
        self._hub.server.add(self.bus_id, self.device)
        self.port = port
        try:
            self.place = await self._hub.attach(self.bus_id, port)
        except BaseException:
            self._stop()
            self.port = None
            raise
        self.changed()

    def _stop(self) -> None:
        # First the bus: what the program still says as it dies must not get out.
        self._hub.server.remove(self.bus_id)
        self.device.firmware.power_off()
        self.changed()

    def pull(self) -> None:
        """Unplugs at this very moment, whatever is under way."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        self.port = None
        self._stop()

    def describe(self) -> str:
        return f"{self.name} in port {self.port}: {self.device.describe()}"


class Hub:
    """Named boards on one server, and a guest that they are plugged into."""

    def __init__(self, server: UsbipServer, attach: Attach) -> None:
        self.server = server
        self.attach = attach
        self.boards: dict[str, Board] = {}

    def add(self, name: str, application: AcmDevice, bootloader: AcmDevice | None = None) -> Board:
        """A board that lies on the table, unplugged."""
        if name in self.boards:
            raise ValueError(f"there is a board {name} already")
        board = Board(self, name, f"1-{len(self.boards) + 1}", application, bootloader)
        self.boards[name] = board
        return board

    def add_nano33ble(
        self, name: str, identity: int | str, firmware: Firmware | None = None, *, interface_protocol: int = 0
    ) -> Board:
        """A Nano 33 BLE that the 1200-baud touch sends into its bootloader."""
        serial = nano33ble.serial_number(identity)
        application = nano33ble.application(serial, firmware, interface_protocol=interface_protocol)
        return self.add(name, application, nano33ble.bootloader(serial))

    def __getitem__(self, name: str) -> Board:
        return self.boards[name]

    async def plug(self, board: Board | str, port: int) -> Board:
        """Plugs a board into the guest's port and returns when the guest has it; enumeration goes on after that."""
        board = self._board(board)
        if board.is_plugged:
            raise ValueError(f"{board.name} is in port {board.port} already")
        await board._start(port)
        return board

    def unplug(self, board: Board | str) -> None:
        """Pulls a board out. If nothing else feeds it, that is a power cut too."""
        self._board(board).pull()

    async def replug(self, board: Board | str, port: int | None = None) -> Board:
        """Pulls a board out and plugs it in again, into the same port or another."""
        board = self._board(board)
        port = board.port if port is None else port
        if port is None:
            raise ValueError(f"{board.name} was in no port: name one")
        self.unplug(board)
        return await self.plug(board, port)

    async def swap(self, one: Board | str, other: Board | str) -> None:
        """Pulls two boards out and plugs each into the other's port."""
        one, other = self._board(one), self._board(other)
        if one.port is None or other.port is None:
            raise ValueError(f"{one.name} and {other.name} are not both plugged in")
        ports = other.port, one.port
        self.unplug(one)
        self.unplug(other)
        await asyncio.gather(self.plug(one, ports[0]), self.plug(other, ports[1]))

    def vanish(self) -> dict[str, int]:
        """The hub loses its cable: all boards go at the same moment. Returns where they were, for `come_back`."""
        places = {board.name: board.port for board in self.boards.values() if board.port is not None}
        for name in places:
            self.unplug(name)
        return places

    async def come_back(self, places: dict[str, int]) -> None:
        """The hub's cable is plugged in again."""
        await asyncio.gather(*(self.plug(name, port) for name, port in places.items()))

    def _board(self, board: Board | str) -> Board:
        return self.boards[board] if isinstance(board, str) else board
