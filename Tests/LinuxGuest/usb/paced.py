"""A serial port on a bus that takes its time, for figures about goodput: USB/IP itself has no pace."""

from __future__ import annotations

import asyncio

from .cdc_acm import BYTES_OUT, AcmDevice
from .device import Transfer
from .firmware import Firmware
from .standard import Descriptors

#: Full speed: at most 19 bulk packets of 64 bytes in a frame of a millisecond (USB 2.0, table 5-9).
FULL_SPEED = 19 * 64 * 1000


class PacedAcmDevice(AcmDevice):
    """Takes bytes from the host no faster than `rate` a second; towards the host it does not hold back."""

    def __init__(self, descriptors: Descriptors, firmware: Firmware | None = None, *, rate: float = FULL_SPEED) -> None:
        super().__init__(descriptors, firmware)
        self._rate = rate
        self._free_at = 0.0
        self._arrived: set[Transfer] = set()

    def began(self, address: int) -> None:
        if address != BYTES_OUT:
            super().began(address)
            return
        loop = asyncio.get_running_loop()
        transfer = self.waiting[BYTES_OUT][-1]
        self._free_at = max(self._free_at, loop.time()) + len(transfer.data) / self._rate
        loop.call_at(self._free_at, self._arrives, transfer)

    def _arrives(self, transfer: Transfer) -> None:
        self._arrived = {each for each in self._arrived if each.is_open} | {transfer}
        self.firmware.readable()

    def peek(self) -> bytes:
        transfers = self.waiting[BYTES_OUT]
        return super().peek() if transfers and transfers[0] in self._arrived else b""
