"""A serial port as a host has it: CDC-ACM over `UsbHost`, used as Linux's cdc_acm uses it (PSTN 1.2, 6.3)."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .units import MILLISECOND, SECOND
from .usb_descriptors import Endpoint, Interface
from .usb_host import PATIENCE, Transfer, UsbError, UsbHost

COMMUNICATIONS, DATA = 2, 0x0A
TO_INTERFACE, FROM_INTERFACE = 0x21, 0xA1
SET_LINE_CODING, GET_LINE_CODING, SET_CONTROL_LINE_STATE, SEND_BREAK = 0x20, 0x21, 0x22, 0x23
DTR, RTS = 1, 2
#: How many reads are under way, and how long each is.
READS, READ_BYTES = 16, 128
TOUCH_RATE = 1200


class SerialHost:
    """The port of an enumerated device. What comes in is in `received` as soon as it has come."""

    def __init__(self, host: UsbHost) -> None:
        self.host = host
        self.received = bytearray()
        self.notifications: list[bytes] = []
        control, data = self._interface(COMMUNICATIONS), self._interface(DATA)
        self._interface_number = control.number
        self._notify = self._endpoint(control, is_in=True)
        self._in = self._endpoint(data, is_in=True)
        self._out = self._endpoint(data, is_in=False)
        #: Reads end while it is closed; what comes for an earlier opening is nobody's.
        self._opening = 0
        self._is_open = False

    def _interface(self, kind: int) -> Interface:
        assert self.host.configuration is not None, "not enumerated"
        found = [each for each in self.host.configuration.interfaces if each.interface_class[0] == kind]
        if len(found) != 1:
            raise UsbError(f"{len(found)} interfaces of class {kind:#x}")
        return found[0]

    @staticmethod
    def _endpoint(interface: Interface, is_in: bool) -> Endpoint:
        found = [each for each in interface.endpoints if bool(each.address & 0x80) == is_in]
        if len(found) != 1:
            raise UsbError(f"interface {interface.number} has not the endpoints of a serial port")
        return found[0]

    def open(self, rate: int = 115_200, lines: int = DTR | RTS) -> None:
        """Opens it as a program does: DTR and RTS, a line coding, reads under way."""
        self._is_open = True
        self._opening += 1
        self._listen(self._notify, 1, self.notifications.append)
        self._listen(self._in, READS, self.received.extend)
        self.set_lines(lines)
        self.set_line_coding(rate)

    def close(self) -> None:
        self._is_open = False
        self.set_lines(0)

    def _listen(self, endpoint: Endpoint, count: int, take: Callable[[bytes], object]) -> None:
        opening = self._opening

        def arrived(transfer: Transfer) -> None:
            if transfer.failure is None and opening == self._opening:
                take(transfer.result())
                begin()

        def begin() -> None:
            if self._is_open:
                self.host.begin_read(endpoint.address & 0xF, READ_BYTES if count > 1 else endpoint.packet, arrived)

        for _ in range(count):
            begin()

    def set_line_coding(self, rate: int, stop: int = 0, parity: int = 0, bits: int = 8) -> None:
        self.host.control_out(
            TO_INTERFACE, SET_LINE_CODING, index=self._interface_number,
            data=struct.pack("<IBBB", rate, stop, parity, bits))

    def line_coding(self) -> tuple[int, int, int, int]:
        """Rate, stop bits, parity, data bits."""
        data = self.host.control_in(FROM_INTERFACE, GET_LINE_CODING, index=self._interface_number, length=7)
        rate, stop, parity, bits = struct.unpack("<IBBB", data)
        return rate, stop, parity, bits

    def set_lines(self, lines: int) -> None:
        self.host.control_out(TO_INTERFACE, SET_CONTROL_LINE_STATE, value=lines, index=self._interface_number)

    def send_break(self, milliseconds: int) -> None:
        self.host.control_out(TO_INTERFACE, SEND_BREAK, value=milliseconds, index=self._interface_number)

    def write(self, data: bytes, limit: int = PATIENCE) -> None:
        """As Linux writes: without an empty packet behind a multiple of 64 bytes."""
        self.host.write(self._out.address, data, limit)

    def read(self, count: int, limit: int = PATIENCE) -> bytes:
        """The next `count` bytes."""
        if not self.host.runner.run_while(lambda: len(self.received) < count, limit):
            raise UsbError(f"{len(self.received)} of {count} bytes after {limit // MILLISECOND} ms")
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def touch(self) -> None:
        """Opens at 1200 baud and closes: a board that knows this goes into its bootloader some 200 ms later."""
        self.open(TOUCH_RATE)
        self.close()
        self.host.runner.run_for(SECOND // 2)
