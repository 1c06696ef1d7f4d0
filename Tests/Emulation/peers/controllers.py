"""Controllers that we did not write: Zephyr 4.4.0's, built by Intercreate, Apache-2.0, as packages of PyPI."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path

from nrf52840 import MILLISECOND, Machine, World
from nrf52840.factory import NRF52832, NRF52840, Kind

from .hci import Host, UartHost, UsbHciHost


@dataclass(frozen=True, slots=True)
class Image:
    package: str
    kind: Kind
    sha256: str

    def path(self) -> Path:
        """The file, which must be the one that is known."""
        path = Path(importlib.import_module(f"zephyr_4_4_0_hci_{self.package}").HEX_PATH)
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            raise ValueError(f"{path} is not the image that is known")
        return path


UART = Image(
    "uart_nrf52dk_default", NRF52832, "6b1b48704aa19553cd5a677a8d532680f99d3a0643e9679abcbde85720d43233")
USB = Image(
    "usb_nrf52840dk_default", NRF52840, "cd87b28b00bbb9868aef1645da8e5f181d2f018819c97b5a821fd545f2f94387")
#: The older of Zephyr's two USB stacks.
USB_OLD = Image(
    "usb_nrf52840dk_legacy", NRF52840, "c6f479441407413d8fd14bf22b4ed3b136d3ed092afb1e8e32a483efe63f01c5")
#: Has data length extension. More than 60 bytes of data towards its host make it overwrite its own memory.
USB_LONG = Image(
    "usb_nrf52840dk_acl_502", NRF52840, "cc4afa7773ce8af9389b30bf169d856e0b12bcee155d52ed86218ce1a42fdd51")

RESET, SET_EVENT_MASK, SET_LE_EVENT_MASK, SET_RANDOM_ADDRESS = 0x0C03, 0x0C01, 0x2001, 0x2005


def add(world: World, name: str, image: Image, seed: int) -> Machine:
    """A chip with a controller on it, off. Its low-frequency crystal is quick: Zephyr spins until it runs."""
    machine = world.add(name, kind=image.kind, seed=seed)
    machine.power.crystal_start = MILLISECOND
    machine.load(image.path())
    return machine


def power_on(world: World, machine: Machine, image: Image) -> Host:
    """The host of a controller that can be spoken to."""
    machine.power_on()
    host: Host
    if image is UART:
        host = UartHost(machine, world)
        world.run_for(60 * MILLISECOND)
    else:
        host = UsbHciHost(machine, world)
        world.run_for(50 * MILLISECOND)
    return host


def boot(world: World, name: str, image: Image, address: bytes, seed: int) -> tuple[Machine, Host]:
    """A controller that is ready, and its host."""
    machine = add(world, name, image, seed)
    host = power_on(world, machine, image)
    prepare(host, address)
    return machine, host


def prepare(host: Host, address: bytes) -> None:
    """A controller gets an address, and is to tell its host everything."""
    host.command(RESET)
    host.command(SET_EVENT_MASK, b"\xff" * 7 + b"\x3f")
    host.command(SET_LE_EVENT_MASK, b"\x5f\x08" + bytes(6))
    host.command(SET_RANDOM_ADDRESS, address)
