"""The bus's end of USBD: what it answers to a host (nRF52840 PS, "USBD"; USB 2.0, chapters 8 and 9).

The program has its end in `usbd`: there it arms endpoints and puts packets into them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import Violation
from .peripheral import Peripheral
from .units import MILLISECOND
from .usb_bus import Handshake, HostEnd

if TYPE_CHECKING:
    from .machine import Machine

ENDPOINTS = 8
PACKET = 64
#: A bus that is silent for so long is suspended (USB 2.0, 7.1.7.6).
SILENCE = 3 * MILLISECOND
SET_ADDRESS = b"\x00\x05"
DIRECTION_IN = 0x80


class Cause(enum.IntFlag):
    """Of EVENTCAUSE."""

    SUSPEND = 1 << 8
    RESUME = 1 << 9
    WAKE_UP_ALLOWED = 1 << 10
    READY = 1 << 11


@dataclass(slots=True)
class InEndpoint:
    """Towards the host: a packet that waits to be fetched."""

    packet: bytes | None = None
    toggle: int = 0
    is_halted: bool = False


@dataclass(slots=True)
class OutEndpoint:
    """From the host: armed, it takes a packet, which then waits for EasyDMA."""

    packet: bytes | None = None
    is_armed: bool = False
    toggle: int = 0
    is_halted: bool = False


@dataclass(slots=True)
class Control:
    """A control transfer on endpoint 0."""

    setup: bytes
    #: The program has let the status stage happen, or wants the next packet, or refuses.
    allows_status: bool = False
    wants_data: bool = False
    is_refused: bool = False
    is_over: bool = False

    @property
    def reads(self) -> bool:
        """Whether the data stage goes to the host."""
        return bool(self.setup[0] & DIRECTION_IN) and any(self.setup[6:8])


@dataclass(slots=True)
class Statistics:
    """What USBD was used for."""

    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    #: Packets that came while an endpoint was not armed, by endpoint: the host tries again.
    refused: dict[int, int] = field(default_factory=dict)


class BusEnd(Peripheral):
    """`vbus`, `connected`, `bus_reset`, `sof`, `suspend`, `resume`, `setup`, `token_in`, `token_out`."""

    cleared_by_ones = frozenset(("EVENTCAUSE", "EPSTATUS", "EPDATASTATUS"))

    def __init__(self, machine: Machine) -> None:
        self.host: HostEnd | None = None
        self.statistics = Statistics()
        self._was_connected = False
        super().__init__(machine)

    def reset(self) -> None:
        super().reset()
        self._is_ready = False
        self.is_suspended = False
        self._forget_endpoints()
        self.look_at_connection()

    def _forget_endpoints(self) -> None:
        self.inward = [InEndpoint() for _ in range(ENDPOINTS)]
        self.outward = [OutEndpoint() for _ in range(ENDPOINTS)]
        self.control: Control | None = None

    # The bus's end.

    def vbus(self, on: bool) -> None:
        """The cable's supply."""
        self.machine.power.vbus(on)
        if not on:
            self._forget_endpoints()
        self.look_at_connection()

    @property
    def connected(self) -> bool:
        """Whether a host sees the pull-up."""
        return bool(self["USBPULLUP"] & 1) and self._is_ready and self.machine.power.has_usb_supply

    @property
    def address(self) -> int:
        return self["USBADDR"]

    def bus_reset(self) -> None:
        """The host resets the bus: control transfers, packets, toggles, the address are forgotten, and all endpoints but
        0 are off."""
        self._require_connection()
        self._forget_endpoints()
        self["USBADDR"] = 0
        self["EPINEN"] = self["EPOUTEN"] = 1
        self["EPSTATUS"] = self["EPDATASTATUS"] = 0
        self.is_suspended = False
        self.event("USBRESET")

    def sof(self, frame: int) -> None:
        """A frame begins."""
        self._require_connection()
        self["FRAMECNTR"] = frame & 0x7FF
        self.event("SOF")

    def suspend(self) -> None:
        """The bus has fallen silent."""
        self._require_connection()
        self.after(SILENCE, self._suspended)

    def _suspended(self) -> None:
        self.is_suspended = True
        self._cause(Cause.SUSPEND)

    def resume(self) -> None:
        """The host drives a resume."""
        self._require_connection()
        if self.is_suspended:
            self.is_suspended = False
            # Drivers do not end low power themselves, and take a register that still says so for a suspended bus.
            self["LOWPOWER"] = 0
            self._cause(Cause.RESUME)

    def setup(self, packet: bytes) -> Handshake:
        """A control transfer begins; one that was going on is over. A device cannot but take it."""
        self._require_connection()
        if len(packet) != 8:
            raise ValueError(f"a SETUP of {len(packet)} bytes")
        self.control = Control(packet)
        self.inward[0] = InEndpoint(toggle=1)
        self.outward[0] = OutEndpoint(toggle=1)
        for index, name in enumerate(
            ("BMREQUESTTYPE", "BREQUEST", "WVALUEL", "WVALUEH", "WINDEXL", "WINDEXH", "WLENGTHL", "WLENGTHH")
        ):
            self[name] = packet[index]
        if packet[:2] == SET_ADDRESS:
            # Answered by hardware; the program is not told.
            self.control.allows_status = True
        else:
            self.event("EP0SETUP")
        return Handshake.ACK

    def token_in(self, endpoint: int, *, acknowledged: bool = True) -> bytes | Handshake:
        """The host asks for a packet. If its acknowledgement gets lost, the device will send the same again."""
        self._require_connection()
        if endpoint == 0:
            return self._control_in(acknowledged)
        place = self.inward[endpoint]
        if not self["EPINEN"] >> endpoint & 1:
            return Handshake.NONE
        if place.is_halted:
            return Handshake.STALL
        if place.packet is None:
            return Handshake.NAK
        packet = place.packet
        if acknowledged:
            place.packet = None
            place.toggle ^= 1
            self._count(packet, is_in=True)
            self._data_moved(1 << endpoint)
        return packet

    def token_out(self, endpoint: int, packet: bytes, *, toggle: int | None = None) -> Handshake:
        """The host sends a packet. One that has come before, which its toggle says, is acknowledged and forgotten."""
        self._require_connection()
        if len(packet) > PACKET:
            raise ValueError(f"a packet of {len(packet)} bytes")
        if endpoint == 0:
            return self._control_out(packet)
        place = self.outward[endpoint]
        if not self["EPOUTEN"] >> endpoint & 1:
            return Handshake.NONE
        if place.is_halted:
            return Handshake.STALL
        if not place.is_armed:
            self.statistics.refused[endpoint] = self.statistics.refused.get(endpoint, 0) + 1
            return Handshake.NAK
        if toggle is not None and toggle != place.toggle:
            return Handshake.ACK
        place.is_armed = False
        place.packet = packet
        place.toggle ^= 1
        self["SIZE.EPOUT", endpoint] = len(packet)
        self._count(packet, is_in=False)
        self._data_moved(1 << 16 + endpoint)
        return Handshake.ACK

    def toggle_of(self, endpoint: int, is_in: bool) -> int:
        """DATA0 or DATA1 of the packet that comes next."""
        return (self.inward if is_in else self.outward)[endpoint].toggle

    def _control_in(self, acknowledged: bool) -> bytes | Handshake:
        control, place = self.control, self.inward[0]
        if control is None or control.is_refused:
            return Handshake.STALL if control else Handshake.NAK
        if not control.reads:
            if not control.allows_status:
                return Handshake.NAK
            if acknowledged:
                self._end_control(control)
            return b""
        if place.packet is None:
            return Handshake.NAK
        packet = place.packet
        if acknowledged:
            place.packet = None
            place.toggle ^= 1
            self._count(packet, is_in=True)
            self.event("EP0DATADONE")
        return packet

    def _control_out(self, packet: bytes) -> Handshake:
        control, place = self.control, self.outward[0]
        if control is None or control.is_refused:
            return Handshake.STALL if control else Handshake.NAK
        if control.reads:
            if packet:
                raise ValueError("a status stage with data")
            if not control.allows_status:
                return Handshake.NAK
            self._end_control(control)
            return Handshake.ACK
        if not control.wants_data:
            return Handshake.NAK
        control.wants_data = False
        place.packet = packet
        place.toggle ^= 1
        self["SIZE.EPOUT", 0] = len(packet)
        self._count(packet, is_in=False)
        self.event("EP0DATADONE")
        return Handshake.ACK

    def _end_control(self, control: Control) -> None:
        control.is_over = True
        self.control = None
        if control.setup[:2] == SET_ADDRESS:
            self["USBADDR"] = control.setup[2] & 0x7F

    def _require_connection(self) -> None:
        if not self.connected:
            raise Violation("the host speaks to a device that is not connected")
        if not self.machine.power.high_frequency_crystal_runs:
            raise Violation("USBD is on the bus without the high-frequency crystal")

    def look_at_connection(self) -> None:
        """Tells the host if the pull-up or the voltage came or went. What stays enabled meanwhile is there again."""
        if self.connected != self._was_connected:
            self._was_connected = self.connected
            if self.host is not None:
                self.host.connection_changed(self.connected)

    def _count(self, packet: bytes, is_in: bool) -> None:
        statistics = self.statistics
        if is_in:
            statistics.packets_in += 1
            statistics.bytes_in += len(packet)
        else:
            statistics.packets_out += 1
            statistics.bytes_out += len(packet)

    def _data_moved(self, bit: int) -> None:
        self["EPDATASTATUS"] |= bit
        self.event("EPDATA")

    def _cause(self, cause: Cause) -> None:
        self["EVENTCAUSE"] |= cause
        self.event("USBEVENT")

    def _ready(self) -> None:
        if self.host is not None:
            self.host.became_ready()
