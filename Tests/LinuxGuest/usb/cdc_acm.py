"""A serial port on USB: the abstract control model of CDC 1.2 and PSTN 1.2, as boards with Arduino's core have it."""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import standard
from .device import Setup, Transfer
from .firmware import Firmware
from .standard import Descriptors, StandardDevice

log = logging.getLogger(__name__)

MISCELLANEOUS = (0xEF, 2, 1)  # a composite device with interface associations
NOTIFICATIONS, BYTES_OUT, BYTES_IN = 0x81, 0x02, 0x82
FROM_INTERFACE, SERIAL_STATE = 0xA1, 0x20
DTR, RTS = 1, 2
#: Bytes that the device holds for the host. What the firmware has beyond that stays with the firmware.
ROOM = 2048
TOUCH_RATE = 1200
#: Seconds that the stock core lets pass after it was armed, at least.
TOUCH_PAUSE = 0.2


@dataclass(frozen=True)
class LineCoding:
    """Of all this a USB port only cares about what it means to others: 1200 arms the way into the bootloader."""

    rate: int = 9600
    stop_bits: int = 0
    parity: int = 0
    data_bits: int = 8

    @classmethod
    def parse(cls, data: bytes) -> LineCoding:
        return cls(*struct.unpack("<IBBB", data[:7]))

    def pack(self) -> bytes:
        return struct.pack("<IBBB", self.rate, self.stop_bits, self.parity, self.data_bits)


@dataclass(frozen=True)
class Event:
    """Something that the device noticed, and when (seconds of the monotonic clock)."""

    time: float
    what: str
    value: object = None


def descriptors(
    vendor: int, product: int, serial_number: str, *, name: str = "Nano 33 BLE", manufacturer: str = "Arduino",
    interface_protocol: int = 0, release: int = 0x0100,
) -> Descriptors:
    """Descriptors with the layout of the mbed core: one function of two interfaces.

    `interface_protocol` 1 claims to be a modem that speaks AT commands, as the stock core and the bootloader do.
    """
    control, data = (2, 2, interface_protocol), (0x0A, 0, 0)
    functional = (
        bytes([5, 0x24, 0, 0x10, 0x01])  # header: CDC 1.10
        + bytes([5, 0x24, 1, 0, 1])  # call management: none
        + bytes([4, 0x24, 2, 0x06])  # ACM: line coding and state, break
        + bytes([5, 0x24, 6, 0, 1])  # union: interface 0 controls interface 1
    )
    functions = (
        standard.association(0, 2, (2, 2, 0))
        + standard.interface(0, control, 1) + functional
        + standard.endpoint(NOTIFICATIONS, standard.INTERRUPT, 64, 16)
        + standard.interface(1, data, 2)
        + standard.endpoint(BYTES_OUT, standard.BULK, standard.PACKET)
        + standard.endpoint(BYTES_IN, standard.BULK, standard.PACKET)
    )
    return Descriptors(
        vendor, product, release, MISCELLANEOUS, (manufacturer, name, serial_number), functions, (control, data))


class AcmDevice(StandardDevice):
    """The device. Tests look at its state and wait for it with `until`; `history` tells how it came to be."""

    def __init__(self, descriptors: Descriptors, firmware: Firmware | None = None) -> None:
        super().__init__(descriptors, [NOTIFICATIONS, BYTES_OUT, BYTES_IN])
        self.firmware = firmware or Firmware()
        self.firmware.port = self
        #: Called when the 1200-baud touch has taken effect; without, the device ignores it.
        self.on_touch: Callable[[], None] | None = None
        self.dtr = self.rts = False
        self.line_coding = LineCoding()
        self.attach_count = 0
        #: Times that DTR rose, which is when somebody opened the port.
        self.open_count = 0
        self.bytes_from_host = self.bytes_to_host = 0
        self.history: deque[Event] = deque(maxlen=10_000)
        self._output = bytearray()
        self._was_full = False
        self._serial_states: deque[int] = deque(maxlen=16)
        self._taken = 0  # bytes of the first out transfer that the firmware has consumed
        self._armed_at: float | None = None
        self._touch_timer: asyncio.TimerHandle | None = None

    # What the firmware does with its port.

    def peek(self) -> bytes:
        """Bytes from the host that are next, empty if there are none. They stay until they are consumed."""
        transfers = self.waiting[BYTES_OUT]
        while transfers and len(transfers[0].data) == self._taken:
            self._taken = 0
            transfers.pop(0).finish()
        return transfers[0].data[self._taken :] if transfers else b""

    def consume(self, count: int) -> None:
        """The first `count` bytes of `peek` are taken. A transfer of which something is left stays under way."""
        self._taken += count
        self.bytes_from_host += count
        transfer = self.waiting[BYTES_OUT][0]
        if self._taken == len(transfer.data):
            self._taken = 0
            del self.waiting[BYTES_OUT][0]
            transfer.finish()
        self.changed()

    @property
    def room(self) -> int:
        """Bytes that `send` would take now."""
        return ROOM - len(self._output)

    def send(self, data: bytes) -> int:
        """Takes as many bytes for the host as there is room for, and says how many."""
        count = 0
        while count < len(data) and (room := self.room) > 0:
            piece = data[count : count + room]
            self._output += piece
            count += len(piece)
            self._fill()
        self._was_full = count < len(data)
        self.changed()
        return count

    def wants_room(self) -> None:
        """The firmware holds something back: `writable` shall tell it when there is room."""
        self._was_full = True

    def set_serial_state(self, bits: int) -> None:
        """Notifies the host: bit 0 is carrier detect, 1 data set ready, 2 break, 3 ring (PSTN 1.2, 6.5.4)."""
        self._serial_states.append(bits)
        self._notify()

    # The bus.

    def attached(self) -> None:
        self.attach_count += 1
        self._note("attached")
        super().attached()

    def detached(self) -> None:
        self._note("detached")
        super().detached()

    def _reset(self) -> None:
        super()._reset()
        self._taken = 0
        self._output.clear()
        self._serial_states.clear()
        self.line_coding = LineCoding()
        self._disarm()
        self._set_lines(0)

    def cancel(self, transfer: Transfer) -> None:
        if self.waiting[BYTES_OUT][:1] == [transfer]:
            self._taken = 0
        super().cancel(transfer)

    def began(self, address: int) -> None:
        if address == BYTES_OUT:
            self.firmware.readable()
        elif address == BYTES_IN:
            self._fill()
            self.changed()
            if self._was_full and self.room > 0:
                self._was_full = False
                self.firmware.writable()
        else:
            self._notify()

    def _fill(self) -> None:
        """Ends the host's reads with what there is. A short one ends too, as after a short packet."""
        transfers = self.waiting[BYTES_IN]
        while transfers and self._output:
            transfer = transfers.pop(0)
            data = bytes(self._output[: transfer.length])
            del self._output[: len(data)]
            self.bytes_to_host += len(data)
            transfer.finish(data)

    def _notify(self) -> None:
        transfers = self.waiting[NOTIFICATIONS]
        while transfers and self._serial_states:
            bits = self._serial_states.popleft()
            transfers.pop(0).finish(struct.pack("<BBHHHH", FROM_INTERFACE, SERIAL_STATE, 0, 0, 2, bits))

    # Requests of the class.

    def request(self, setup: Setup, data: bytes) -> bytes | None:
        match setup.request_type, setup.request:
            case (0x21, 0x20) if len(data) >= 7:  # SET_LINE_CODING
                self._set_line_coding(LineCoding.parse(data))
                return b""
            case (0xA1, 0x21):  # GET_LINE_CODING
                return self.line_coding.pack()
            case (0x21, 0x22):  # SET_CONTROL_LINE_STATE
                self._set_lines(setup.value)
                return b""
            case (0x21, 0x23):  # SEND_BREAK
                self._note("break", setup.value)
                self.firmware.line_break(setup.value)
                return b""
        return None

    def _set_line_coding(self, coding: LineCoding) -> None:
        is_new = coding != self.line_coding
        self.line_coding = coding
        self._note("line coding", coding)
        self.firmware.line_coding(coding)
        # The stock core compares before it looks: 1200 on top of 1200 arms nothing. And it never disarms.
        if is_new and coding.rate == TOUCH_RATE and self._armed_at is None:
            self._armed_at = time.monotonic()
            self._look_for_touch()
        self.changed()

    def _set_lines(self, lines: int) -> None:
        dtr, rts = bool(lines & DTR), bool(lines & RTS)
        if (dtr, rts) == (self.dtr, self.rts):
            return
        rises = dtr and not self.dtr
        if not dtr:
            # As the stock core does: what nobody is there to read is not kept for the next one.
            self._output.clear()
        self.dtr, self.rts = dtr, rts
        self.open_count += rises
        self._note("lines", (dtr, rts))
        self.firmware.line_state(dtr, rts)
        self._look_for_touch()
        self.changed()

    # The 1200-baud touch: armed by the rate, fired once DTR is low and the pause is over.

    def _look_for_touch(self) -> None:
        if self._armed_at is None or self.on_touch is None or self.dtr:
            return
        if self._touch_timer:
            self._touch_timer.cancel()
        remaining = self._armed_at + TOUCH_PAUSE - time.monotonic()
        if remaining > 0:
            self._touch_timer = asyncio.get_running_loop().call_later(remaining, self._look_for_touch)
            return
        self._disarm()
        self._note("touch")
        self.on_touch()

    def _disarm(self) -> None:
        self._armed_at = None
        if self._touch_timer:
            self._touch_timer.cancel()
            self._touch_timer = None

    def _note(self, what: str, value: object = None) -> None:
        self.history.append(Event(time.monotonic(), what, value))
        log.debug("%s: %s %s", self.descriptors.serial_number, what, value if value is not None else "")
        self.changed()

    def describe(self) -> str:
        latest = ", ".join(f"{event.what} {event.value or ''}".strip() for event in list(self.history)[-6:])
        return (
            f"board {self.descriptors.serial_number}: attached {self.is_attached}, configured {self.is_configured}, "
            f"DTR {self.dtr}, {self.line_coding}, {self.bytes_from_host} bytes in, {self.bytes_to_host} out; {latest}")
