"""The program's end of USBD, the USB device controller: EasyDMA, endpoints, power (nRF52840 PS, "USBD").

Where silicon is known to misbehave if a program does not do as the vendor's errata and other people's drivers say, this
model ends the run, or does not become ready: the work-arounds of anomalies 171, 187 and 199, one EasyDMA transfer at a
time, SIZE.EPOUT written only to arm an endpoint that is not. Isochronous endpoints are not modelled.
"""

from __future__ import annotations

from .errors import NotModelled, Violation
from .peripheral import reads, task, wrote
from .units import MICROSECOND
from .usbd_bus import DIRECTION_IN, ENDPOINTS, PACKET, BusEnd, Cause, InEndpoint, OutEndpoint

#: From ENABLE to EVENTCAUSE.READY, and from the end of low power to USBWUALLOWED: short times, as observed elsewhere.
ENABLE_TIME, WAKE_TIME = 20 * MICROSECOND, 100 * MICROSECOND
#: EasyDMA: to begin, and a byte.
DMA_START, DMA_BYTE = 1 * MICROSECOND, 62_500
#: Anomaly 199: what the register 0xC1C holds while EasyDMA works, so that tasks are not lost.
DMA_GUARD, GUARDED = 0xC1C, 0x82
#: DPDMVALUE.
RESUME_STATE = 1


class Usbd(BusEnd):
    blocks = ("USBD",)
    #: Isochronous buffers (anomaly 166), taking back of packets, the guard of EasyDMA (199).
    undocumented = {0x800: 0, 0x804: 0, DMA_GUARD: 0}

    def reset(self) -> None:
        self._dma_endpoint: int | None = None
        self._is_low_power = self._may_wake = False
        super().reset()

    def resume(self) -> None:
        super().resume()
        self._is_low_power = False

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
            self.look_at_connection()
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
            self.look_at_connection()

    @wrote("USBPULLUP")
    def pulled_up(self, _value: int) -> None:
        self.look_at_connection()

    @wrote("LOWPOWER")
    def low_power(self, value: int) -> None:
        if value & 1:
            self._may_wake = False
        elif self._is_low_power:
            self.after(WAKE_TIME, self._wake_allowed)
        self._is_low_power = bool(value & 1)

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
