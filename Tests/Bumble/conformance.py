#!/usr/bin/env python3
"""Holds the board's Bluetooth host against Bumble's: `virtual-board`, or `Scripts/qemu-board` with the Cortex-M4F's image,
behind a virtual controller, Bumble's central before it.

    conformance.py --board PROGRAM [--only TEXT] [--verbose]

Makes its Python environment in .build-bumble when it is missing (needs python3-venv and PyPI). The last line is
'N passed, N failed'; exit status 0 if nothing failed, 1 if something did, 2 for wrong use.
"""
import argparse
import asyncio
import hashlib
import os
import pathlib
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / ".build-bumble"
REQUIREMENTS = HERE / "requirements.txt"


def inside_venv():
    """Runs the rest of this script with the pinned packages, making the environment if it is missing."""
    if pathlib.Path(sys.prefix).resolve() == VENV.resolve():
        return
    python = VENV / "bin" / "python"
    # A file, made last, says that the environment is complete: a half-made one is made again.
    complete = VENV / f"complete-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]}"
    if not complete.exists():
        if subprocess.run([sys.executable, "-m", "venv", VENV]).returncode != 0:
            sys.exit("conformance: cannot make a Python environment; install the package python3-venv")
        subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", REQUIREMENTS],
                       check=True)
        complete.touch()
    os.execv(python, [str(python), "-B", str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


async def run(options):
    from rig import Board, make_radio
    import attributes
    import carriers
    import channels
    import pairing

    passed = failed = 0
    for group in (attributes, channels, carriers, pairing):
        for name, setting, test in group.TESTS:
            title = f"{group.__name__}: {name}"
            if options.only and options.only not in title:
                continue
            link, central = await make_radio()
            try:
                async with Board(options.board, str(options.data), link, setting.acl_length, setting.options) as board:
                    async with asyncio.timeout(120):
                        await test(central, board)
                    assert board.is_alive, f"the board ended with status {board.process.returncode}"
                passed += 1
                print(f"ok      {title}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED  {title}: {type(error).__name__} {error}", flush=True)
                if options.verbose:
                    traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main():
    parser = argparse.ArgumentParser(
        prog="conformance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--board", required=True, type=pathlib.Path, help="the program virtual-board, or Scripts/qemu-board")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "Sources/Datasets/Resources/digits.fbds",
                        help="examples for the board (default: the bundled digits)")
    parser.add_argument("--only", metavar="TEXT", help="only the tests whose names hold TEXT")
    parser.add_argument("--verbose", action="store_true", help="where each failure came from")
    options = parser.parse_args()
    for path in (options.board, options.data):
        if not path.exists():
            parser.error(f"there is no {path}")
    options.board = options.board.resolve()
    inside_venv()
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
