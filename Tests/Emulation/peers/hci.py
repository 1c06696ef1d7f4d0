"""A small HCI host, over the UART (H4) or over USB, for the controllers that the model is tested with."""

from __future__ import annotations

import struct
from collections.abc import Callable

from nrf52840 import MILLISECOND, Machine, UsbHost
from nrf52840.air import Named
from nrf52840.usb_host import Runner, Transfer

COMMAND, ACL, EVENT = 1, 2, 4
COMMAND_COMPLETE, COMMAND_STATUS, LE_META = 0x0E, 0x0F, 0x3E
BULK, INTERRUPT = 2, 3


def packet_length(h4: bytes | bytearray) -> int | None:
    """Of the H4 packet that begins here; None if it cannot be told yet."""
    if h4[:1] == bytes((EVENT,)):
        return 3 + h4[2] if len(h4) >= 3 else None
    if h4[:1] == bytes((ACL,)):
        return 5 + int.from_bytes(h4[3:5], "little") if len(h4) >= 5 else None
    if h4:
        raise ValueError(f"H4 out of step: {h4[:8].hex()}")
    return None


class Refused(Exception):
    """The controller answers a command with an error."""


class Host:
    """Packets have their H4 type in front."""

    def __init__(self, machine: Named, runner: Runner) -> None:
        self._name = machine.name
        self._runner = runner
        self.packets: list[bytes] = []

    def poll(self) -> None:
        """Looks what has come."""
        raise NotImplementedError

    def send(self, packet: bytes) -> None:
        raise NotImplementedError

    def wait(self, wanted: Callable[[bytes], bool], limit: int = 200) -> bytes:
        """The first packet that is wanted, within so many milliseconds. It is taken out of `packets`."""

        def found() -> bytes | None:
            self.poll()
            return next((packet for packet in self.packets if wanted(packet)), None)

        if not self._runner.run_while(lambda: found() is None, limit * MILLISECOND):
            raise TimeoutError(f"{self._name} has not said it; it said {[each.hex() for each in self.packets]}")
        packet = found()
        assert packet is not None
        self.packets.remove(packet)
        return packet

    def command(self, opcode: int, parameters: bytes = b"", limit: int = 200) -> bytes:
        """What a command returns after its status."""
        self.send(struct.pack("<BHB", COMMAND, opcode, len(parameters)) + parameters)
        code = opcode.to_bytes(2, "little")
        answer = self.wait(
            lambda packet: packet[0] == EVENT and (
                packet[1] == COMMAND_COMPLETE and packet[4:6] == code
                or packet[1] == COMMAND_STATUS and packet[5:7] == code), limit)
        status, rest = (answer[6], answer[7:]) if answer[1] == COMMAND_COMPLETE else (answer[3], b"")
        if status:
            raise Refused(f"command {opcode:#06x}: error {status:#x}")
        return rest

    def event(self, code: int, limit: int = 2000) -> bytes:
        """The parameters of an event."""
        return self.wait(lambda packet: packet[:2] == bytes((EVENT, code)), limit)[3:]

    def le_event(self, subevent: int, limit: int = 2000) -> bytes:
        return self.wait(lambda packet: packet[:2] == bytes((EVENT, LE_META)) and packet[3] == subevent, limit)[4:]

    def send_data(self, handle: bytes, data: bytes) -> None:
        self.send(bytes((ACL,)) + handle + struct.pack("<H", len(data)) + data)

    def data(self, limit: int = 2000) -> bytes:
        return self.wait(lambda packet: packet[0] == ACL, limit)[5:]


class UartHost(Host):
    def __init__(self, machine: Machine, runner: Runner) -> None:
        super().__init__(machine, runner)
        self._uart = machine.uart
        self._received = bytearray()

    def poll(self) -> None:
        self._received += self._uart.take_sent()
        while (length := packet_length(self._received)) is not None and len(self._received) >= length:
            self.packets.append(bytes(self._received[:length]))
            del self._received[:length]

    def send(self, packet: bytes) -> None:
        self._uart.send(packet)


class UsbHciHost(Host):
    """Commands on endpoint 0, events on the interrupt endpoint, data on bulk (Core Specification Vol 4 Part B)."""

    def __init__(self, machine: Machine, runner: Runner) -> None:
        super().__init__(machine, runner)
        self.usb = UsbHost(machine, runner)
        self.usb.plug()
        self.usb.enumerate()
        assert self.usb.configuration is not None
        points = self.usb.configuration.endpoints()
        self._out = next(point.address for point in points if point.kind == BULK and point.address < 0x80)
        for kind, what in ((INTERRUPT, EVENT), (BULK, ACL)):
            point = next(point for point in points if point.kind == kind and point.address >= 0x80)
            self._listen(point.address & 0xF, bytearray((what,)))

    def _listen(self, endpoint: int, partial: bytearray) -> None:
        """Reads for ever: a packet may take several transfers."""

        def arrived(transfer: Transfer) -> None:
            if transfer.failure is not None:
                return
            partial.extend(transfer.result())
            if (length := packet_length(partial)) is not None and len(partial) >= length:
                self.packets.append(bytes(partial[:length]))
                del partial[1:]
            self.usb.begin_read(endpoint, 64, arrived)

        self.usb.begin_read(endpoint, 64, arrived)

    def poll(self) -> None:
        """Transfers bring everything."""

    def send(self, packet: bytes) -> None:
        if packet[0] == COMMAND:
            self.usb.control_out(0x20, 0, data=packet[1:])
        else:
            self.usb.write(self._out, packet[1:])
