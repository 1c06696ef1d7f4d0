"""Holds a Bluetooth Low Energy radio for a Linux guest by hand: an adapter for it, and boards in the air.

With --guest the adapter is plugged into the guest that Scripts/guest start left running, and bluetoothd is started there.
Else, in the guest (where this machine's loopback is 10.0.2.2, with QEMU's user-mode network), as root:

    modprobe hci_vhci
    adapter.py 10.0.2.2:3250 --again           hci0, whenever there is an adapter here
    systemctl start bluetooth

Every --board is a kind, an identity of up to 16 hexadecimal digits, and who may pair (see virtual-board --help):

    virtual:A1               `virtual-board`, which --program names; whoever wants to may pair
    virtual:A1:passkey       prints a passkey
    virtual:A1:cable:3031…   who knows this secret, 32 hexadecimal digits
    qemu:B2:refused          `qemu-board`, the firmware on Cortex-M4F (name it with --qemu-program)

Then commands on standard input; boards have their identities as names:

    away A1    back A1       carried out of range, and back: connections end after their supervision timeout
    lose A1                  its connection is lost at this moment
    silence A1    wake A1    the program stands still, the controller does not
    off A1    on A1          power; what it keeps in flash stays
    reset A1
    signal A1 -80            how strong it is heard, in dBm
    pace 20000 | pace        no more than so many bytes a second; as fast as it goes
    unplug [2]    plug [2]   the adapter, or the one of that number (plug needs --guest)
    list    quit
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from machine.guest import Guest
from machine.places import PROJECT
from machine.steps import MachineError
from usb.by_hand import ByHand, WrongUse
from usb.program import ProgramFailed

from .adapter import AdapterFailed
from .board import AirBoard
from .radio import Radio

BY_HAND = ByHand("radio", (AdapterFailed, ProgramFailed, MachineError, TimeoutError))
PROGRAMS = {"virtual": PROJECT / ".build/release/virtual-board", "qemu": PROJECT / "Scripts/qemu-board"}
DIGITS = PROJECT / "Sources/Datasets/Resources/digits.fbds"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m radio", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", action="append", default=[], metavar="KIND[:ID[:PAIRING[:SECRET]]]",
                        help="a board; can be repeated")
    parser.add_argument("--adapters", type=int, default=1, metavar="N", help="how many adapters there are (1)")
    parser.add_argument("--guest", action="store_true", help="plug them into the guest that runs")
    parser.add_argument("--port", type=int, default=None, metavar="N",
                        help="loopback port of the first adapter; others follow (3250; with --guest any)")
    parser.add_argument("--program", type=Path, metavar="PATH", help="another virtual-board than that of .build/release")
    parser.add_argument("--qemu-program", type=Path, metavar="PATH", help="another qemu-board than that of Scripts")
    parser.add_argument("--data", type=Path, metavar="FILE", default=DIGITS, help="data set (.fbds; the bundled digits)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="what the boards keep, and their logs")
    parser.add_argument("--verbose", action="store_true", help="say what goes through the controllers")
    return parser.parse_args()


async def make_board(radio: Radio, text: str, arguments: argparse.Namespace, folder: Path) -> AirBoard:
    """Adds and powers the board that KIND[:ID[:PAIRING[:SECRET]]] describes."""
    kind, identity, pairing, secret = (text.split(":") + ["", "", ""])[:4]
    if kind not in PROGRAMS:
        raise WrongUse(f"no kind of board: {kind}")
    try:
        number = int(identity, 16) if identity else len(radio.boards) + 1
    except ValueError:
        raise WrongUse(f"{identity} is not a hexadecimal number") from None
    program = (arguments.program if kind == "virtual" else arguments.qemu_program) or PROGRAMS[kind]
    options: list[str | Path] = ["--data", arguments.data, "--pairing", pairing or "just-works"]
    if secret:
        options += ["--cable-secret", secret]
    board = await radio.board(f"{number:X}", number, program, folder, options)
    await board.power_on()
    return board


async def obey(radio: Radio, words: list[str]) -> bool:
    """Does what a line says; False for the last one."""
    match words:
        case []:
            pass
        case ["quit"]:
            return False
        case ["list"]:
            for each in [*radio.adapters, *radio.boards.values()]:
                print(each.describe(), flush=True)
        case ["pace"]:
            radio.air.pace = None
        case ["pace", rate] if rate.isdigit() and int(rate) > 0:
            radio.air.pace = float(rate)
        case ["plug" | "unplug" as what, *number] if not number or number[0].isdigit():
            adapter = radio.adapters[int(number[0]) - 1 if number else 0]
            await (adapter.plug() if what == "plug" else adapter.unplug())
        case [("away" | "back") as what, name] if name in radio.boards:
            radio.boards[name].in_range = what == "back"
        case ["signal", name, value] if name in radio.boards:
            radio.boards[name].chip.signal = int(value)
        case ["lose", name] if name in radio.boards:
            radio.boards[name].lose_link()
        case ["silence", name] if name in radio.boards:
            radio.boards[name].silence()
        case ["wake", name] if name in radio.boards:
            radio.boards[name].wake()
        case ["off", name] if name in radio.boards:
            radio.boards[name].power_off()
        case ["on", name] if name in radio.boards:
            await radio.boards[name].power_on()
        case ["reset", name] if name in radio.boards:
            await radio.boards[name].reset()
        case _:
            raise WrongUse("no such command or board; --help lists them")
    return True


async def tell(board: AirBoard) -> None:
    """Prints what a board says, as it says it."""
    told = 0
    while True:
        for line in board.program.lines[told:]:
            print(f"{board.name}: {line}", flush=True)
        told = len(board.program.lines)
        await board.program.until(lambda program: len(program.lines) > told, 24 * 3600)


async def serve(arguments: argparse.Namespace, folder: Path) -> None:
    state: Path = arguments.state or folder
    state.mkdir(parents=True, exist_ok=True)
    guest = Guest.running() if arguments.guest else None
    if arguments.guest and guest is None:
        raise AdapterFailed("no guest runs; begin with 'Scripts/guest start'")
    async with Radio(guest) as radio:
        boards = [await make_board(radio, each, arguments, state) for each in arguments.board]
        telling = [asyncio.create_task(tell(board)) for board in boards]
        try:
            first = arguments.port if arguments.port is not None else 0 if guest is not None else 3250
            for number in range(arguments.adapters):
                adapter = await radio.adapter(first + number if first else 0)
                if guest is None:
                    print(f"in the guest: Tests/LinuxGuest/guest/adapter.py 10.0.2.2:{adapter.port} --again")
                else:
                    await adapter.plug()
                    await asyncio.to_thread(guest.check, "systemctl start bluetooth")
                    await adapter.until_ready()
            for each in [*radio.adapters, *radio.boards.values()]:
                print(each.describe(), flush=True)
            await BY_HAND.converse(lambda words: obey(radio, words))
        finally:
            for task in telling:
                task.cancel()


def main() -> int:
    arguments = parse_arguments()
    return BY_HAND.main(
        lambda folder: serve(arguments, folder), logging.DEBUG if arguments.verbose else logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
