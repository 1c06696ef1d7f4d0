"""What every USB device has in common: descriptors, and the standard requests of USB 2.0, chapter 9."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .device import Setup, Speed, Summary, Transfer
from .watched import Watched

DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT, ASSOCIATION = 1, 2, 3, 4, 5, 11
BULK, INTERRUPT = 2, 3
IN = 0x80
ENGLISH = 0x0409
#: Largest packet of endpoint 0 and of a bulk endpoint at full speed.
PACKET = 64


def interface(number: int, triple: tuple[int, int, int], endpoints: int, name: int = 0) -> bytes:
    return bytes([9, INTERFACE, number, 0, endpoints, *triple, name])


def endpoint(address: int, kind: int, packet: int, interval: int = 0) -> bytes:
    return struct.pack("<BBBBHB", 7, ENDPOINT, address, kind, packet, interval)


def association(first: int, count: int, triple: tuple[int, int, int]) -> bytes:
    """Says that these interfaces are one function (the interface association of USB 2.0's ECN)."""
    return bytes([8, ASSOCIATION, first, count, *triple, 0])


@dataclass(frozen=True)
class Descriptors:
    """All that a device says about itself when a host enumerates it."""

    vendor: int
    product: int
    release: int
    device_class: tuple[int, int, int]
    #: Manufacturer, product, serial number, and more if a descriptor names them: string 1, 2, 3, …
    strings: tuple[str, ...]
    #: Interface descriptors, with everything that belongs to them.
    functions: bytes
    interface_classes: tuple[tuple[int, int, int], ...]
    milliamperes: int = 500

    @property
    def serial_number(self) -> str:
        return self.strings[2]

    @property
    def device(self) -> bytes:
        return struct.pack(
            "<BBHBBBBHHHBBBB", 18, DEVICE, 0x0200, *self.device_class, PACKET, self.vendor, self.product, self.release,
            1, 2, 3, 1)

    @property
    def configuration(self) -> bytes:
        total = 9 + len(self.functions)
        return struct.pack(
            "<BBHBBBBB", 9, CONFIGURATION, total, len(self.interface_classes), 1, 0, 0x80, self.milliamperes // 2
        ) + self.functions

    def string(self, index: int) -> bytes | None:
        if index > len(self.strings):
            return None
        text = struct.pack("<H", ENGLISH) if index == 0 else self.strings[index - 1].encode("utf-16le")
        return bytes([len(text) + 2, STRING]) + text

    def find(self, value: int) -> bytes | None:
        """The descriptor that GET_DESCRIPTOR's wValue names."""
        kind, index = value >> 8, value & 0xFF
        if kind == STRING:
            return self.string(index)
        if index != 0:
            return None
        # No qualifier (6): that is how a device says that full speed is all it has.
        return {DEVICE: self.device, CONFIGURATION: self.configuration}.get(kind)

    def summary(self) -> Summary:
        return Summary(self.vendor, self.product, self.release, self.device_class, self.interface_classes)


class StandardDevice(Watched):
    """A full-speed device with one configuration. Subclasses answer their class's requests and their endpoints."""

    def __init__(self, descriptors: Descriptors, endpoints: Sequence[int]) -> None:
        super().__init__()
        self.descriptors = descriptors
        #: The host that has the device, if any, got as far as to configure it.
        self.is_configured = False
        self.is_attached = False
        #: Transfers under way, for every endpoint address.
        self.waiting: dict[int, list[Transfer]] = {address: [] for address in endpoints}

    @property
    def speed(self) -> Speed:
        return Speed.FULL

    @property
    def summary(self) -> Summary:
        return self.descriptors.summary()

    def attached(self) -> None:
        self._reset()
        self.is_attached = True
        self.changed()

    def detached(self) -> None:
        self._reset()
        self.is_attached = False
        self.changed()

    def _reset(self) -> None:
        self.is_configured = False
        for transfers in self.waiting.values():
            transfers.clear()

    def submit(self, transfer: Transfer) -> None:
        if transfer.endpoint == 0:
            self._control(transfer)
            return
        address = transfer.endpoint | (IN if transfer.is_in else 0)
        if address not in self.waiting:
            transfer.fail(errno.EPROTO)
            return
        self.waiting[address].append(transfer)
        self.began(address)
        self.changed()

    def cancel(self, transfer: Transfer) -> None:
        for transfers in self.waiting.values():
            if transfer in transfers:
                transfers.remove(transfer)
        self.changed()

    def began(self, address: int) -> None:
        """There is one more in `waiting` for this endpoint."""

    def request(self, setup: Setup, data: bytes) -> bytes | None:
        """Answers a request that is not a standard one; None refuses it."""
        return None

    def _control(self, transfer: Transfer) -> None:
        setup = transfer.setup
        is_standard = setup.request_type & 0x60 == 0
        reply = self.standard_request(setup) if is_standard else self.request(setup, transfer.data)
        if reply is None:
            transfer.stall()
        elif transfer.is_in:
            transfer.finish(reply[: min(setup.length, transfer.length)])
        else:
            transfer.finish()

    def standard_request(self, setup: Setup) -> bytes | None:
        """The requests of USB 2.0, 9.4, as far as a host sees a difference. vhci keeps SET_ADDRESS to itself."""
        match setup.request_type, setup.request:
            case 0x80, 6:  # GET_DESCRIPTOR
                return self.descriptors.find(setup.value)
            case 0x00, 9 if setup.value <= 1:  # SET_CONFIGURATION
                self.is_configured = setup.value == 1
                self.changed()
                return b""
            case 0x80, 8:  # GET_CONFIGURATION
                return bytes([self.is_configured])
            case (0x80 | 0x81 | 0x82), 0:  # GET_STATUS: powered by the bus, nothing halted
                return b"\0\0"
            case 0x81, 10:  # GET_INTERFACE
                return b"\0"
            case 0x01, 11 if setup.value == 0:  # SET_INTERFACE
                return b""
            case 0x02, 1 if setup.value == 0:  # CLEAR_FEATURE(ENDPOINT_HALT)
                return b""
        return None
