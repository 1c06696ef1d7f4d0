"""Boards that are plugged in and pulled out: the hands of a test."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from . import nano33ble
from .cables import AttachFailed
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

    def __init__(
        self, hub: Hub, name: str, bus_id: str, application: AcmDevice, bootloader: AcmDevice | None, keeps_power: bool
    ) -> None:
        super().__init__()
        self.name = name
        self.bus_id = bus_id
        self.application = application
        self.bootloader = bootloader
        #: Whether the firmware goes on when the cable is pulled, as with a battery.
        self.keeps_power = keeps_power
        #: Asked at every reset: whether there is nothing in flash to be started.
        self.must_stay: Callable[[], bool] = lambda: False
        #: What the board shows to the bus, or would.
        self.device = application
        #: The guest's port that it is plugged into.
        self.port: int | None = None
        #: What the guest said about the latest plugging in, its path on the bus for example.
        self.place: Any = None
        self._hub = hub
        self._restart: asyncio.Task[None] | None = None
        #: Held while the board gets power and a bus, so that whoever fails at it pulls no one else's plug.
        self._joining = asyncio.Lock()
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
        self._leave()
        self._cancel_restart()
        self.device.firmware.power_off()
        if self.port is not None:
            self._restart = asyncio.get_running_loop().create_task(self._come_back(into_bootloader))

    def leave(self) -> None:
        """The device lets go of the bus by itself, and runs on."""
        self._leave()

    def come_back(self) -> None:
        """The device is on the bus again."""
        if self.port is not None:
            self._restart = asyncio.get_running_loop().create_task(self._come_back(False))

    async def _come_back(self, into_bootloader: bool) -> None:
        await asyncio.sleep(RESET_TIME)
        try:
            async with self._joining:
                await self._join(into_bootloader)
        except Exception:
            log.exception("%s did not come back", self.name)

    async def plug(self, port: int) -> None:
        """Powers the board and puts it into the guest's port; see `Hub.plug`."""
        async with self._joining:
            if self.port is not None:
                raise ValueError(f"{self.name} is in port {self.port} already")
            self.port = port
            self.changed()
            await self._join()

    async def _join(self, into_bootloader: bool = False) -> None:
        stays = into_bootloader or self.must_stay()
        self.device = self.bootloader if stays and self.bootloader else self.application
        try:
            await self.device.firmware.power_on()
            if self.port is None:
                raise AttachFailed(f"{self.name} was pulled out before it was on the bus")
            self._hub.server.add(self.bus_id, self.device)
            self.place = await self._hub.attach(self.bus_id, self.port)
        except BaseException:
            self.pull()
            raise
        self.changed()

    def pull(self) -> None:
        """Unplugs at this very moment, whatever is under way."""
        self._cancel_restart()
        self.port = None
        # First the bus: what the program still says as it dies must not get out.
        self._leave()
        if not self.keeps_power:
            self.device.firmware.power_off()
        self.changed()

    async def close(self) -> None:
        """Pulls the board for good. Nothing of it is left afterwards, battery or not."""
        self.pull()
        async with self._joining:  # whoever was about to plug it in has given up now
            for device in (self.application, self.bootloader):
                if device is not None:
                    device.firmware.power_off()
                    await device.firmware.gone()

    def _cancel_restart(self) -> None:
        if self._restart is not None and self._restart is not asyncio.current_task():
            self._restart.cancel()
        self._restart = None

    def _leave(self) -> None:
        self._hub.server.remove(self.bus_id)
        self.changed()

    def describe(self) -> str:
        return f"{self.name} in port {self.port}: {self.device.describe()}"


class Hub:
    """Named boards on one server, and a guest that they are plugged into."""

    def __init__(self, server: UsbipServer, attach: Attach) -> None:
        self.server = server
        self.attach = attach
        self.boards: dict[str, Board] = {}

    async def __aenter__(self) -> Hub:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Everything is unplugged, and of the boards' programs nothing is left."""
        await asyncio.gather(*(board.close() for board in self.boards.values()))

    def add(
        self, name: str, application: AcmDevice, bootloader: AcmDevice | None = None, *, keeps_power: bool = False
    ) -> Board:
        """A board that lies on the table, unplugged."""
        if name in self.boards:
            raise ValueError(f"there is a board {name} already")
        board = Board(self, name, f"1-{len(self.boards) + 1}", application, bootloader, keeps_power)
        self.boards[name] = board
        return board

    def add_nano33ble(
        self, name: str, identity: int | str, firmware: Firmware | None = None, *, interface_protocol: int = 0,
        keeps_power: bool = False,
    ) -> Board:
        """A Nano 33 BLE that the 1200-baud touch sends into its bootloader.

        Nothing keeps two boards from having one identity, for those who want to see what becomes of it.
        """
        serial = nano33ble.serial_number(identity)
        application = nano33ble.application(serial, firmware, interface_protocol=interface_protocol)
        return self.add(name, application, nano33ble.bootloader(serial), keeps_power=keeps_power)

    def __getitem__(self, name: str) -> Board:
        return self.boards[name]

    async def plug(self, board: Board | str, port: int) -> Board:
        """Plugs a board into the guest's port and returns when the guest has it; enumeration goes on after that."""
        board = self._board(board)
        await board.plug(port)
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
