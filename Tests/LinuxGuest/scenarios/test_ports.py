"""What the gateway and the rule do with ports: permissions, names, other programs, the bootloader."""

from __future__ import annotations

import asyncio

from usb import Board, EchoFirmware

from .desk import RULE, Desk
from .reference import identity

SERIAL = f"{identity(1):016X}"


async def plugged(desk: Desk, board: Board, port: int = 0) -> str:
    """Plugs the board in; the name of its port once udev is through with it."""
    await desk.hub.plug(board, port)
    serial = f"{identity(int(board.name.removeprefix('board-'))):016X}"
    link = f"/dev/serial/by-id/usb-Arduino_Nano_33_BLE_{serial}-if00"
    await desk.eventually(f"[ -e {link} ] && udevadm settle")
    return (await desk.run(f"readlink -f {link}")).strip()


async def properties(desk: Desk, port: str) -> dict[str, str]:
    lines = (await desk.run(f"udevadm info --query=property {port}")).splitlines()
    return dict(line.split("=", 1) for line in lines)


async def test_the_rule_does_what_it_says(desk: Desk) -> None:
    port = await plugged(desk, desk.device(1, EchoFirmware()))
    found = await properties(desk, port)
    assert found["ID_MM_PORT_IGNORE"] == "1"
    assert {":systemd:", ":uaccess:"} <= {f":{tag}:" for tag in found["TAGS"].strip(":").split(":")}
    assert f"/dev/fedbridge/{SERIAL}" in found["DEVLINKS"].split()
    assert (await desk.run(f"stat -c '%U %G %a' {port}")).split() == ["root", "dialout", "660"]
    assert (await desk.run(f"readlink -f /dev/fedbridge/{SERIAL}")).strip() == port
    # The device as a whole, which ModemManager asks first.
    device = await desk.run(f"udevadm info --query=property $(dirname $(dirname $(readlink -f /sys/class/tty/{port[5:]}/device)))"
                            f"/$(basename $(dirname $(readlink -f /sys/class/tty/{port[5:]}/device)))")
    assert "ID_MM_DEVICE_IGNORE=1" in device.splitlines()
    # A unit of systemd's, which others may wait for.
    unit = (await desk.run(f"systemd-escape --path --suffix=device /dev/fedbridge/{SERIAL}")).strip()
    await desk.eventually(f"systemctl is-active --quiet '{unit}'")
    # And udev has nothing to say against the file.
    complaints = await desk.run(f"udevadm test /sys/class/tty/{port[5:]} 2>&1 | grep -i 70-fedbridge | grep -i -E "
                                "'invalid|unknown|error|ignor(ed|ing) ' || true")
    assert complaints == ""


async def test_two_boards_keep_their_names_in_whatever_port(desk: Desk) -> None:
    one, other = desk.device(1, EchoFirmware()), desk.device(2, EchoFirmware())
    first, second = await plugged(desk, one, 0), await plugged(desk, other, 1)
    assert first != second
    await desk.hub.swap(one, other)
    names = [f"/dev/fedbridge/{identity(number):016X}" for number in (1, 2)]
    await desk.eventually(" && ".join(f"[ -e {name} ]" for name in names) + " && udevadm settle")
    for name, number in zip(names, (1, 2)):
        node = (await desk.run(f"readlink -f {name}")).strip()
        assert (await properties(desk, node))["ID_SERIAL_SHORT"] == f"{identity(number):016X}"


async def test_a_port_without_permission_gets_the_documented_message(desk: Desk) -> None:
    board = desk.board(1)
    await plugged(desk, board)
    gateway = await desk.gateway(user="visitor")
    refused = await gateway.line("tty-permission-denied")
    assert refused.level in ("warning", "error") and "dialout" in refused.message
    await gateway.stop()
    assert board.application.open_count == 0
    gateway = await desk.gateway(user="member")
    await gateway.line(r"(joined|is back,) on ttyACM")
    # An open port is a DTR that is high, and the gateway's end a DTR that falls.
    assert board.application.dtr
    await gateway.stop()
    await board.application.until(lambda device: not device.dtr, 30)


async def test_permission_that_comes_later_is_noticed(desk: Desk) -> None:
    # A rule that somebody installs while the gateway runs and the board is plugged in.
    await desk.run(f"mv {RULE} /tmp/rule; echo 'KERNEL==\"ttyACM*\", GROUP=\"root\", MODE=\"0600\"' >/etc/udev/rules.d/60-none.rules; "
                   "udevadm control --reload")
    try:
        await plugged(desk, desk.board(1))
        gateway = await desk.gateway(user="member")
        refused = await gateway.line("tty-permission-denied")
        await desk.run(f"rm /etc/udev/rules.d/60-none.rules; cp /tmp/rule {RULE}; udevadm control --reload; udevadm trigger")
        await gateway.line(r"(joined|is back,) on ttyACM", refused)
    finally:
        await desk.run(f"rm -f /etc/udev/rules.d/60-none.rules; cp /tmp/rule {RULE}; udevadm control --reload")


HOLD = """python3 -c "
import fcntl, os, sys, termios, time
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.ioctl(port, termios.TIOCEXCL)
print('held', flush=True)
time.sleep(600)
" """


async def test_a_port_that_another_program_holds_names_that_program(desk: Desk) -> None:
    port = await plugged(desk, desk.board(1))
    # Held by the same person, as a forgotten terminal program is; root would be let through.
    holder = await asyncio.create_subprocess_exec(
        *desk.guest.command(f"echo $$ >/tmp/holder; exec {HOLD} {port}", 600, user="member"),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout is not None and await holder.stdout.readline() == b"held\n"
        gateway = await desk.gateway(user="member")
        busy = await gateway.line("tty-busy")
        assert f"python3 (pid {(await desk.run('cat /tmp/holder')).strip()})" in busy.message
        await desk.run("kill $(cat /tmp/holder)")
        await gateway.line(r"(joined|is back,) on ttyACM", busy)
    finally:
        # Ending it in the guest ends it here.
        await desk.run("kill $(cat /tmp/holder) 2>/dev/null || true")
        await holder.wait()


async def test_udevd_restarts_while_the_gateway_runs(desk: Desk) -> None:
    one, other = desk.board(1), desk.board(2)
    await desk.plug(one)
    gateway = await desk.gateway("--codec", "lossless")
    joined = await gateway.line(r"(joined|is back,) on ttyACM")
    await desk.run("systemctl restart systemd-udevd")
    await desk.hub.plug(other, 1)
    await gateway.line(r"(joined|is back,) on ttyACM", joined.index + 1)
    await gateway.line("done: 2 contributions", joined)
    # A board that comes while no daemon runs is found when there is one again.
    await desk.run("systemctl stop systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd")
    try:
        gone = len(gateway.lines)
        await desk.hub.replug(other, 2)
        await gateway.line("link closed", gone)
    finally:
        await desk.run("systemctl start systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd; "
                       "udevadm trigger --action=add --subsystem-match=tty --subsystem-match=usb; udevadm settle")
    await gateway.line(r"(joined|is back,) on ttyACM", gone)
    assert one.application.open_count == 1


async def test_the_touch_leads_into_the_bootloader_which_is_left_alone(desk: Desk) -> None:
    board = desk.board(1)
    port = await plugged(desk, board)
    # As uploaders do it: 1200 baud, then DTR falls as the port is closed, which may be gone a moment later.
    await desk.run(f"stty -F {port} 1200 hupcl", timeout=30)
    assert board.bootloader is not None
    await board.until(lambda board: board.device is board.bootloader and board.is_plugged, 60)
    await desk.eventually("grep -qs 005a /sys/bus/usb/devices/*/idProduct && udevadm settle")
    gateway = await desk.gateway()
    told = await gateway.line("bootloader")
    # Its name for a running board has gone with the board, and ModemManager keeps off it too.
    assert (await desk.run("ls /dev/fedbridge 2>/dev/null || true")).strip() == ""
    assert (await properties(desk, (await desk.run("ls /dev/ttyACM*")).strip()))["ID_MM_PORT_IGNORE"] == "1"
    board.reset()
    await gateway.line(r"(joined|is back,) on ttyACM", told)
    assert board.bootloader.open_count == 0


class Recorder(EchoFirmware):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def readable(self) -> None:
        while data := self.port.peek():
            self.heard += data
            self.port.consume(len(data))


# Debian's ModemManager probes few ports by itself; others' rules, and other policies, make it probe more.
PROCESS = ('SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{serial}=="%s", ENV{ID_MM_DEVICE_PROCESS}="1"')


async def test_modem_manager_keeps_off_boards_with_the_rule_and_asks_others(desk: Desk) -> None:
    await desk.run("systemctl start ModemManager && mmcli --set-logging=DEBUG", timeout=120)
    try:
        # A board with a stock sketch, which claims to be a modem.
        kept = desk.device(1, Recorder(), interface_protocol=1)
        port = await plugged(desk, kept)
        await desk.eventually(f"journalctl -u ModemManager --no-pager | grep -q '{port[5:]}.*blocklisted'", timeout=120)
        # The check can fail: the very same device is opened and asked where a rule wants that and ours is not there.
        await desk.run(f"mv {RULE} /tmp/rule; echo '{PROCESS % f'{identity(2):016X}'}' >/etc/udev/rules.d/79-process.rules; "
                       "udevadm control --reload")
        bare = desk.device(2, Recorder(), interface_protocol=1)
        await plugged(desk, bare, 1)
        await bare.application.until(lambda device: b"AT" in device.firmware.heard, 120)
        assert kept.application.open_count == 0 and kept.application.firmware.heard == b""
    finally:
        await desk.run(f"[ -e {RULE} ] || mv /tmp/rule {RULE}; rm -f /etc/udev/rules.d/79-process.rules; "
                       "udevadm control --reload; systemctl stop ModemManager", timeout=120)


async def test_the_gateway_warns_where_modem_manager_may_come(desk: Desk) -> None:
    await desk.run(f"mv {RULE} /tmp/rule; udevadm control --reload; systemctl start ModemManager", timeout=120)
    try:
        await plugged(desk, desk.board(1))
        gateway = await desk.gateway()
        warning = await gateway.line("ModemManager")
        assert warning.level == "warning" and "70-fedbridge.rules" in warning.message
    finally:
        await desk.run(f"mv /tmp/rule {RULE}; udevadm control --reload; systemctl stop ModemManager", timeout=120)
