"""The bootloader behind a USB port: enumeration, bytes in packets, the reset, a pulled cable."""

from __future__ import annotations

import asyncio

from usb import nano33ble
from usb.tests.host import imported
from usb.tests.support import SERIAL, asynchronous
from usb.usbip import UsbipServer

from .. import Flash, image
from ..flash import APPLICATION, PAGE
from ..usb_board import BootloaderFirmware
from .test_arduino import upload


@asynchronous
async def test_an_upload_over_usb_ends_with_a_reset() -> None:
    firmware = BootloaderFirmware(Flash())
    reset = asyncio.Event()
    firmware.on_reset = reset.set
    await firmware.power_on()
    program = image("0.3.0", 3 * PAGE)
    async with UsbipServer() as server:
        server.add("1-1", nano33ble.bootloader(SERIAL, firmware))
        async with imported(server.port) as host:
            assert (host.vendor, host.product) == (0x2341, 0x005A)
            assert await host.string(3) == SERIAL.zfill(32)
            await host.open()
            for said, expected in upload(program):
                await host.write(said)
                if expected:
                    await host.read(expected + (2 if said in (b"V#", b"I#") else 0))
            await reset.wait()
    assert firmware.flash.read(APPLICATION, len(program)) == program
    assert firmware.target.was_reset and not firmware.target.violations


@asynchronous
async def test_power_begins_it_anew_over_the_same_flash() -> None:
    firmware = BootloaderFirmware(Flash())
    device = nano33ble.bootloader(SERIAL, firmware)
    async with UsbipServer() as server:
        for stay in (1, 2):
            await firmware.power_on()
            server.add("1-1", device)
            async with imported(server.port) as host:
                await host.open()
                # The cable is pulled in the middle of a page.
                await host.write(b"S00000000,00001000#" + bytes(100))
                assert firmware.target.is_loading
                server.remove("1-1")
            firmware.power_off()
            assert len(firmware.stays) == stay
    await firmware.power_on()
    assert not firmware.target.is_loading and firmware.target.feed(b"N#") == b"\n\r"
