"""A Bluetooth controller: Zephyr's, on an emulated chip, with its HCI on a TCP port of the loopback."""

from __future__ import annotations

from nrf52840 import World
from peers import controllers
from peers.hci import COMMAND, Host
from radio.h4 import H4Port

#: Zephyr's command to give it a public address, which a chip of this kind has not from its factory.
WRITE_ADDRESS = 0xFC06
#: What has a long-term key in it, and where, behind the type and the header.
ENABLE_ENCRYPTION, LONG_TERM_KEY_REPLY = 0x2019, 0x201A
KEY_AT = {ENABLE_ENCRYPTION: 4 + 12, LONG_TERM_KEY_REPLY: 4 + 2}


class Controller:
    """Hosts come and go by `port`. Without one the chip has no power.

    Behind the port, what it says goes over the chip's USB port, where the processor is not bothered with every byte: that
    takes half as long as over its serial port."""

    def __init__(
        self, world: World, name: str, address: str, seed: int, image: controllers.Image = controllers.USB
    ) -> None:
        self._world, self._image = world, image
        self._address = bytes.fromhex(address.replace(":", ""))[::-1]
        self.machine = controllers.add(world, name, image, seed)
        self._transport: Host | None = None
        #: Where hosts come from.
        self.port: H4Port | None = None
        #: The keys that hosts have told it, each once: with them a recording of the air can be read.
        self.keys: list[bytes] = []

    def host_came(self) -> None:
        self._transport = controllers.power_on(self._world, self.machine, self._image)
        self._transport.command(WRITE_ADDRESS, self._address)

    def host_went(self) -> None:
        self._transport = None
        self.machine.usb.vbus(False)
        self.machine.power_off()

    def on_packet(self, packet: bytes) -> None:
        """The host says this."""
        at = KEY_AT.get(int.from_bytes(packet[1:3], "little"))
        if packet[0] == COMMAND and at and (key := packet[at:at + 16]) not in self.keys:
            self.keys.append(key)
        if self._transport is not None:
            self._transport.send(packet)

    def deliver(self) -> None:
        """Brings the host what the chip has said since."""
        if self._transport is None or self.port is None:
            return
        self._transport.poll()
        while self._transport.packets:
            self.port.on_packet(self._transport.packets.pop(0))
