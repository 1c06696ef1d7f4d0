"""A Bluetooth controller: Zephyr's, on an emulated chip, with its serial port on a TCP port of the loopback."""

from __future__ import annotations

from nrf52840 import MILLISECOND, Machine, World
from nrf52840.factory import NRF52832
from peers import controllers
from peers.hci import COMMAND, UartHost
from radio.h4 import H4Port

#: Zephyr's command to give it a public address, which a chip of this kind has not from its factory.
WRITE_ADDRESS = 0xFC06
#: What has a long-term key in it, and where, behind the type and the header.
ENABLE_ENCRYPTION, LONG_TERM_KEY_REPLY = 0x2019, 0x201A
KEY_AT = {ENABLE_ENCRYPTION: 4 + 12, LONG_TERM_KEY_REPLY: 4 + 2}
BOOT_TIME = 60 * MILLISECOND


class Controller:
    """Hosts come and go by `port`. Without one the chip has no power."""

    def __init__(self, world: World, name: str, address: str, seed: int) -> None:
        self._world = world
        self._address = bytes.fromhex(address.replace(":", ""))[::-1]
        self.machine: Machine = world.add(name, kind=NRF52832, seed=seed)
        # Zephyr spins until it runs.
        self.machine.power.crystal_start = MILLISECOND
        self.machine.load(controllers.UART.path())
        self.host: H4Port | None = None
        #: The keys that hosts have told it, each once: with them a recording of the air can be read.
        self.keys: list[bytes] = []

    def host_came(self) -> None:
        self.machine.power_on()
        self._world.run_for(BOOT_TIME)
        UartHost(self.machine, self._world).command(WRITE_ADDRESS, self._address)

    def host_went(self) -> None:
        self.machine.power_off()
        self.machine.uart.take_sent()

    def on_packet(self, packet: bytes) -> None:
        """The host says this."""
        at = KEY_AT.get(int.from_bytes(packet[1:3], "little"))
        if packet[0] == COMMAND and at and (key := packet[at:at + 16]) not in self.keys:
            self.keys.append(key)
        self.machine.uart.send(packet)

    def deliver(self) -> None:
        """Brings the host what the chip has said since."""
        if self.host is not None and self.host.has_host and (said := self.machine.uart.take_sent()):
            self.host.on_packet(said)
