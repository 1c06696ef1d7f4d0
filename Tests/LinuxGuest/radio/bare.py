"""A peripheral that is no board: takes and gives octets as fast as the air carries them, with nothing above L2CAP or ATT."""

from __future__ import annotations

import asyncio
import struct

from .air import Air
from .chip import Chip

from bumble import l2cap
from bumble.device import AdvertisingType, Connection, Device, DeviceConfiguration
from bumble.hci import Address, OwnAddressType
from bumble.host import Host

#: As of a board.
PSM, MTU, MPS, ATT_MTU = 0x80, 1040, 498, 498
#: More than are ever on their way.
CREDITS = 256
NOTIFICATION, HANDLE = 0x1B, 0x21


class BarePeripheral:
    """Advertises, takes what comes, and sends `outgoing` octets to whoever opens a channel or agrees on an ATT MTU."""

    def __init__(self, air: Air, address: str = "F0:0D:00:00:00:EE") -> None:
        self.address = address
        self.chip = Chip("bare", air, "C0:FF:EE:00:02:01")
        self.outgoing = 0
        self._air = air
        self._device = Device(
            config=DeviceConfiguration(name="bare", address=Address(address)), host=Host(self.chip, self.chip))
        self._device.gatt_server.max_mtu = ATT_MTU
        self._device.create_l2cap_server(l2cap.LeCreditBasedChannelSpec(PSM, MTU, MPS, CREDITS), self._opened)
        self._device.on("connection", self._connected)
        self._sending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> BarePeripheral:
        await self._device.power_on()
        await self._advertise()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._sending:
            task.cancel()
        self._air.remove_controller(self.chip)

    async def _advertise(self) -> None:
        await self._device.start_advertising(
            AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE, own_address_type=OwnAddressType.RANDOM,
            advertising_interval_min=100, advertising_interval_max=100)

    def _connected(self, connection: Connection) -> None:
        connection.on("disconnection", lambda *_: self._run(self._advertise()))
        connection.on("connection_att_mtu_update", lambda *_: self._notify(connection))

    def _opened(self, channel: l2cap.LeCreditBasedChannel) -> None:
        # Without one nothing is taken.
        channel.sink = lambda _: None
        if self.outgoing:
            channel.write(bytes(self.outgoing))

    def _notify(self, connection: Connection) -> None:
        size = ATT_MTU - 3
        for _ in range(0, self.outgoing, size):
            self._device.send_l2cap_pdu(
                connection.handle, 4, struct.pack("<BH", NOTIFICATION, HANDLE) + bytes(size))

    def _run(self, coroutine: object) -> None:
        task = asyncio.ensure_future(coroutine)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
