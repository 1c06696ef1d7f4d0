"""Misbehaviour has to be the one that was ordered, or the tests that use it would show nothing."""

from __future__ import annotations

import asyncio
import errno

from .. import misbehaving
from .support import PATIENCE, SERIAL, asynchronous, connected


@asynchronous
async def test_silence() -> None:
    async with connected(misbehaving.Silent()) as (device, host):
        await host.open()
        for _ in range(50):
            await host.write(bytes(1280))
        assert (device.bytes_from_host, device.bytes_to_host) == (64_000, 0)


@asynchronous
async def test_deafness_begins_after_what_was_agreed() -> None:
    async with connected(misbehaving.Deaf(after=100)) as (device, host):
        await host.open()
        await host.write(bytes(90))
        _, writing = host.submit(2, False, 20, bytes(20))
        await device.until(lambda d: d.bytes_from_host == 100, PATIENCE)
        _, later = host.submit(2, False, 20, bytes(20))
        await device.until(lambda d: len(d.waiting[2]) == 2, PATIENCE)
        assert not writing.done() and not later.done()


@asynchronous
async def test_garbage_comes_unasked_and_for_every_byte_and_is_the_same_for_a_seed() -> None:
    heard = []
    for seed in (1, 1, 2):
        async with connected(misbehaving.Garbage(seed)) as (_, host):
            await host.open()
            unasked = await host.read(200)
            writes = [host.submit(2, False, 1000, bytes(1000))[1] for _ in range(10)]
            heard.append(unasked + await host.read(10_000))
            assert [status for status, _ in await asyncio.gather(*writes)] == [0] * 10
    assert heard[0] == heard[1] != heard[2]


@asynchronous
async def test_a_flood_lasts_as_long_as_the_port_is_open() -> None:
    async with connected(misbehaving.Flood(b"\x55\x00")) as (device, host):
        await host.open()
        assert await host.read(50_000) == b"\x55\x00" * 25_000
        await host.lines(0)
        count = device.bytes_to_host
        _, reading = host.submit(2, True, 128)
        await device.until(lambda d: d.waiting[0x82], PATIENCE)
        assert not reading.done() and device.bytes_to_host == count
        await host.lines(3)
        assert (await reading)[1].startswith(b"\x55\x00")


@asynchronous
async def test_a_stalling_device_can_be_enumerated_and_not_set_up() -> None:
    async with connected(device=misbehaving.stalling(SERIAL)) as (_, host):
        assert await host.string(3) == SERIAL
        assert (await host.control(0x21, 0x22, 3))[0] == -errno.EPIPE
        assert (await host.control(0xA1, 0x21, length=7))[0] == -errno.EPIPE


@asynchronous
async def test_a_mute_device_lets_the_host_wait_until_it_gives_up() -> None:
    async with connected(device=misbehaving.mute(SERIAL)) as (device, host):
        assert await host.string(3) == SERIAL
        setup = bytes.fromhex("2122030000000000")
        victim, setting = host.submit(0, False, 0, setup=setup)
        await device.until(lambda d: any(event.what == "ignored" for event in d.history), PATIENCE)
        assert not setting.done()
        assert (await host.unlink(victim))[0] == -errno.ECONNRESET


@asynchronous
async def test_babble_is_reported_as_the_overflow_that_it_is() -> None:
    async with connected(device=misbehaving.babbling(SERIAL)) as (_, host):
        await host.control(0x00, 9, 1)
        assert await host.submit(2, True, 128)[1] == (-errno.EOVERFLOW, bytes(128))
        assert (await host.submit(1, True, 64)[1])[0] == 0
