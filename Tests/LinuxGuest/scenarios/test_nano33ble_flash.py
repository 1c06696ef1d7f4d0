"""`fedbridge flash` and the image that users flash, on a model of its chip: the image's own 1200-baud touch, the model of
the bootloader over the chip's flash, and the new image, which runs and is greeted."""

from __future__ import annotations

from nrf52840 import Reason

from .chip import EXAMPLES, IMAGE, ChipBoard, chip_board, with_version
from .desk import Desk
from .flashing import FlashCommand, flash, put
from .reference import identity

SERIAL = f"{identity(1):016X}"
NEW = "0.2.0-guest"
JOINED = rf"\({identity(1):016x}\) (joined|is back,) on ttyACM"


def holds(chip: ChipBoard, program: bytes) -> bool:
    return chip.flash.read(0x10000, len(program)) == program


async def test_it_leaves_for_the_bootloader_and_comes_back_with_the_new_firmware(desk: Desk) -> None:
    chip, other = chip_board(desk, 1), desk.board(2)
    await desk.plug(chip.board, other)
    gateway = await desk.gateway()
    await gateway.line("done: 2 contributions", await gateway.line(f"{JOINED}.*firmware 0.1.0"))
    program = with_version(IMAGE.read_bytes(), NEW)
    result = await flash(desk, SERIAL, await put(desk, program), gateway.state)
    assert result.status == 0, (result.lines, gateway.tail(), chip.device.describe())
    assert (result.last["before"], result.last["after"]) == ("0.1.0", NEW)
    # It went by itself, by its watchdog, and no rule of its flash or of the bootloader's protocol was broken.
    assert Reason.WATCHDOG in chip.machine.resets and chip.device.failure is None
    assert [stay.violations for stay in chip.bootloader.stays] == [[]]
    assert holds(chip, program)
    # What the board has learnt and its examples were not touched, and it goes on with them.
    assert max(chip.flash.erasures) < EXAMPLES
    back = await gateway.line(f"{JOINED}.*firmware {NEW}.*holds model")
    await gateway.line("done: 2 contributions", back)
    assert other.application.open_count == 1


async def test_a_cable_pulled_while_it_is_flashed_leaves_it_in_the_bootloader_and_the_same_command_mends_it(
    desk: Desk) -> None:
    chip = chip_board(desk, 1)
    await desk.plug(chip.board)
    gateway = await desk.gateway()
    await gateway.line("done: 1 contributions")
    program = with_version(IMAGE.read_bytes(), NEW)
    path = await put(desk, program)
    async with FlashCommand(desk, SERIAL, path, gateway.state) as command:
        await command.until("writing", 40_000)
        desk.hub.unplug(chip.board)
        result = await command.end()
    assert (result.status, result.last["code"]) == (1, "flash-port-lost"), result.lines
    assert not chip.flash.has_application
    lent = await gateway.line("lent to another program")
    await desk.plug(chip.board)
    await gateway.line("bootloader; it is left alone", lent)
    result = await flash(desk, SERIAL, path, gateway.state)
    assert result.status == 0 and result.last["after"] == NEW, (result.lines, gateway.tail())
    assert holds(chip, program)
    await gateway.line("done: 1 contributions", await gateway.line(f"{JOINED}.*firmware {NEW}.*holds model"))


async def test_flash_that_is_worn_out_is_told_and_the_board_stays_in_its_bootloader(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    await desk.plug(chip.board)
    await desk.eventually(f"[ -e /dev/fedbridge/{SERIAL} ] && udevadm settle")
    program = with_version(IMAGE.read_bytes(), NEW)
    # A page whose bits do not come back, and of which the new image wants other ones.
    changed = program[:0x8000] + bytes(byte ^ 0xFF for byte in program[0x8000:0x9000]) + program[0x9000:]
    chip.flash.stuck.add(0x18000)
    path = await put(desk, changed)
    result = await flash(desk, SERIAL, path, "/tmp/nowhere")
    assert (result.status, result.last["code"]) == (1, "flash-not-verified"), result.lines
    assert "0x18000" in result.last["message"] and not chip.flash.has_application
    # Pulled and plugged in again it is still there, and says the same.
    await desk.hub.replug(chip.board)
    result = await flash(desk, SERIAL, path, "/tmp/nowhere")
    assert (result.status, result.last["code"]) == (1, "flash-not-verified"), result.lines


async def test_a_wrong_image_is_refused_before_anything_is_touched(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    await desk.plug(chip.board)
    gateway = await desk.gateway()
    await gateway.line(JOINED)
    program = IMAGE.read_bytes()
    wrong = {
        "image-other-board": (IMAGE.parent / "qemu-board.bin").read_bytes(),
        "image-bad-vector-table": program[:4] + b"\x00\x00\x00\x20" + program[8:],
        "image-truncated": program[:-512],
    }
    for code, content in wrong.items():
        result = await flash(desk, SERIAL, await put(desk, content), gateway.state, "--force")
        assert (result.status, result.last["code"]) == (1, code), result.lines
    assert chip.machine.resets == [None] and not chip.bootloader.stays and gateway.said("lent") == []
    await gateway.line("done: 1 contributions")


async def test_reset_pressed_twice_brings_the_bootloader_whatever_the_board_runs(desk: Desk) -> None:
    chip = chip_board(desk, 1)
    # A program that hangs at once, as one that broke its own USB does: it never shows itself on the bus.
    chip.machine.load(b"\xfe\xe7" * 8, 0x10000 + 0x400)
    chip.machine.load((0x10401).to_bytes(4, "little"), 0x10004)
    chip.board.port = 0
    chip.board.reset(into_bootloader=True)
    await desk.eventually("grep -qs 005a /sys/bus/usb/devices/*/idProduct && udevadm settle")
    result = await flash(desk, SERIAL, await put(desk, IMAGE.read_bytes()), "/tmp/nowhere")
    assert result.status == 0 and result.last["after"] == "0.1.0" and "before" not in result.last, result.lines
