"""Runs an image on the model of the nRF52840, in virtual time, and shows what it does.

    PYTHONPATH=Tests/Emulation .venv/bin/python -m nrf52840 build/firmware/nano33ble.bin --usb --seconds 20

What the program says on its serial port goes to the standard output, everything else to standard error: pins that it
drives, resets, what the USB host finds, and with --trace every access to registers whose names begin like that.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import capture
from .air import Air
from .errors import ModelError, PowerCut
from .image import APPLICATION, WrongImage
from .machine import Machine
from .start import by_bootloader, from_vectors
from .units import MILLISECOND, SECOND
from .usb_host import UsbError, UsbHost

#: The Nano 33 BLE's lights: port, pin, and whether it is lit when high.
LIGHTS = {(0, 13): ("yellow", True), (0, 24): ("red", False), (0, 16): ("green", False), (0, 6): ("blue", False),
          (1, 9): ("power", True)}
STEP = 50 * MILLISECOND


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m nrf52840", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, help=".bin, .hex or .elf")
    parser.add_argument("--address", type=lambda text: int(text, 0), default=APPLICATION, metavar="N",
                        help="where a .bin belongs (0x10000)")
    parser.add_argument("--from-vectors", action="store_true", help="start at address 0, not by way of the bootloader")
    parser.add_argument("--seconds", type=float, default=10, metavar="S", help="of virtual time (10)")
    parser.add_argument("--usb", action="store_true", help="plug it into a host, which enumerates it")
    parser.add_argument("--send", default="", metavar="HEX", help="bytes for its serial port, when it has started")
    parser.add_argument("--trace", action="append", default=[], metavar="NAME", help="USBD, or UARTE0.TASKS; repeatable")
    parser.add_argument("--identity", type=lambda text: int(text, 16), default=0x0123_4567_89AB_CDEF, metavar="HEX")
    parser.add_argument("--flash", type=Path, metavar="FILE", help="keeps flash there from run to run")
    parser.add_argument("--air", type=Path, metavar="FILE", help="write what it sends by radio there (pcap, for Wireshark)")
    parser.add_argument("--cut-power-at", type=int, metavar="N", help="in the middle of the N-th flash operation")
    return parser.parse_args()


def say(machine: Machine, text: str) -> None:
    print(f"{machine.now / MILLISECOND:12.6f} ms  {text}", file=sys.stderr)


def show(machine: Machine, names: list[str]) -> None:
    """Has the machine tell what it does."""

    def pin(port: int, number: int, is_high: bool) -> None:
        light = LIGHTS.get((port, number))
        what = f" ({light[0]} light {'on' if is_high == light[1] else 'off'})" if light else ""
        say(machine, f"P{port}.{number:02} {'high' if is_high else 'low'}{what}")

    def access(is_write: bool, name: str, value: int) -> None:
        if name.startswith(tuple(names)):
            say(machine, f"{name} {'<-' if is_write else '->'} {value:#x}")

    for port in machine.ports:
        port.watcher = pin
    if names:
        machine.bus.trace = access


def enumerate_device(machine: Machine, host: UsbHost) -> None:
    try:
        host.wait_for_device(60 * SECOND)
        device = host.enumerate()
        strings = [host.string(index) for index in device.strings if index]
    except UsbError as error:
        say(machine, f"USB: {error}")
        return
    say(machine, f"USB: {device.vendor:04x}:{device.product:04x} {' | '.join(strings)}")


def run(machine: Machine, arguments: argparse.Namespace) -> None:
    machine.power_on()
    deadline = machine.now + int(arguments.seconds * SECOND)
    if arguments.usb:
        host = UsbHost(machine)
        host.plug()
        enumerate_device(machine, host)
    machine.uart.send(bytes.fromhex(arguments.send))
    resets = len(machine.resets)
    while machine.now < deadline and not machine.is_in_bootloader:
        machine.run_until(min(machine.now + STEP, deadline))
        sys.stdout.buffer.write(machine.uart.take_sent())
        sys.stdout.buffer.flush()
        for reason in machine.resets[resets:]:
            say(machine, f"reset by {reason.name if reason else 'power'}")
        resets = len(machine.resets)
    if machine.is_in_bootloader:
        say(machine, "waits in the bootloader for another program")


def make_machine(arguments: argparse.Namespace, air: Air) -> Machine:
    start = from_vectors if arguments.from_vectors else by_bootloader
    machine = Machine(start=start, identity=arguments.identity, air=air)
    if arguments.flash and arguments.flash.exists():
        machine.flash.load(0, arguments.flash.read_bytes())
    if arguments.from_vectors:
        # A program that waits for the low-frequency crystal spins, which takes longer here than there.
        machine.power.crystal_start = MILLISECOND
    machine.load(arguments.image, arguments.address)
    if arguments.cut_power_at is not None:
        machine.flash.cut_power_at(arguments.cut_power_at)
    return machine


def main() -> int:
    arguments = parse_arguments()
    air = Air()
    try:
        machine = make_machine(arguments, air)
    except (OSError, WrongImage, ValueError) as error:
        print(f"nrf52840: {error}", file=sys.stderr)
        return 2
    show(machine, arguments.trace)
    status, begun = 0, time.monotonic()
    try:
        run(machine, arguments)
    except PowerCut as cut:
        say(machine, f"the power was cut {cut}")
    except ModelError as error:
        say(machine, f"{type(error).__name__}: {error} {' '.join(getattr(error, '__notes__', ()))}")
        status = 1
    except KeyboardInterrupt:
        pass
    if arguments.flash:
        arguments.flash.write_bytes(machine.flash.read(0, machine.kind.flash_bytes))
    if arguments.air:
        capture.write(arguments.air, air)
    core, took = machine.core, time.monotonic() - begun
    say(machine, f"{core.instructions} instructions, asleep for {core.slept / SECOND:.3f} s, {machine.flash.operations} "
                 f"flash operations, {took:.2f} s of real time")
    return status


if __name__ == "__main__":
    sys.exit(main())
