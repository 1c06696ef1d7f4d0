"""The serial port: what a board says about itself, its lines, its bytes and its way into the bootloader."""

from __future__ import annotations

import asyncio
import errno
import os
import struct

import pytest

from .. import cdc_acm, nano33ble
from ..cdc_acm import LineCoding
from ..device import Speed
from ..firmware import Firmware
from .support import PATIENCE, SERIAL, asynchronous, connected
from .test_usbip import KeepsSilent


@asynchronous
async def test_the_board_introduces_itself_as_a_nano_33_ble() -> None:
    async with connected() as (device, host):
        assert await host.descriptor(1) == bytes.fromhex("12010002ef0201404123 5a80 0001 01020301")
        assert [await host.string(index) for index in (1, 2, 3)] == ["Arduino", "Nano 33 BLE", SERIAL]
        assert (await host.descriptor(3, 0)) == b"\x04\x03\x09\x04"
        configuration = await host.descriptor(2)
        assert struct.unpack_from("<H", configuration, 2)[0] == len(configuration) == 75
        assert await host.descriptor(2, length=9) == configuration[:9]
        assert host.speed == Speed.FULL == device.speed
        # All descriptors chain up to the end exactly.
        at, kinds = 0, []
        while at < len(configuration):
            kinds.append(configuration[at + 1])
            at += configuration[at]
        assert at == len(configuration)
        assert kinds == [2, 11, 4, 0x24, 0x24, 0x24, 0x24, 5, 4, 5, 5]


@pytest.mark.parametrize("protocol", [0, 1])
def test_only_a_board_that_shall_look_like_a_modem_does(protocol: int) -> None:
    device = nano33ble.application(SERIAL, interface_protocol=protocol)
    assert bytes([9, 4, 0, 0, 1, 2, 2, protocol, 0]) in device.descriptors.configuration


@asynchronous
async def test_unknown_requests_stall_and_do_no_harm() -> None:
    async with connected() as (_, host):
        requests = [
            (0x80, 6, 0x0600), (0x80, 6, 0x0309), (0x80, 6, 0x0201), (0x80, 6, 0xFF00), (0x00, 9, 2), (0xC0, 1, 0),
            (0x21, 0x77, 0), (0xFF, 0xFF, 0xFFFF), (0x80, 0x55, 0),
        ]
        for kind, code, value in requests:
            data = b"" if kind & 0x80 else bytes(64)
            status, answer = await host.control(kind, code, value, length=64, data=data)
            assert (status, answer) == (-errno.EPIPE, b""), (kind, code, value)
        status, _ = await host.control(0x21, 0x20, data=b"\1\2\3")
        assert status == -errno.EPIPE
        assert await host.string(3) == SERIAL


@asynchronous
async def test_the_line_coding_is_kept_until_the_cable_is_pulled() -> None:
    async with connected() as (device, host):
        assert device.line_coding == LineCoding(9600, 0, 0, 8)
        await host.line_coding(115200)
        assert await host.control(0xA1, 0x21, length=7) == (0, LineCoding(115200).pack())
        host.close()
        await device.until(lambda d: not d.is_attached, PATIENCE)
        assert device.line_coding == LineCoding(9600, 0, 0, 8)


@asynchronous
async def test_dtr_opens_and_the_end_of_the_bus_closes() -> None:
    async with connected() as (device, host):
        await host.open()
        assert (device.dtr, device.rts, device.open_count) == (True, True, 1)
        await host.lines(0)
        assert not device.dtr
        await host.lines(1)
        assert (device.dtr, device.rts, device.open_count) == (True, False, 2)
        host.close()
        await device.until(lambda d: not d.dtr, PATIENCE)
        lines = [event.value for event in device.history if event.what == "lines"]
        assert lines == [(True, True), (False, False), (True, False), (False, False)]


@asynchronous
async def test_bytes_come_back_from_an_echo_unchanged() -> None:
    async with connected() as (device, host):
        await host.open()
        data = os.urandom(100_000)

        async def write() -> None:
            for at in range(0, len(data), 1280):
                await host.write(data[at : at + 1280])

        _, answer = await asyncio.gather(write(), host.read(len(data)))
        assert answer == data
        assert (device.bytes_from_host, device.bytes_to_host) == (len(data), len(data))


@asynchronous
async def test_a_device_that_has_no_room_makes_the_host_wait() -> None:
    async with connected() as (device, host):
        await host.open()
        # Nobody reads, so the echo takes what it has room for, and the rest of the writes stays under way.
        writes = [host.submit(2, False, 1000, bytes(1000))[1] for _ in range(5)]
        await device.until(lambda d: d.room == 0, PATIENCE)
        assert [write.done() for write in writes[2:]] == [False] * 3
        assert len(await host.read(5000)) == 5000
        assert [status for status, _ in await asyncio.gather(*writes)] == [0] * 5


@asynchronous
async def test_what_nobody_has_read_is_gone_when_the_port_is_opened_again() -> None:
    async with connected(KeepsSilent()) as (device, host):
        await host.open()
        assert device.send(b"stale") == 5
        await host.lines(0)
        await host.lines(3)
        assert device.send(b"fresh") == 5
        assert await host.read(5) == b"fresh"


@asynchronous
async def test_an_empty_write_ends_like_any_other() -> None:
    async with connected() as (_, host):
        await host.open()
        await host.write(b"")
        await host.write(b"x")
        assert await host.read(1) == b"x"


@asynchronous
async def test_notifications_and_breaks_arrive() -> None:
    breaks: list[int] = []

    class Hears(Firmware):
        def line_break(self, milliseconds: int) -> None:
            breaks.append(milliseconds)

    async with connected(Hears()) as (device, host):
        _, notification = host.submit(1, True, 64)
        device.set_serial_state(0b11)
        assert await notification == (0, bytes.fromhex("a120 0000 0000 0200 0300"))
        for duration in (250, 0xFFFF, 0):
            assert (await host.control(0x21, 0x23, duration))[0] == 0
        assert breaks == [250, 0xFFFF, 0]


# The 1200-baud touch.


async def touches(*steps: tuple[str, int]) -> tuple[int, float]:
    """How often the bootloader was called for after these line codings and lines, and seconds after the arming."""
    async with connected() as (device, host):
        count = 0

        def touched() -> None:
            nonlocal count
            count += 1

        device.on_touch = touched
        await host.open()
        for what, value in steps:
            await (host.line_coding(value) if what == "rate" else host.lines(value))
        try:
            await device.until(lambda d: any(event.what == "touch" for event in d.history), 2 * cdc_acm.TOUCH_PAUSE)
        except TimeoutError:
            return count, 0.0
        armed = next(event.time for event in device.history if event.value == LineCoding(1200))
        fired = next(event.time for event in device.history if event.what == "touch")
        return count, fired - armed


@asynchronous
async def test_1200_baud_and_low_dtr_call_for_the_bootloader_after_a_pause() -> None:
    count, seconds = await touches(("rate", 1200), ("lines", 0))
    assert count == 1 and cdc_acm.TOUCH_PAUSE <= seconds < cdc_acm.TOUCH_PAUSE + 1


@asynchronous
async def test_the_touch_waits_while_dtr_is_high_and_a_later_rate_does_not_disarm_it() -> None:
    assert (await touches(("rate", 1200), ("lines", 3)))[0] == 0
    assert (await touches(("rate", 1200), ("rate", 115200), ("lines", 0)))[0] == 1
    assert (await touches(("rate", 1200), ("lines", 0), ("lines", 3)))[0] == 0


@asynchronous
async def test_other_rates_do_not_touch() -> None:
    assert (await touches(("rate", 2400), ("lines", 0)))[0] == 0


@asynchronous
async def test_the_bootloader_has_an_identity_of_its_own() -> None:
    async with connected(device=nano33ble.bootloader(SERIAL)) as (_, host):
        assert (host.vendor, host.product) == (0x2341, 0x005A)
        assert await host.string(3) == "0" * 16 + SERIAL
