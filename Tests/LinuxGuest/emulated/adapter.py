"""An adapter of the guest whose controller is Zephyr's, on an emulated chip."""

from __future__ import annotations

from machine.guest import Guest
from nrf52840 import World
from radio import Adapter

from .controller import Controller


class EmulatedAdapter(Adapter):
    """The guest plugs it in and pulls it as any other."""

    def __init__(self, world: World, number: int, guest: Guest) -> None:
        address = f"C0:FF:EE:00:02:{number:02X}"
        self.controller = Controller(world, f"adapter {number}", address, number)
        super().__init__(self.controller, address, guest)
        self.controller.port = self._h4
