"""The bytes of USB/IP (the kernel's Documentation/usb/usbip_protocol.rst), as functions without input or output.

Everything is big-endian. What comes in is taken for hostile: lengths and numbers have bounds, and whatever is beyond
them is a `ProtocolViolation`, after which a connection is of no more use.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .device import Speed, Summary

VERSION = 0x0111
REQUEST_IMPORT, REPLY_IMPORT = 0x8003, 0x0003
REQUEST_LIST, REPLY_LIST = 0x8005, 0x0005
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4

#: Longest transfer. Linux's cdc_acm makes none of more than 1,280 bytes at full speed, usbfs none beyond 16 KB a piece.
MAXIMUM_TRANSFER = 256 * 1024
BUS_ID_BYTES = 32
REQUEST_BYTES = 8
URB_BYTES = 48
_URB_HEAD = struct.Struct(">IIIII")
_SUBMIT_BODY = struct.Struct(">Iiiii8s")
_REPLY = struct.Struct(">IIIIIiiiii8x")
_UNLINKED = struct.Struct(">IIIIIi24x")
_DEVICE = struct.Struct(">256s32sIIIHHHBBBBBB")


class ProtocolViolation(Exception):
    """The other end does not speak USB/IP, or wants what no sane host wants."""


@dataclass(frozen=True, slots=True)
class Submit:
    sequence: int
    device: int
    is_in: bool
    endpoint: int
    length: int
    setup: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Unlink:
    sequence: int
    device: int
    victim: int


class CommandReader:
    """Cuts the stream of an imported device into commands."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Submit | Unlink]:
        """The commands that are complete with these bytes; what is incomplete is kept for the next call."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= URB_BYTES:
                command, size = self._command(at)
                if command is None:
                    break
                at += size
                yield command
        finally:
            del self._buffer[:at]

    def _command(self, at: int) -> tuple[Submit | Unlink | None, int]:
        code, sequence, device, direction, endpoint = _URB_HEAD.unpack_from(self._buffer, at)
        if code == UNLINK:
            (victim,) = struct.unpack_from(">I", self._buffer, at + 20)
            return Unlink(sequence, device, victim), URB_BYTES
        if code != SUBMIT:
            raise ProtocolViolation(f"unknown command {code}")
        _, length, _, packets, _, setup = _SUBMIT_BODY.unpack_from(self._buffer, at + 20)
        if direction > 1 or endpoint > 15:
            raise ProtocolViolation(f"transfer with direction {direction} to endpoint {endpoint}")
        if not 0 <= length <= MAXIMUM_TRANSFER:
            raise ProtocolViolation(f"transfer of {length} bytes")
        # -1 is the documentation's way to say "not isochronous", 0 is the kernel's.
        if packets not in (0, -1):
            raise ProtocolViolation("isochronous transfer")
        body = 0 if direction else length
        if len(self._buffer) - at < URB_BYTES + body:
            return None, 0
        data = bytes(self._buffer[at + URB_BYTES : at + URB_BYTES + body])
        return Submit(sequence, device, bool(direction), endpoint, length, setup, data), URB_BYTES + body


def request(data: bytes) -> int:
    """The operation that the first eight bytes of a connection ask for."""
    version, code, _ = struct.unpack(">HHI", data)
    if version != VERSION or code not in (REQUEST_IMPORT, REQUEST_LIST):
        raise ProtocolViolation(f"request {code:#06x} of version {version:#06x}")
    return int(code)


def bus_id(data: bytes) -> str:
    """The bus id of an import request, up to its first zero."""
    return data.split(b"\0", 1)[0].decode("ascii", "replace")


def device_record(name: str, bus: int, number: int, speed: Speed, summary: Summary) -> bytes:
    """A device as lists and import replies describe it."""
    return _DEVICE.pack(
        f"/sys/devices/fedbridge/{name}".encode(), name.encode(), bus, number, speed, summary.vendor, summary.product,
        summary.release, *summary.device_class, summary.configuration_value, summary.configuration_count,
        len(summary.interface_classes))


def list_reply(devices: list[tuple[bytes, Summary]]) -> bytes:
    """The exported devices, each with the classes of its interfaces."""
    reply = struct.pack(">HHII", VERSION, REPLY_LIST, 0, len(devices))
    for record, summary in devices:
        reply += record + b"".join(bytes([*triple, 0]) for triple in summary.interface_classes)
    return reply


def import_reply(record: bytes | None) -> bytes:
    """The imported device, or a refusal."""
    return struct.pack(">HHI", VERSION, REPLY_IMPORT, record is None) + (record or b"")


def submitted(sequence: int, status: int, count: int, data: bytes) -> bytes:
    """The end of a transfer: `count` bytes were moved, `data` are those of an in transfer."""
    return _REPLY.pack(SUBMITTED, sequence, 0, 0, 0, status, count, 0, 0, 0) + data


def unlinked(sequence: int, status: int) -> bytes:
    """The answer to an unlink: -ECONNRESET if the transfer was still open, 0 if it had ended before."""
    return _UNLINKED.pack(UNLINKED, sequence, 0, 0, 0, status)
