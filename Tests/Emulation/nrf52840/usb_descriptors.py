"""Descriptors as a host reads them (USB 2.0, 9.6). What does not add up is refused, as a host would or should."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

DEVICE, CONFIGURATION, INTERFACE, ENDPOINT = 1, 2, 4, 5


class WrongDescriptor(Exception):
    """A descriptor that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Device:
    release: int
    device_class: tuple[int, int, int]
    packet: int
    vendor: int
    product: int
    version: int
    #: Numbers of the strings: manufacturer, product, serial number.
    strings: tuple[int, int, int]
    configurations: int
    raw: bytes

    @classmethod
    def parse(cls, data: bytes) -> Device:
        if len(data) != 18 or data[0] != 18 or data[1] != DEVICE:
            raise WrongDescriptor(f"no device descriptor: {data.hex()}")
        _, _, release, *kind, packet, vendor, product, version, maker, name, serial, count = struct.unpack(
            "<BBHBBBBHHHBBBB", data)
        return cls(release, (kind[0], kind[1], kind[2]), packet, vendor, product, version, (maker, name, serial), count,
                   data)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The direction is in bit 7 of the address."""

    address: int
    attributes: int
    packet: int
    interval: int

    @property
    def kind(self) -> int:
        return self.attributes & 3


@dataclass(slots=True)
class Interface:
    number: int
    alternate: int
    interface_class: tuple[int, int, int]
    endpoints: list[Endpoint] = field(default_factory=list)
    #: Descriptors of its class, whole.
    functional: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Configuration:
    value: int
    attributes: int
    #: In units of 2 mA.
    power: int
    interfaces: tuple[Interface, ...]
    raw: bytes

    @classmethod
    def parse(cls, data: bytes) -> Configuration:
        if len(data) < 9 or data[1] != CONFIGURATION or int.from_bytes(data[2:4], "little") != len(data):
            raise WrongDescriptor(f"no configuration descriptor of {len(data)} bytes: {data[:9].hex()}")
        interfaces: list[Interface] = []
        wanted: dict[tuple[int, int], int] = {}
        at = data[0]
        while at < len(data):
            part = data[at:at + data[at]]
            if len(part) < 2 or len(part) != data[at]:
                raise WrongDescriptor(f"a descriptor of {data[at]} bytes with {len(data) - at} left")
            at += len(part)
            if part[1] == INTERFACE:
                interfaces.append(Interface(part[2], part[3], (part[5], part[6], part[7])))
                wanted[part[2], part[3]] = part[4]
            elif part[1] == ENDPOINT:
                interfaces[-1].endpoints.append(
                    Endpoint(part[2], part[3], int.from_bytes(part[4:6], "little"), part[6]))
            elif interfaces:
                interfaces[-1].functional.append(part)
        for each in interfaces:
            if len(each.endpoints) != wanted[each.number, each.alternate]:
                raise WrongDescriptor(f"interface {each.number} has not the endpoints that it says")
        if len({each.number for each in interfaces}) != data[4]:
            raise WrongDescriptor(f"{data[4]} interfaces are said to be there")
        return cls(data[5], data[7], data[8], tuple(interfaces), data)

    def endpoints(self, alternate: int = 0) -> list[Endpoint]:
        return [point for each in self.interfaces if each.alternate == alternate for point in each.endpoints]
