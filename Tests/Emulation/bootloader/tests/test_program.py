"""`python3 -m bootloader`: the model on a pseudo-terminal, and the program that takes over from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .. import Flash, image
from .test_arduino import upload

PACKAGES = Path(__file__).parents[2]


def test_an_upload_over_a_pseudo_terminal_starts_the_program(tmp_path: Path) -> None:
    link, chip = tmp_path / "port", tmp_path / "chip"
    # What takes over says how it was started.
    successor = [sys.executable, "-c", "import sys; print('started', *sys.argv[1:], flush=True)", "--id", "a1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bootloader", "--link", link, "--flash", chip, "--then", *successor],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        program = image("0.4.0", 6000)
        for said, expected in upload(program):
            os.write(port, said)
            while expected > 0:
                expected -= len(os.read(port, 64))
        assert process.stdout.readline() == "reset\n"
        assert process.stdout.readline() == f"started --id a1 --link {link} --firmware-version 0.4.0\n"
        os.close(port)
        assert process.wait(timeout=20) == 0
        assert Flash.kept(chip).read(0x10000, len(program)) == program and not link.exists()
    finally:
        process.kill()
        process.wait()


def test_it_ends_with_its_standard_input(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bootloader", "--link", tmp_path / "port", "--flash", tmp_path / "chip"],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    assert not (tmp_path / "port").exists()
