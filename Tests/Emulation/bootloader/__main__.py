"""The bootloader on a pseudo-terminal, and then the program that was uploaded to it.

    python3 -m bootloader --link PATH --flash FILE [--then PROGRAM ARGUMENT …]

Links a pseudo-terminal at PATH and serves the bootloader's protocol there. FILE holds the chip's flash; it is made if
there is none, and written at every reset. After `K#` PROGRAM takes over the name PATH: it is started with --link PATH,
with --firmware-version and the version of the image in flash, and with the arguments. Without an application in flash
the bootloader begins anew.

On standard output, one line each: 'ready' when PATH is there, 'violation …' for what no uploader may do, 'reset'.
Ends when its standard input ends. --lose N loses the N-th byte from the host, --mute never answers.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import subprocess
import sys
import tty
from pathlib import Path

from .flash import Flash
from .image import Header
from .target import SambaTarget


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m bootloader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", type=Path, required=True, metavar="PATH")
    parser.add_argument("--flash", type=Path, required=True, metavar="FILE")
    parser.add_argument("--lose", type=int, action="append", default=[], metavar="N")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--then", nargs=argparse.REMAINDER, default=[], metavar="PROGRAM")
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


def stay(link: Path, flash: Flash, losses: set[int], is_mute: bool) -> bool:
    """One stay in the bootloader; whether it ended with a reset, and not with standard input."""
    leader, follower = pty.openpty()
    tty.setraw(follower)
    temporary = link.with_name(link.name + ".new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.ttyname(follower))
    temporary.rename(link)
    say("ready")
    target = SambaTarget(flash)
    heard = told = 0
    try:
        while not target.was_reset:
            ready, _, _ = select.select([leader, sys.stdin], [], [])
            if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
                return False
            if leader not in ready:
                continue
            data = os.read(leader, 4096)
            kept = bytes(byte for number, byte in enumerate(data, heard + 1) if number not in losses)
            heard += len(data)
            reply = target.feed(kept)
            for violation in target.violations[told:]:
                say(f"violation {violation}")
            told = len(target.violations)
            if not is_mute:
                while reply:
                    reply = reply[os.write(leader, reply) :]
        return True
    finally:
        # As a board leaves the bus: whoever has the port open finds it hung up.
        link.unlink(missing_ok=True)
        os.close(follower)
        os.close(leader)


def main() -> int:
    arguments = parse_arguments()
    flash = Flash.kept(arguments.flash)
    while stay(arguments.link, flash, set(arguments.lose), arguments.mute):
        flash.keep(arguments.flash)
        say("reset")
        if flash.has_application and arguments.then:
            header = Header.in_flash(flash)
            version = [] if header is None else ["--firmware-version", header.version]
            words = [*arguments.then, "--link", str(arguments.link), *version]
            return subprocess.run(words, check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
