"""Joins an emulated chip to a USB/IP server: what the Linux guest plugs in is the image that users flash.

`EmulatedBoard` is a device as `UsbipServer` and `Hub` of Tests/LinuxGuest/usb have them. A Linux that imports a device
wants to know what it is before it has spoken to it, and keeps SET_ADDRESS to itself. So the chip is enumerated in
virtual time first, and reset and addressed again when it is imported.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable

from usb.device import Setup, Speed, Summary
from usb.device import Transfer as Urb
from usb.watched import Watched

from .errors import ModelError, PowerCut
from .machine import Machine
from .pace import Pacer, Runner
from .units import MILLISECOND, SECOND
from .usb_host import NoAnswer, Stalled, Transfer, UsbError, UsbHost

log = logging.getLogger(__name__)

IN = 0x80
ADDRESS = 9
SET_ADDRESS = 5
#: How long the program may take from power-up to the bus: it may have to erase its storage first.
PATIENCE = 60 * SECOND
#: Between two looks at a device that has left, in seconds of real time.
FOLLOW = 0.01


class EmulatedBoard(Watched):
    """A machine at the end of a cable. With power it lives in real time, plugged in or not."""

    def __init__(self, machine: Machine, world: Runner | None = None) -> None:
        super().__init__()
        self.machine = machine
        self._runner: Runner = world or machine
        self.pacer = Pacer(self._runner, self._failed)
        self.host = _Host(self, machine, self._runner)
        self._summary: Summary | None = None
        self._transfers: dict[Urb, Transfer] = {}
        self.is_attached = False
        #: What ended the run, if something did.
        self.failure: BaseException | None = None
        #: Called when the program has left the bus by itself; and after that, when the bootloader stays as the program
        #: has asked for, or when the program is back.
        self.on_gone: Callable[[], None] | None = None
        self.on_touch: Callable[[], None] | None = None
        self.on_return: Callable[[], None] | None = None
        self._following: asyncio.Task[None] | None = None

    # Power, as `Board` of the hub switches it.

    @property
    def firmware(self) -> EmulatedBoard:
        return self

    async def power_on(self) -> None:
        """Power, unless it has that, and cable; returns when the program has shown itself on the bus and was enumerated."""
        if not self.pacer.is_running:
            self.machine.power_on()
        self.host.plug()
        try:
            self._enumerate()
        except PowerCut as error:
            if self._summary is None:
                raise
            self._failed(error)
            return
        self.pacer.start()

    def power_off(self) -> None:
        """The power is cut: only flash stays."""
        if self._following is not None:
            self._following.cancel()
        self.pacer.stop()
        self.host.unplug()
        self.machine.power_off()

    async def gone(self) -> None:
        await self.pacer.gone()

    def _enumerate(self) -> None:
        self.host.wait_for_device(PATIENCE)
        device = self.host.enumerate(ADDRESS)
        configuration = self.host.configuration
        assert configuration is not None
        classes = tuple(each.interface_class for each in configuration.interfaces if each.alternate == 0)
        self._summary = Summary(
            device.vendor, device.product, device.version, device.device_class, classes, configuration.value,
            device.configurations)

    # For the server: `UsbDevice`.

    @property
    def speed(self) -> Speed:
        return Speed.FULL

    @property
    def summary(self) -> Summary:
        assert self._summary is not None, "without power there is nothing to tell"
        return self._summary

    def attached(self) -> None:
        self.is_attached = True
        try:
            self.host.plug()
            self.host.wait_for_device(PATIENCE)
            self.host.reset()
            self.host.control_out(0, SET_ADDRESS, value=ADDRESS)
            self._runner.run_for(2 * MILLISECOND)
        except UsbError as error:
            log.warning("%s is not there: %s", self.machine.name, error)
        except (ModelError, PowerCut) as error:
            self.pacer.stop()
            self._failed(error)
        self.changed()

    def detached(self) -> None:
        self.is_attached = False
        self._transfers.clear()
        if self.machine.usb.connected:
            self.host.unplug()
        else:
            # It has left by itself, in a reset for example; the cable is still there.
            self.host.fail(NoAnswer("nobody has imported it"))
        self.changed()

    def submit(self, transfer: Urb) -> None:
        def done(inner: Transfer) -> None:
            self._transfers.pop(transfer, None)
            self._end(transfer, inner)

        if transfer.endpoint == 0:
            inner = self._control(transfer, done)
        else:
            inner = Transfer(
                transfer.endpoint, transfer.is_in, b"" if transfer.is_in else transfer.data, transfer.length, done=done)
        self._transfers[transfer] = inner
        if not self.machine.usb.connected:
            self._transfers.pop(transfer)
            transfer.fail(errno.EPROTO)
        else:
            self.host.begin(inner)

    def cancel(self, transfer: Urb) -> None:
        if inner := self._transfers.pop(transfer, None):
            self.host.cancel(inner)

    @staticmethod
    def _control(transfer: Urb, done: Callable[[Transfer], None]) -> Transfer:
        return Transfer.control(_pack(transfer.setup), transfer.data, done)

    def _end(self, transfer: Urb, inner: Transfer) -> None:
        match inner.failure:
            case None:
                transfer.finish(inner.result() if transfer.is_in else b"")
            case Stalled():
                transfer.stall()
            case _:
                transfer.fail(errno.EPROTO)

    # What happens at the chip's end.

    def bus_left(self) -> None:
        """The device has let go of the bus. What follows from that does not belong into the machine's run."""
        if self.is_attached:
            asyncio.get_running_loop().call_soon(self._left)

    def _left(self) -> None:
        if not self.is_attached or self.machine.usb.connected:
            return
        self._following = asyncio.get_running_loop().create_task(self._follow())
        if self.on_gone is not None:
            self.on_gone()

    async def _follow(self) -> None:
        """It resets, sooner or later: the watchdog takes seconds."""
        while not (self.machine.is_in_bootloader or self.machine.usb.connected):
            await asyncio.sleep(FOLLOW)
        self._following = None
        follows = self.on_touch if self.machine.is_in_bootloader else self.on_return
        if follows is not None:
            follows()

    def _failed(self, error: BaseException) -> None:
        log.error("%s: %s", self.machine.name, error, exc_info=error)
        self.failure = error
        self.host.fail(NoAnswer(f"the emulated chip has stopped: {error}"))
        self.changed()

    def describe(self) -> str:
        return (f"emulated board {self.machine.name}: attached {self.is_attached}, on the bus "
                f"{self.machine.usb.connected}, {self.machine.usb.statistics}, resets {self.machine.resets}, "
                f"failure {self.failure!r}")


class _Host(UsbHost):
    """Tells the board when its device leaves."""

    def __init__(self, board: EmulatedBoard, machine: Machine, runner: Runner) -> None:
        self._board = board
        super().__init__(machine, runner)

    def connection_changed(self, is_connected: bool) -> None:
        super().connection_changed(is_connected)
        if not is_connected:
            self._board.bus_left()


def _pack(setup: Setup) -> bytes:
    return bytes((setup.request_type, setup.request)) + b"".join(
        value.to_bytes(2, "little") for value in (setup.value, setup.index, setup.length))
