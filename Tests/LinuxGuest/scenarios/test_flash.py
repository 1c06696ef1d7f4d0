"""`fedbridge flash`, by the real kernel's cdc_acm: the touch, the way to the bootloader's port, the upload, and back.

The boards are virtual ones with a model of the bootloader (Tests/Emulation/bootloader) and of the chip's flash: what was
flashed decides what version the board tells, and whether it starts at all.
"""

from __future__ import annotations

import dataclasses
import json

from bootloader import Flash, Header, image
from bootloader.image import QEMU
from bootloader.usb_board import BootloaderFirmware, FlashedProgram
from usb import Board, nano33ble
from usb.cdc_acm import AcmDevice

from .desk import Desk
from .flashing import FlashCommand, flash, put
from .gateway import Gateway
from .reference import PROGRAMS, identity

OLD, NEW = "0.1.0", "0.2.0-guest"
JOINED = r"(joined|is back,) on ttyACM"
FLASHING = "$(pgrep -f 'programs/[f]edbridge flash')"


@dataclasses.dataclass
class FlashedBoard:
    """A board with a chip."""

    board: Board
    flash: Flash
    bootloader: BootloaderFirmware


def flashed_board(desk: Desk, number: int) -> FlashedBoard:
    """Board `number`, with the old firmware in its flash; unplugged."""
    name, serial = f"board-{number}", nano33ble.serial_number(identity(number))
    flash = Flash(image(OLD, 30_000))
    command = [
        PROGRAMS / "virtual-board", "--link", desk.folder / name, "--data", desk.references.digits.examples(number),
        "--id", f"{identity(number):x}", "--state", desk.folder / f"{name}.flash", "--exit-with-parent"]
    program = FlashedProgram(flash, command, desk.folder / name, log_file=desk.folder / f"{name}.log")
    bootloader = BootloaderFirmware(flash)
    board = desk.hub.add(
        name, AcmDevice(nano33ble.application(serial).descriptors, program), nano33ble.bootloader(serial, bootloader))
    board.must_stay = lambda: not flash.has_application
    bootloader.on_reset = board.reset
    return FlashedBoard(board, flash, bootloader)


async def port(desk: Desk, number: int) -> str:
    """The port of a board that is plugged in, once udev is through with it."""
    link = f"/dev/fedbridge/{identity(number):016X}"
    await desk.eventually(f"[ -e {link} ] && udevadm settle")
    return (await desk.run(f"readlink -f {link}")).strip()


def holds(flashed: FlashedBoard, program: bytes) -> bool:
    return flashed.flash.read(0x10000, len(program)) == program


async def test_a_board_is_flashed_while_the_others_go_on_with_their_rounds(desk: Desk) -> None:
    target, others = flashed_board(desk, 1), [desk.board(2), desk.board(3)]
    await desk.plug(target.board, *others)
    gateway = await desk.gateway()
    joined = await gateway.line(f"\\({identity(1):016x}\\) {JOINED}.*firmware {OLD}")
    begun = await gateway.line("done: 3 contributions", joined)
    name = joined.fields["board"]
    program = image(NEW, 200_000)
    # By the name that people call it by. It takes its time, in which the others hold a round.
    async with FlashCommand(desk, name, await put(desk, program), gateway.state) as command:
        await command.until("writing", 1)
        await desk.run(f"kill -STOP {FLASHING}")
        lent = await gateway.line("lent to another program", begun)
        await gateway.line("done: 2 contributions", lent)
        await desk.run(f"kill -CONT {FLASHING}")
        result = await command.end()
    assert result.status == 0, (result.lines, gateway.tail())
    assert (result.last["name"], result.last["before"], result.last["after"]) == (name, OLD, NEW)
    assert holds(target, program) and Header.in_flash(target.flash).version == NEW
    assert [stay.violations for stay in target.bootloader.stays] == [[]]
    # Its bootloader was opened, spoken with, and no other board noticed.
    assert [board.application.open_count for board in others] == [1, 1]
    back = await gateway.line(f"\\({identity(1):016x}\\) {JOINED}.*firmware {NEW}", begun)
    await gateway.line("done: 3 contributions", back)
    answer = json.loads(await desk.run(f"/srv/programs/fedbridge boards --json --state-dir {gateway.state}"))
    assert [board["firmware"] for board in answer["boards"] if board["name"] == name] == [NEW]


async def test_without_a_gateway_the_command_greets_the_board_itself(desk: Desk) -> None:
    target = flashed_board(desk, 1)
    await desk.plug(target.board)
    node = await port(desk, 1)
    program = image(NEW, 20_000)
    result = await flash(desk, f"{identity(1):016X}", await put(desk, program), "/tmp/nowhere")
    assert result.status == 0, result.lines
    assert (result.last["id"], result.last["before"], result.last["after"]) == (f"{identity(1):016x}", OLD, NEW)
    assert result.last["port"] == node and holds(target, program)
    # Once more the same way, by the name of the port, with the other form of an image.
    newer = image("0.3.0", 20_000)
    path = await put(desk, intel_hex(newer), "image.hex")
    result = await flash(desk, await port(desk, 1), path, "/tmp/nowhere")
    assert result.status == 0 and result.last["before"] == NEW and result.last["after"] == "0.3.0", result.lines


def intel_hex(program: bytes) -> bytes:
    """As a linker writes it."""

    def record(address: int, kind: int, data: bytes) -> str:
        body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
        return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}\n"

    lines = [record(0, 4, b"\x00\x01")]
    lines += [record(at, 0, program[at : at + 16]) for at in range(0, len(program), 16)]
    return "".join([*lines, record(0, 1, b"")]).encode()


async def test_a_wrong_image_is_refused_and_the_board_goes_on(desk: Desk) -> None:
    target = flashed_board(desk, 1)
    await desk.plug(target.board)
    gateway = await desk.gateway()
    await gateway.line(JOINED)
    wrong = {
        "image-other-board": image(NEW, board=QEMU),
        "image-other-address": image(NEW, load_address=0x20000),
        "image-truncated": image(NEW)[:-100],
        "image-bad-vector-table": b"\xff" * 8 + image(NEW)[8:],
    }
    for code, content in wrong.items():
        result = await flash(desk, f"{identity(1):016X}", await put(desk, content), gateway.state, "--force")
        assert (result.status, result.last["code"]) == (1, code), result.lines
    assert target.board.application.open_count == 1 and not target.bootloader.stays
    assert gateway.said("lent") == []


async def test_a_cable_pulled_in_the_middle_is_told_and_the_same_command_mends_it(desk: Desk) -> None:
    target, other = flashed_board(desk, 1), desk.board(2)
    await desk.plug(target.board, other)
    gateway = await desk.gateway()
    await gateway.line("done: 2 contributions")
    program = image(NEW, 100_000)
    path = await put(desk, program)
    serial = f"{identity(1):016X}"
    async with FlashCommand(desk, serial, path, gateway.state) as command:
        await command.until("writing", 40_000)
        desk.hub.unplug(target.board)
        result = await command.end()
    assert (result.status, result.last["code"]) == (1, "flash-port-lost"), result.lines
    assert "run the command again" in result.last["remedy"]
    # Its port is gone, with or before the loan of it.
    lent = await gateway.line("lent to another program")
    await gateway.line("done: 1 contributions", lent)
    # Its program is gone, and so it waits in its bootloader for the next one.
    assert not target.flash.has_application
    await desk.plug(target.board)
    told = await gateway.line("bootloader; it is left alone", lent)
    assert target.board.device is target.board.bootloader
    result = await flash(desk, serial, path, gateway.state)
    assert result.status == 0 and result.last["after"] == NEW, (result.lines, gateway.tail())
    assert holds(target, program)
    back = await gateway.line(f"\\({identity(1):016x}\\) {JOINED}.*firmware {NEW}", told)
    await gateway.line("done: 2 contributions", back)
    assert other.application.open_count == 1


async def test_a_board_whose_button_was_pressed_twice_is_flashed_at_once(desk: Desk) -> None:
    target = flashed_board(desk, 1)
    await desk.plug(target.board)
    await port(desk, 1)
    target.board.reset(into_bootloader=True)
    await target.board.until(lambda board: board.device is board.bootloader and board.is_plugged, 60)
    await desk.eventually("grep -qs 005a /sys/bus/usb/devices/*/idProduct && udevadm settle")
    program = image(NEW, 20_000)
    result = await flash(desk, f"{identity(1):016X}", await put(desk, program), "/tmp/nowhere")
    assert result.status == 0 and result.last["after"] == NEW, result.lines
    assert "before" not in result.last and holds(target, program)
    assert not any("told to start" in line.get("text", "") for line in result.lines)


async def test_a_board_that_ignores_the_touch_is_told_with_the_way_out(desk: Desk) -> None:
    target = flashed_board(desk, 1)
    target.board.application.on_touch = None
    await desk.plug(target.board)
    gateway = await desk.gateway()
    await gateway.line(JOINED)
    result = await flash(desk, f"{identity(1):016X}", await put(desk, image(NEW)), gateway.state)
    assert (result.status, result.last["code"]) == (1, "flash-no-bootloader-came"), result.lines
    assert "reset button twice quickly" in result.last["remedy"]
    # The gateway has its port again, and the board.
    await gateway.line("done: 1 contributions", await gateway.line("given back"))
    assert holds(target, image(OLD, 30_000))


async def test_a_command_that_is_killed_leaves_the_gateway_its_port(desk: Desk) -> None:
    target = flashed_board(desk, 1)
    await desk.plug(target.board)
    gateway: Gateway = await desk.gateway()
    await gateway.line(JOINED)
    path = await put(desk, image(NEW, 200_000))
    async with FlashCommand(desk, f"{identity(1):016X}", path, gateway.state) as command:
        await command.until("writing", 40_000)
        await desk.run(f"kill -KILL {FLASHING}")
    given_back = await gateway.line("given back")
    assert not target.flash.has_application
    result = await flash(desk, f"{identity(1):016X}", path, gateway.state)
    assert result.status == 0, (result.lines, gateway.tail())
    await gateway.line(f"{JOINED}.*firmware {NEW}", given_back)
