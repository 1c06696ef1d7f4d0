"""USBD: the USB device controller, packet by packet (nRF52840 PS, "USBD").

Where silicon is known to misbehave if a program does not do as the vendor's errata and other people's drivers say, this
model ends the run, or does not become ready: the work-arounds of anomalies 171, 187 and 199, one EasyDMA transfer at a
time, SIZE.EPOUT written only to arm an endpoint that is not. Isochronous endpoints are not modelled.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import NotModelled, Violation
from .peripheral import Peripheral, reads, task, wrote
from .units import MICROSECOND, MILLISECOND
from .usb_bus import Handshake, HostEnd

if TYPE_CHECKING:
    from .machine import Machine

ENDPOINTS = 8
PACKET = 64
#: From ENABLE to EVENTCAUSE.READY, and from the end of low power to USBWUALLOWED: short times, as observed elsewhere.
ENABLE_TIME, WAKE_TIME = 20 * MICROSECOND, 100 * MICROSECOND
#: EasyDMA: to begin, and a byte.
DMA_START, DMA_BYTE = 1 * MICROSECOND, 62_500
#: A bus that is silent for so long is suspended (USB 2.0, 7.1.7.6).
SILENCE = 3 * MILLISECOND
#: Anomaly 199: what the register 0xC1C holds while EasyDMA works, so that tasks are not lost.
DMA_GUARD, GUARDED = 0xC1C, 0x82
SET_ADDRESS = b"\x00\x05"
DIRECTION_IN = 0x80
RESUME_STATE = 1


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


class Usbd(Peripheral):
    """The chip's end is registers; the bus's end `connected`, `bus_reset`, `setup`, `token_in`, `token_out`, `sof`,
    `suspend`, `resume`, `vbus`."""

    blocks = ("USBD",)
    #: Isochronous buffers (anomaly 166), taking back of packets, the guard of EasyDMA (199).
    undocumented = {0x800: 0, 0x804: 0, DMA_GUARD: 0}
    cleared_by_ones = frozenset(("EVENTCAUSE", "EPSTATUS", "EPDATASTATUS"))

    def __init__(self, machine: Machine) -> None:
        self.host: HostEnd | None = None
        self.statistics = Statistics()
        self._was_connected = False
        super().__init__(machine)

    def reset(self) -> None:
        super().reset()
        self._is_ready = False
        self._dma_endpoint: int | None = None
        self.is_suspended = False
        self._is_low_power = self._may_wake = False
        self._forget_endpoints()
        self._look_at_connection()

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
        self.supply_changed()

    def supply_changed(self) -> None:
        """Its voltage came or went. What stays enabled meanwhile is there again."""
        self._look_at_connection()

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
            # Drivers do not end it themselves, and take a register that still says so for a suspended bus.
            self["LOWPOWER"] = 0
            self._is_low_power = False
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

    def _look_at_connection(self) -> None:
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

    # EasyDMA.

    @task("STARTEPIN")
    def start_in(self, endpoint: int) -> None:
        name, place = f"USBD.TASKS_STARTEPIN[{endpoint}]", self.inward[endpoint]
        count = self["EPIN.MAXCNT", endpoint]
        self._begin_dma(name, endpoint, count)
        if place.packet is not None:
            raise Violation(f"{name} while the host has not fetched the packet before")
        packet = self.machine.memory.read(self["EPIN.PTR", endpoint], count, "USBD") if count else b""
        self.event("STARTED")
        self.after(DMA_START + DMA_BYTE * count, lambda: self._in_done(endpoint, place, packet))

    def _in_done(self, endpoint: int, place: InEndpoint, packet: bytes) -> None:
        self._dma_endpoint = None
        self["EPIN.AMOUNT", endpoint] = len(packet)
        self["EPSTATUS"] |= 1 << endpoint
        # After a reset of the bus, or another SETUP, it belongs to nobody.
        place.packet = packet
        self.event("ENDEPIN", endpoint)
        self._ready()

    @task("STARTEPOUT")
    def start_out(self, endpoint: int) -> None:
        name, place = f"USBD.TASKS_STARTEPOUT[{endpoint}]", self.outward[endpoint]
        count = self["EPOUT.MAXCNT", endpoint]
        self._begin_dma(name, endpoint, count)
        if place.packet is None:
            raise Violation(f"{name} without a packet")
        packet = place.packet
        if count != len(packet):
            raise Violation(f"{name} for {count} bytes, but SIZE.EPOUT is {len(packet)}")
        self.event("STARTED")
        self.after(DMA_START + DMA_BYTE * count, lambda: self._out_done(endpoint, place, packet))

    def _out_done(self, endpoint: int, place: OutEndpoint, packet: bytes) -> None:
        self._dma_endpoint = None
        if packet:
            self.machine.memory.write(self["EPOUT.PTR", endpoint], packet, "USBD")
        self["EPOUT.AMOUNT", endpoint] = len(packet)
        self["EPSTATUS"] |= 1 << 16 + endpoint
        place.packet = None
        # EasyDMA arms the endpoint again; on endpoint 0 EP0RCVOUT does.
        place.is_armed = endpoint != 0 and not place.is_halted
        self.event("ENDEPOUT", endpoint)
        self._ready()

    def _begin_dma(self, name: str, endpoint: int, count: int) -> None:
        if self._dma_endpoint is not None:
            raise Violation(f"{name} while EasyDMA works for endpoint {self._dma_endpoint}")
        if not self._is_ready:
            raise Violation(f"{name} while USBD is not ready")
        if count > PACKET:
            raise Violation(f"{name} for {count} bytes: a packet has {PACKET}")
        self._dma_endpoint = endpoint

    def _refuse_during_dma(self, name: str) -> None:
        if self._dma_endpoint is not None and self.values[DMA_GUARD] != GUARDED:
            raise Violation(f"USBD.TASKS_{name} while EasyDMA works, without the work-around of anomaly 199")

    @task("STARTISOIN")
    def start_isochronous_in(self) -> None:
        raise NotModelled("isochronous endpoints")

    @task("STARTISOOUT")
    def start_isochronous_out(self) -> None:
        raise NotModelled("isochronous endpoints")

    # Endpoint 0.

    @task("EP0RCVOUT")
    def receive_control_data(self) -> None:
        self._refuse_during_dma("EP0RCVOUT")
        if self.control is not None:
            self.control.wants_data = True
            self._ready()

    @task("EP0STATUS")
    def allow_status(self) -> None:
        self._refuse_during_dma("EP0STATUS")
        if self.control is not None:
            self.control.allows_status = True
            self._ready()

    @task("EP0STALL")
    def refuse_control(self) -> None:
        if self.control is not None:
            self.control.is_refused = True
            self._ready()

    # Other endpoints.

    @reads("SIZE.EPOUT")
    def size_received(self, endpoint: int) -> int:
        if self._dma_endpoint not in (None, endpoint):
            raise Violation(f"USBD.SIZE.EPOUT[{endpoint}] is read while EasyDMA works for endpoint {self._dma_endpoint}")
        return self["SIZE.EPOUT", endpoint]

    @wrote("SIZE.EPOUT")
    def arm(self, endpoint: int, _value: int) -> None:
        place = self.outward[endpoint]
        if place.is_armed or place.packet is not None:
            raise Violation(f"USBD.SIZE.EPOUT[{endpoint}] is written while the endpoint is armed or has a packet: it may "
                            "be lost")
        self["SIZE.EPOUT", endpoint] = 0
        place.is_armed = endpoint != 0
        self._ready()

    @wrote("EPSTALL")
    def halt(self, value: int) -> None:
        endpoint, is_in, halts = value & 7, bool(value & DIRECTION_IN), bool(value >> 8 & 1)
        if endpoint == 0:
            if halts:
                raise Violation("USBD.EPSTALL for endpoint 0: EP0STALL is for that")
            return
        if is_in:
            self.inward[endpoint].is_halted = halts
        else:
            self.outward[endpoint].is_halted = halts
            self.outward[endpoint].is_armed = False
        self["HALTED.EPIN" if is_in else "HALTED.EPOUT", endpoint] = halts
        self._ready()

    @wrote("DTOGGLE")
    def toggle_written(self, value: int) -> None:
        places = self.inward if value & DIRECTION_IN else self.outward
        if (what := value >> 8 & 3) != 0:
            places[value & 7].toggle = what - 1

    @reads("DTOGGLE")
    def toggle_read(self) -> int:
        value = self["DTOGGLE"] & 0x87
        places = self.inward if value & DIRECTION_IN else self.outward
        return value | places[value & 7].toggle + 1 << 8

    @wrote("EPINEN")
    def inward_enabled(self, value: int) -> None:
        for endpoint in range(1, ENDPOINTS):
            if not value >> endpoint & 1:
                self.inward[endpoint].packet = None
        self._ready()

    @wrote("EPOUTEN")
    def outward_enabled(self, value: int) -> None:
        for endpoint in range(1, ENDPOINTS):
            if not value >> endpoint & 1:
                self.outward[endpoint].packet = None
                self.outward[endpoint].is_armed = False

    # Powers and states.

    @wrote("ENABLE")
    def switched(self, value: int) -> None:
        if not value & 1:
            self._is_ready = False
            self._look_at_connection()
            return
        if not self.machine.power.usb_status() & 1:
            raise Violation("USBD.ENABLE without VBUS")
        if self._is_ready or not self.machine.work_arounds.usb_can_start:
            return
        self.after(ENABLE_TIME, self._enabled)

    def _enabled(self) -> None:
        if self["ENABLE"] & 1:
            self._is_ready = True
            self._cause(Cause.READY)
            self._look_at_connection()

    @wrote("USBPULLUP")
    def pulled_up(self, _value: int) -> None:
        self._look_at_connection()

    @wrote("LOWPOWER")
    def low_power(self, value: int) -> None:
        is_low = bool(value & 1)
        if is_low:
            self._may_wake = False
        elif self._is_low_power:
            self.after(WAKE_TIME, self._wake_allowed)
        self._is_low_power = is_low

    def _wake_allowed(self) -> None:
        self._may_wake = True
        self._cause(Cause.WAKE_UP_ALLOWED)

    @task("DPDMDRIVE")
    def drive_bus(self) -> None:
        if self["DPDMVALUE"] != RESUME_STATE:
            raise NotModelled(f"USBD.DPDMVALUE = {self['DPDMVALUE']}")
        if not self.is_suspended or not self._may_wake:
            raise Violation("USBD.TASKS_DPDMDRIVE without a suspended bus and USBWUALLOWED")
        self.is_suspended = False
        if self.host is not None:
            self.host.woken()

    @task("DPDMNODRIVE")
    def let_go_of_bus(self) -> None:
        """The host has the bus again."""
