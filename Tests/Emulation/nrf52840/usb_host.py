"""A USB host for a test: enumerates a device, and has transfers with it in virtual time.

    host = UsbHost(machine)
    host.plug()
    device = host.enumerate()
    host.control_out(0x21, 0x22, value=3)
    host.write(2, b"hello")
    data = host.read(2, 5)

Frames of a millisecond have room for 1,500 bytes, of which every packet takes 13 more than it carries: 19 of 64 bytes
(USB 2.0, table 5-9). A host goes on asking an endpoint that answers NAK; here it waits, which comes to the same, until
the device says that it would answer something else.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .timeline import Appointment
from .units import MILLISECOND, SECOND
from .usb_bus import Handshake
from .usb_descriptors import Configuration, Device
from .usbd_bus import PACKET

if TYPE_CHECKING:
    from .machine import Machine

FRAME = MILLISECOND
#: Bytes of a frame; of a start of frame; of a packet beyond what it carries; and of a token that is refused.
FRAME_BYTES, SOF_BYTES, PACKET_BYTES, REFUSED_BYTES = 1500, 6, 13, 9
BYTE_TIME = 8 * SECOND // 12_000_000
#: After the pull-up is seen, and how long the bus is reset (USB 2.0, 7.1.7.3 and 7.1.7.5); what a device has afterwards.
DEBOUNCE, RESET_TIME, RECOVERY = 100 * MILLISECOND, 10 * MILLISECOND, 10 * MILLISECOND
#: How long a resume is driven, and what Linux gives a control transfer.
RESUME_TIME, PATIENCE = 20 * MILLISECOND, 5 * SECOND
SET_ADDRESS, GET_DESCRIPTOR, SET_CONFIGURATION = 5, 6, 9
DEVICE, CONFIGURATION, STRING = 1, 2, 3
ENGLISH = 0x0409
IN = 0x80


class UsbError(Exception):
    """A transfer did not come to a good end."""


class Stalled(UsbError):
    """The device refuses."""


class NoAnswer(UsbError):
    """The device does not answer, or is gone."""


class Runner(Protocol):
    """What runs the device: its machine, or a world of several."""

    def run_for(self, duration: int) -> None: ...

    def run_while(self, condition: Callable[[], bool], limit: int) -> bool: ...


class Stage(enum.Enum):
    SETUP = enum.auto()
    DATA = enum.auto()
    STATUS = enum.auto()
    DONE = enum.auto()


@dataclass(eq=False, slots=True)
class Transfer:
    """So many bytes to or from an endpoint. An in transfer ends with a short packet, or when it is full."""

    endpoint: int
    is_in: bool
    #: What goes out; or how much may come in.
    data: bytes = b""
    length: int = 0
    #: Of a control transfer.
    setup: bytes = b""
    stage: Stage = Stage.DATA
    #: Called when it has ended.
    done: Callable[[Transfer], None] | None = None
    received: bytearray | None = None
    sent: int = 0
    packets: int = 0
    failure: UsbError | None = None
    #: The device said NAK; nothing is tried until it calls.
    waits: bool = False

    @classmethod
    def control(cls, setup: bytes, data: bytes = b"", done: Callable[[Transfer], None] | None = None) -> Transfer:
        """By its eight bytes, and what goes out with them."""
        length = int.from_bytes(setup[6:8], "little")
        is_in = bool(setup[0] & IN) and length > 0
        return cls(0, is_in, data, length if is_in else 0, setup, Stage.SETUP, done)

    @property
    def is_done(self) -> bool:
        return self.stage is Stage.DONE

    def result(self) -> bytes:
        if self.failure is not None:
            raise self.failure
        return bytes(self.received or b"")


class UsbHost:
    """The host's end of one cable, without hubs."""

    def __init__(self, machine: Machine, runner: Runner | None = None) -> None:
        self._machine = machine
        self._usb = machine.usb
        self.runner: Runner = runner or machine
        machine.usb.host = self
        #: By endpoint and direction.
        self._queues: dict[tuple[int, bool], deque[Transfer]] = {}
        self._order: deque[tuple[int, bool]] = deque()
        self.frame = 0
        self._frame_used = 0
        self._frames_run = False
        self._frame_began = 0
        self._next_slot: Appointment | None = None
        self._epoch = 0
        #: Times that the device asked to be woken up, and whether the bus is suspended.
        self.wake_ups = 0
        self.is_suspended = False
        self.device: Device | None = None
        self.configuration: Configuration | None = None

    # Of the device: `HostEnd`.

    def connection_changed(self, is_connected: bool) -> None:
        if not is_connected:
            self.fail(NoAnswer("the device is gone from the bus"))

    def became_ready(self) -> None:
        for queue in self._queues.values():
            if queue:
                queue[0].waits = False
        self._plan()

    def woken(self) -> None:
        self.wake_ups += 1
        self._machine.core.at(self._now + RESUME_TIME, self._resumed)

    # The cable.

    def plug(self) -> None:
        """The cable is plugged in: the device has its supply."""
        self._usb.vbus(True)

    def unplug(self) -> None:
        self._usb.vbus(False)
        self.fail(NoAnswer("the cable is not plugged in"))

    def fail(self, failure: UsbError) -> None:
        """Ends everything that goes on."""
        self._stop_frames()
        for queue in self._queues.values():
            for transfer in list(queue):
                self._end(transfer, failure)

    def reset(self) -> None:
        """Resets the bus. What was going on fails."""
        self.fail(NoAnswer("the bus was reset"))
        self.is_suspended = False
        self._usb.bus_reset()
        self.runner.run_for(RESET_TIME)
        self.begin_frames()
        self.runner.run_for(RECOVERY)

    def suspend(self) -> None:
        self._stop_frames()
        self.is_suspended = True
        self._usb.suspend()

    def resume(self) -> None:
        """Drives a resume; goes on with frames after it."""
        self._usb.resume()
        self.runner.run_for(RESUME_TIME)
        self._resumed()

    def _resumed(self) -> None:
        if self.is_suspended:
            self.is_suspended = False
            self.begin_frames()

    def wait_for_device(self, limit: int = 2 * SECOND) -> None:
        """Runs until the device shows itself on the bus."""
        if not self.runner.run_while(lambda: not self._usb.connected, limit):
            raise NoAnswer(f"no device on the bus after {limit // MILLISECOND} ms")

    # Chapter 9.

    def enumerate(self, address: int = 5) -> Device:
        """What every host does first: reset, address, descriptors, configuration."""
        self.wait_for_device()
        self.runner.run_for(DEBOUNCE)
        self.reset()
        head = self.descriptor(DEVICE, length=8)
        if len(head) < 8 or head[7] != PACKET:
            raise UsbError(f"a device descriptor that begins with {head.hex()}")
        self.reset()
        self.control_out(0, SET_ADDRESS, value=address)
        self.runner.run_for(2 * MILLISECOND)
        if self._usb.address != address:
            raise UsbError(f"the device has the address {self._usb.address}, not {address}")
        device = Device.parse(self.descriptor(DEVICE, length=18))
        begin = self.descriptor(CONFIGURATION, length=9)
        whole = self.descriptor(CONFIGURATION, length=int.from_bytes(begin[2:4], "little"))
        self.device, self.configuration = device, Configuration.parse(whole)
        self.control_out(0, SET_CONFIGURATION, value=self.configuration.value)
        return device

    def descriptor(self, kind: int, index: int = 0, length: int = 255, language: int = 0) -> bytes:
        return self.control_in(IN, GET_DESCRIPTOR, value=kind << 8 | index, index=language, length=length)

    def string(self, index: int) -> str:
        data = self.descriptor(STRING, index, language=ENGLISH)
        return data[2:data[0]].decode("utf-16le")

    # Transfers.

    def control_in(self, kind: int, request: int, *, value: int = 0, index: int = 0, length: int = 0) -> bytes:
        return self.finish(self.begin_control(kind, request, value=value, index=index, length=length))

    def control_out(self, kind: int, request: int, *, value: int = 0, index: int = 0, data: bytes = b"") -> None:
        self.finish(self.begin_control(kind, request, value=value, index=index, data=data))

    def begin_control(
        self, kind: int, request: int, *, value: int = 0, index: int = 0, length: int = 0, data: bytes = b""
    ) -> Transfer:
        numbers = (value, index, length or len(data))
        setup = bytes((kind, request)) + b"".join(number.to_bytes(2, "little") for number in numbers)
        return self.begin(Transfer.control(setup, data))

    def write(self, endpoint: int, data: bytes, limit: int = PATIENCE) -> None:
        """Writes as packets of 64 bytes and a rest; a packet without any only if asked for nothing."""
        self.finish(self.begin_write(endpoint, data), limit)

    def read(self, endpoint: int, count: int, limit: int = PATIENCE) -> bytes:
        """Reads until there are `count` bytes, over as many short packets as it takes."""
        data = b""
        while len(data) < count:
            data += self.finish(self.begin_read(endpoint, count - len(data)), limit)
        return data

    def begin_write(self, endpoint: int, data: bytes, done: Callable[[Transfer], None] | None = None) -> Transfer:
        return self.begin(Transfer(endpoint, False, data, done=done))

    def begin_read(self, endpoint: int, length: int, done: Callable[[Transfer], None] | None = None) -> Transfer:
        return self.begin(Transfer(endpoint, True, length=length, done=done))

    def begin(self, transfer: Transfer) -> Transfer:
        key = transfer.endpoint, transfer.is_in if transfer.endpoint else False
        if key not in self._queues:
            self._queues[key] = deque()
            self._order.append(key)
        self._queues[key].append(transfer)
        self._plan()
        return transfer

    def finish(self, transfer: Transfer, limit: int = PATIENCE) -> bytes:
        """Runs until a transfer is done; gives up after `limit`."""
        if not self.runner.run_while(lambda: not transfer.is_done, limit):
            self.cancel(transfer)
            raise NoAnswer(f"no end of a transfer on endpoint {transfer.endpoint} in {limit // MILLISECOND} ms")
        return transfer.result()

    def cancel(self, transfer: Transfer) -> None:
        for queue in self._queues.values():
            if transfer in queue:
                queue.remove(transfer)

    # Frames.

    @property
    def _now(self) -> int:
        return self._machine.core.now

    def begin_frames(self) -> None:
        """Starts of frames from now on, every millisecond."""
        self._stop_frames()
        self._frames_run = True
        self._begin_frame(self._epoch)

    def _stop_frames(self) -> None:
        self._frames_run = False
        self._epoch += 1
        if self._next_slot is not None:
            self._next_slot.call_off()
            self._next_slot = None

    def _begin_frame(self, epoch: int) -> None:
        if epoch != self._epoch:
            return
        self.frame = self.frame + 1 & 0x7FF
        self._frame_began = self._now
        self._frame_used = SOF_BYTES
        self._usb.sof(self.frame)
        self._machine.core.at(self._frame_began + FRAME, lambda: self._begin_frame(epoch))
        self._plan()

    def _plan(self) -> None:
        """Plans the next transaction, if there is something to do and none planned."""
        if not self._frames_run or self._next_slot is not None or not self._candidates():
            return
        passed = (self._now - self._frame_began) // BYTE_TIME
        self._frame_used = max(self._frame_used, passed)
        self._next_slot = self._machine.core.at(self._frame_began + self._frame_used * BYTE_TIME, self._slot)

    def _candidates(self) -> list[Transfer]:
        """For each endpoint what comes next, in turn."""
        return [queue[0] for key in self._order if (queue := self._queues[key]) and not queue[0].waits]

    def _slot(self) -> None:
        self._next_slot = None
        for transfer in self._candidates():
            if self._frame_used + self._cost(transfer) <= FRAME_BYTES:
                self._order.rotate(-1)
                self._transact(transfer)
                break
        else:
            # Nothing fits any more: the next frame plans.
            return
        self._plan()

    @staticmethod
    def _cost(transfer: Transfer) -> int:
        if transfer.stage is Stage.SETUP:
            return PACKET_BYTES + 8
        if transfer.stage is Stage.STATUS:
            return PACKET_BYTES
        if transfer.is_in:
            return PACKET_BYTES + min(PACKET, transfer.length - len(transfer.received or b""))
        return PACKET_BYTES + min(PACKET, len(transfer.data) - transfer.sent)

    def _transact(self, transfer: Transfer) -> None:
        cost = self._cost(transfer)
        answer = self._token(transfer)
        if answer is Handshake.NAK:
            transfer.waits = True
            cost = REFUSED_BYTES
        elif answer is Handshake.STALL:
            self._end(transfer, Stalled(f"endpoint {transfer.endpoint} stalls"))
        elif answer is Handshake.NONE:
            self._end(transfer, NoAnswer(f"there is no endpoint {transfer.endpoint}"))
        elif transfer.stage is Stage.SETUP:
            transfer.stage = Stage.DATA if transfer.data or transfer.length else Stage.STATUS
        elif transfer.stage is Stage.STATUS:
            self._end(transfer, None)
        else:
            self._moved(transfer, answer)
        self._frame_used += cost

    def _token(self, transfer: Transfer) -> bytes | Handshake:
        usb, endpoint = self._usb, transfer.endpoint
        if transfer.stage is Stage.SETUP:
            return usb.setup(transfer.setup)
        if transfer.stage is Stage.STATUS:
            return usb.token_out(0, b"") if transfer.is_in else usb.token_in(0)
        if transfer.is_in:
            return usb.token_in(endpoint)
        return usb.token_out(endpoint, transfer.data[transfer.sent:transfer.sent + PACKET])

    def _moved(self, transfer: Transfer, answer: bytes | Handshake) -> None:
        """A packet of data went one way or the other."""
        transfer.packets += 1
        if isinstance(answer, bytes):
            if transfer.received is None:
                transfer.received = bytearray()
            transfer.received += answer
            if len(transfer.received) > transfer.length:
                self._end(transfer, UsbError(f"endpoint {transfer.endpoint} sends more than was asked for"))
                return
            is_over = len(answer) < PACKET or len(transfer.received) == transfer.length
        else:
            transfer.sent = min(transfer.sent + PACKET, len(transfer.data))
            is_over = transfer.sent == len(transfer.data)
        if is_over and transfer.setup:
            transfer.stage = Stage.STATUS
        elif is_over:
            self._end(transfer, None)

    def _end(self, transfer: Transfer, failure: UsbError | None) -> None:
        self.cancel(transfer)
        transfer.failure, transfer.stage = failure, Stage.DONE
        if transfer.done is not None:
            transfer.done(transfer)
