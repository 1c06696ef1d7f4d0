"""Boards that have Arduino's ids and nothing else to recommend them.

A board with somebody else's identity needs nothing from here: give two boards of a hub one identity (the same serial
number twice), or start a board's program with another's `--id` (two serial numbers, one identity behind them).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from . import nano33ble
from .cdc_acm import BYTES_IN, NOTIFICATIONS, AcmDevice
from .device import Setup, Transfer
from .firmware import Firmware
from .standard import Descriptors


class Silent(Firmware):
    """Takes every byte and never answers. It is what a board with somebody's thermometer on it looks like."""


class Deaf(Firmware):
    """Takes a number of bytes and then no more: the host's writes never end."""

    def __init__(self, after: int = 0) -> None:
        self._patience = after

    def readable(self) -> None:
        while self._patience > 0 and (data := self.port.peek()):
            count = min(len(data), self._patience)
            self._patience -= count
            self.port.consume(count)


class Garbage(Firmware):
    """Answers everything with random bytes, as many as it got, and begins with some when it is opened."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._held = b""

    def line_state(self, dtr: bool, rts: bool) -> None:
        if dtr:
            self._say(self._random.randbytes(200))

    def readable(self) -> None:
        while not self._held and (data := self.port.peek()):
            self.port.consume(len(data))
            self._say(self._random.randbytes(len(data)))

    def writable(self) -> None:
        self._say(self._held)
        self.readable()

    def _say(self, data: bytes) -> None:
        self._held = data[self.port.send(data) :]


class Flood(Firmware):
    """Never stops to talk while it is open: as fast as the host reads, always the same bytes.

    Without a zero among them they are one frame that never ends, with zeros they are frames without end.
    """

    def __init__(self, pattern: bytes = b"\x55" * 1024) -> None:
        self._pattern = pattern

    def line_state(self, dtr: bool, rts: bool) -> None:
        if dtr:
            self.writable()

    def writable(self) -> None:
        while self.port.dtr and self.port.send(self._pattern) == len(self._pattern):
            pass


class Stalling(AcmDevice):
    """Refuses the class's requests (line coding, line state), or whichever `refuses` says."""

    def __init__(
        self, descriptors: Descriptors, firmware: Firmware | None = None,
        refuses: Callable[[Setup], bool] = lambda setup: setup.request_type & 0x60 == 0x20,
    ) -> None:
        super().__init__(descriptors, firmware)
        self._refuses = refuses

    def submit(self, transfer: Transfer) -> None:
        if transfer.endpoint == 0 and self._refuses(transfer.setup):
            self._note("stalled", transfer.setup)
            transfer.stall()
        else:
            super().submit(transfer)


class Mute(AcmDevice):
    """Never ends the control transfers that `ignores` names, so that the host runs into its timeouts."""

    def __init__(
        self, descriptors: Descriptors, firmware: Firmware | None = None,
        ignores: Callable[[Setup], bool] = lambda setup: setup.request_type & 0x60 == 0x20,
    ) -> None:
        super().__init__(descriptors, firmware)
        self._ignores = ignores

    def submit(self, transfer: Transfer) -> None:
        if transfer.endpoint == 0 and self._ignores(transfer.setup):
            self._note("ignored", transfer.setup)
        else:
            super().submit(transfer)


class Babbling(AcmDevice):
    """Answers every read with more than the host has room for, and every interrupt poll with nonsense."""

    def began(self, address: int) -> None:
        if address == BYTES_IN:
            transfer = self.waiting[address].pop(0)
            transfer.finish(bytes(transfer.length + 1))
        elif address == NOTIFICATIONS:
            self.waiting[address].pop(0).finish(b"\xa1\xff" + bytes(6))
        else:
            super().began(address)


def stalling(serial: str, firmware: Firmware | None = None) -> AcmDevice:
    """A Nano 33 BLE whose port cannot be set up."""
    return Stalling(nano33ble.application(serial).descriptors, firmware)


def mute(serial: str, firmware: Firmware | None = None) -> AcmDevice:
    """A Nano 33 BLE at which setting up the port takes for ever."""
    return Mute(nano33ble.application(serial).descriptors, firmware)


def babbling(serial: str) -> AcmDevice:
    """A Nano 33 BLE that breaks the rules of the bus."""
    return Babbling(nano33ble.application(serial).descriptors)
