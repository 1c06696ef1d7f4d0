"""What a USB/IP server needs of a device: something that answers transfers.

A transfer is what Linux calls an URB: so and so many bytes to or from one endpoint. Who answers it is left open: the
models of this package do, and so can an emulated chip whose firmware moves the packets.
"""

from __future__ import annotations

import enum
import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Speed(enum.IntEnum):
    """Speeds as USB/IP counts them (the kernel's enum usb_device_speed)."""

    FULL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Setup:
    """The eight bytes that begin a control transfer (USB 2.0, 9.3)."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def parse(cls, data: bytes) -> Setup:
        return cls(*struct.unpack("<BBHHH", data))


@dataclass(frozen=True, slots=True)
class Summary:
    """What USB/IP tells about a device before anyone has spoken to it."""

    vendor: int
    product: int
    release: int
    device_class: tuple[int, int, int]
    interface_classes: tuple[tuple[int, int, int], ...]
    configuration_value: int = 1
    configuration_count: int = 1


Answer = Callable[["Transfer", int, int, bytes], None]


class Transfer:
    """One transfer that the host has begun.

    The device ends it with `finish`, `stall` or `fail`, now, later or never. Not ending it is what a device on a real
    bus does by NAK, so this is the flow control of both directions. A transfer may be over behind the device's back,
    because the host gave it up or the cable was pulled; ending it then does nothing.
    """

    __slots__ = ("endpoint", "is_in", "length", "setup", "data", "_answer")

    def __init__(self, endpoint: int, is_in: bool, length: int, setup: Setup, data: bytes, answer: Answer) -> None:
        self.endpoint = endpoint
        self.is_in = is_in
        #: Bytes that the host has (out) or has room for (in).
        self.length = length
        #: Means something on endpoint 0 only.
        self.setup = setup
        #: The bytes of an out transfer.
        self.data = data
        self._answer: Answer | None = answer

    @property
    def is_open(self) -> bool:
        """Whether the host still waits for the end."""
        return self._answer is not None

    def finish(self, data: bytes = b"") -> None:
        """All of the host's bytes were taken, or these are for it: fewer than it has room for end the transfer too.

        More than it has room for is babble, which a host controller reports as an overflow.
        """
        if not self.is_in:
            self._end(0, self.length, b"")
        elif len(data) <= self.length:
            self._end(0, len(data), data)
        else:
            self._end(-errno.EOVERFLOW, self.length, data[: self.length])

    def stall(self) -> None:
        """The device refuses: a control request that it does not know, or an endpoint that is halted."""
        self._end(-errno.EPIPE, 0, b"")

    def fail(self, error: int) -> None:
        """The transfer broke on the bus; `error` is one of errno's, EPROTO when nobody answered."""
        self._end(-error, 0, b"")

    def withdraw(self) -> None:
        """For the server: the host does not wait any more."""
        self._answer = None

    def _end(self, status: int, count: int, data: bytes) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(self, status, count, data)


class UsbDevice(Protocol):
    """A device that can be plugged into a USB/IP server. All calls come from the server's event loop."""

    @property
    def speed(self) -> Speed: ...

    @property
    def summary(self) -> Summary: ...

    def attached(self) -> None:
        """A host has the device on its bus now, in the state after a bus reset."""

    def detached(self) -> None:
        """The bus is gone. All transfers are over already."""

    def submit(self, transfer: Transfer) -> None:
        """The host has begun a transfer."""

    def cancel(self, transfer: Transfer) -> None:
        """The host has given this transfer up, which was not ended yet: forget it."""
