"""Serves USB boards to a Linux guest by hand.

In the guest (where this machine's loopback is 10.0.2.2, with QEMU's user-mode network), as root:

    modprobe -a vhci_hcd cdc_acm
    attach.py attach 10.0.2.2:3240 1-1         one board, into the first free port
    attach.py follow 10.0.2.2:3241             all of them, and from then on what is said here

Every --board is a kind and, if wanted, an identity of up to 16 hexadecimal digits:

    virtual:A1    `virtual-board`, which --program names      echo        says what it is told
    qemu:B2       `qemu-board`, the firmware on Cortex-M4F    silent      never answers
                  (name it with --qemu-program)               deaf        stops to read after 1,000 bytes
    modem         echo, but claims to speak AT commands       garbage     answers with random bytes
    stalling      cannot be set up                            flood       never stops to talk
    mute          control requests time out                   babbling    breaks the rules of the bus

Then commands on standard input; boards have their bus ids as names:

    plug 1-1 [PORT]    unplug 1-1    replug 1-1 [PORT]    swap 1-1 1-2    vanish    reset 1-1
    bootloader 1-1 (the button twice)    list    quit
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import misbehaving, nano33ble
from .by_hand import ByHand, WrongUse
from .cables import AttachFailed, Cables
from .cdc_acm import AcmDevice
from .firmware import EchoFirmware, Firmware
from .hub import Hub
from .port_board import PortBoard
from .program import ProgramFailed
from .usbip import UsbipServer

BY_HAND = ByHand("usb", (AttachFailed, ProgramFailed))
FIRMWARE: dict[str, Callable[[], Firmware]] = {
    "echo": EchoFirmware,
    "silent": misbehaving.Silent,
    "deaf": lambda: misbehaving.Deaf(after=1000),
    "garbage": lambda: misbehaving.Garbage(seed=1),
    "flood": misbehaving.Flood,
}
DEVICES: dict[str, Callable[[str], AcmDevice]] = {
    "stalling": misbehaving.stalling,
    "mute": misbehaving.mute,
    "babbling": misbehaving.babbling,
    "modem": lambda serial: nano33ble.application(serial, EchoFirmware(), interface_protocol=1),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m usb", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", action="append", metavar="KIND[:ID]", help="a board; can be repeated (echo)")
    parser.add_argument("--port", type=int, default=3240, help="loopback port of the USB/IP server (3240)")
    parser.add_argument("--follow-port", type=int, default=3241, help="loopback port for attach.py follow (3241)")
    parser.add_argument("--program", type=Path, metavar="PATH", help="virtual-board")
    parser.add_argument("--qemu-program", type=Path, metavar="PATH", help="qemu-board")
    parser.add_argument("--data", type=Path, metavar="FILE", help="data set (.fbds) of boards with a program")
    parser.add_argument("--state", type=Path, metavar="DIR", help="what these boards keep, and their logs")
    parser.add_argument("--verbose", action="store_true", help="say what hosts do to the boards")
    arguments = parser.parse_args()
    arguments.board = arguments.board or ["echo"]
    return arguments


def make_board(hub: Hub, kind: str, number: int, arguments: argparse.Namespace, folder: Path) -> None:
    """Adds the board that KIND[:ID] describes."""
    name = f"1-{number}"
    kind, _, identity = kind.partition(":")
    identity = identity or f"{number:X}"
    try:
        serial = nano33ble.serial_number(identity)
    except ValueError:
        raise WrongUse(f"{identity} is not a hexadecimal number") from None
    bootloader = nano33ble.bootloader(serial)
    if kind in DEVICES:
        hub.add(name, DEVICES[kind](serial), bootloader)
        return
    firmware: Firmware
    if kind in FIRMWARE:
        firmware = FIRMWARE[kind]()
    elif kind in ("virtual", "qemu"):
        program = arguments.program if kind == "virtual" else arguments.qemu_program
        if program is None or arguments.data is None:
            raise WrongUse(f"a {kind} board needs its program's path and --data")
        state = (arguments.state or folder) / f"{serial}.flash"
        words: list[str | Path] = ["--data", arguments.data, "--state", state, "--id", identity]
        firmware = PortBoard.running(program, folder / f"{serial}.{number}", words, log_file=state.with_suffix(".log"))
    else:
        raise WrongUse(f"no kind of board: {kind}")
    device = AcmDevice(nano33ble.application(serial).descriptors, firmware)
    hub.add(name, device, bootloader)


async def obey(hub: Hub, words: list[str]) -> bool:
    """Does what a line says; False for the last one."""
    match words:
        case []:
            pass
        case ["quit"]:
            return False
        case ["list"]:
            for board in hub.boards.values():
                print(board.describe())
        case ["vanish"]:
            hub.vanish()
        case ["plug", name] if name in hub.boards:
            await hub.plug(name, int(name[2:]) - 1)
        case ["plug", name, port] if name in hub.boards and port.isdigit():
            await hub.plug(name, int(port))
        case ["replug", name] if name in hub.boards:
            await hub.replug(name)
        case ["replug", name, port] if name in hub.boards and port.isdigit():
            await hub.replug(name, int(port))
        case ["unplug", name] if name in hub.boards:
            hub.unplug(name)
        case ["swap", one, other] if one in hub.boards and other in hub.boards:
            await hub.swap(one, other)
        case [("reset" | "bootloader") as what, name] if name in hub.boards:
            hub[name].reset(into_bootloader=what == "bootloader")
        case _:
            raise WrongUse("plug, unplug, replug, swap, vanish, reset, bootloader, list or quit, with a bus id")
    return True


async def serve(arguments: argparse.Namespace, folder: Path) -> None:
    async with (
        UsbipServer(port=arguments.port) as server,
        Cables(server.port, port=arguments.follow_port) as cables,
    ):

        async def attach(bus_id: str, port: int) -> Any:
            """By whoever follows; without one the board lies ready for `attach.py attach`."""
            if cables.is_followed:
                return await cables.attach(bus_id, port)
            print(f"in the guest: attach.py attach 10.0.2.2:{server.port} {bus_id} --port {port}")
            return None

        async with Hub(server, attach) as hub:
            for number, kind in enumerate(arguments.board, 1):
                make_board(hub, kind, number, arguments, folder)
            for port, board in enumerate(hub.boards.values()):
                await hub.plug(board, port)
                print(f"{board.bus_id}  {board.device.descriptors.serial_number}  {arguments.board[port]}")
            print(f"or all at once: attach.py follow 10.0.2.2:{cables.port}", flush=True)

            async def welcome() -> None:
                """Plugs in what has been lying ready, whenever a guest begins to follow."""
                while True:
                    await cables.guest(timeout=None)
                    for board in list(hub.boards.values()):
                        if board.port is not None and not board.device.is_attached:
                            with suppress(AttachFailed):
                                await cables.attach(board.bus_id, board.port)
                    await cables.guest_gone()

            plugging = asyncio.create_task(welcome())
            try:
                await BY_HAND.converse(lambda words: obey(hub, words))
            finally:
                plugging.cancel()


def main() -> int:
    arguments = parse_arguments()
    return BY_HAND.main(
        lambda folder: serve(arguments, folder), logging.DEBUG if arguments.verbose else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
