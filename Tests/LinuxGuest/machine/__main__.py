"""Scripts/guest."""

import argparse
import os
import subprocess
import sys

from . import image
from .guest import Guest
from .steps import MachineError, say, step


def start(arguments: argparse.Namespace) -> int:
    guest = Guest.running()
    if guest is not None and not arguments.fresh:
        say(f"a guest runs already (process {guest.pid})")
        return 0
    if guest is not None:
        guest.stop()
    guest = Guest.start()
    say(f"ready (process {guest.pid}); console: {guest.run}/serial.log, shared folder: {guest.run}/share = /srv/share")
    return 0


def run(arguments: argparse.Namespace) -> int:
    guest = Guest.running()
    if guest is None:
        raise MachineError("no guest runs; begin with 'Scripts/guest start'")
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not words:
        raise MachineError("what shall run? Scripts/guest run -- COMMAND")
    with step("command"):
        try:
            status = subprocess.run(guest.command(" ".join(words), arguments.timeout, arguments.user),
                                    timeout=arguments.timeout + 30).returncode
        except subprocess.TimeoutExpired:
            status = 124
    if status in (124, 137):
        say(f"the command was ended: it took more than {arguments.timeout:.0f} s")
    elif status == 255 and not guest.is_alive:
        say("the guest is gone")
    return status


def stop(_: argparse.Namespace) -> int:
    guest = Guest.running()
    if guest is None:
        say("no guest runs")
        return 0
    with step("stop"):
        guest.stop()
    return 0


def build(arguments: argparse.Namespace) -> int:
    with step("build"):
        image.build(again=arguments.again)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="Scripts/guest",
        description="The test machine: a Debian 12 guest under QEMU with a kernel of its own, systemd, udev, D-Bus and "
        "BlueZ. Boards are plugged into it over USB/IP. Nothing in it outlives a stop.",
        epilog="Environment: FEDBRIDGE_GUEST_ACCEL=tcg|kvm|auto (auto: KVM if a kernel was seen to run under it), "
        "FEDBRIDGE_GUEST_MEMORY=MB, FEDBRIDGE_GUEST_DIR=folder for everything built (.build-guest), DEBIAN_MIRROR=address.")
    commands = parser.add_subparsers(required=True, metavar="build|start|run|stop")
    each = commands.add_parser("build", help="build the image, if none with this content is there")
    each.add_argument("--again", action="store_true", help="build it in any case")
    each.set_defaults(do=build)
    each = commands.add_parser("start", help="boot the guest; returns when it takes commands")
    each.add_argument("--fresh", action="store_true", help="end a guest that runs already")
    each.set_defaults(do=start)
    each = commands.add_parser(
        "run", help="run a shell command in the guest, with its output and exit status",
        description="The project is at /srv/project (and at its own path) to read, what was built when the guest "
        "started at /srv/programs; /srv/share may be written by both sides, 10.0.2.2 is this machine's loopback. Exit status: the command's; 124 or 137 if it took too long.")
    each.add_argument("--timeout", type=float, default=600, metavar="S", help="seconds it may take (600)")
    each.add_argument("--user", metavar="NAME", help="another user than root: member (of dialout) or visitor")
    each.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="for bash")
    each.set_defaults(do=run)
    each = commands.add_parser("stop", help="end the guest")
    each.set_defaults(do=stop)
    arguments = parser.parse_args()
    try:
        return arguments.do(arguments)
    except MachineError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
