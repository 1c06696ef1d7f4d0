"""An adapter of the guest whose controller is Zephyr's, on an emulated chip."""

from __future__ import annotations

from machine.guest import Guest
from nrf52840 import MILLISECOND, Machine, World
from nrf52840.factory import NRF52832
from peers import controllers
from peers.hci import COMMAND, UartHost
from radio import Adapter

#: Zephyr's command to give it a public address, which a chip of this kind has not from its factory.
WRITE_ADDRESS = 0xFC06
#: What has a long-term key in it, and where, behind the type and the header.
ENABLE_ENCRYPTION, LONG_TERM_KEY_REPLY = 0x2019, 0x201A
KEY_AT = {ENABLE_ENCRYPTION: 4 + 12, LONG_TERM_KEY_REPLY: 4 + 2}
BOOT_TIME = 60 * MILLISECOND


class Controller:
    """The chip, with its serial port in the hands of a host that comes and goes. Without a host it has no power."""

    def __init__(self, world: World, name: str, address: str, seed: int) -> None:
        self._world = world
        self._address = bytes.fromhex(address.replace(":", ""))[::-1]
        self.machine: Machine = world.add(name, kind=NRF52832, seed=seed)
        # Zephyr spins until it runs.
        self.machine.power.crystal_start = MILLISECOND
        self.machine.load(controllers.UART.path())
        self._is_on = False
        #: The keys that its host has told it: with them a recording of the air can be read.
        self.keys: list[bytes] = []

    def host_came(self) -> None:
        self.machine.power_on()
        self._world.run_for(BOOT_TIME)
        UartHost(self.machine, self._world).command(WRITE_ADDRESS, self._address)
        self._is_on = True

    def host_went(self) -> None:
        self.machine.power_off()
        self._is_on = False

    def on_packet(self, packet: bytes) -> None:
        """The host says this."""
        opcode = int.from_bytes(packet[1:3], "little")
        if packet[0] == COMMAND and (at := KEY_AT.get(opcode)):
            self.keys.append(packet[at:at + 16])
        self.machine.uart.send(packet)

    def take(self) -> bytes:
        """What it has said since."""
        return self.machine.uart.take_sent() if self._is_on else b""


class EmulatedAdapter(Adapter):
    """The guest plugs it in and pulls it as any other."""

    def __init__(self, world: World, number: int, guest: Guest) -> None:
        address = f"C0:FF:EE:00:02:{number:02X}"
        self.controller = Controller(world, f"adapter {number}", address, number)
        super().__init__(self.controller, address, guest)

    @property
    def keys(self) -> list[bytes]:
        return self.controller.keys

    def deliver(self) -> None:
        """Brings the host what the controller has said."""
        if said := self.controller.take():
            self._h4.on_packet(said)
