"""Small programs for the model, in assembly."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nrf52840 import MILLISECOND, Machine, image

STACK_TOP = 0x2001_0000
#: Where programs leave what they have found out.
RESULTS = 0x2000_1000
COMPILER = ("--target=armv7em-none-eabi", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-nostdlib",
            "-fuse-ld=lld", "-Wl,--image-base=0,-Ttext=0", "-Wl,--entry=0", "-x", "assembler")
#: Registers that programs use by name.
NAMES = {
    "SCB_ICSR": 0xE000_ED04, "SCB_AIRCR": 0xE000_ED0C, "SCB_SCR": 0xE000_ED10, "SCB_SHCSR": 0xE000_ED24,
    "SCB_CPACR": 0xE000_ED88, "NVIC_ENABLE": 0xE000_E100, "NVIC_PEND": 0xE000_E200, "NVIC_PRIORITY": 0xE000_E400,
    "MPU_CTRL": 0xE000_ED94, "MPU_RNR": 0xE000_ED98, "MPU_RBAR": 0xE000_ED9C, "MPU_RASR": 0xE000_EDA0,
    "RESULTS": RESULTS}


@functools.cache
def _assemble(source: str) -> bytes:
    compiler = shutil.which("clang")
    if compiler is None:
        raise FileNotFoundError("clang, which comes with Swift")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "program.elf")
        subprocess.run([compiler, *COMPILER, "-", "-o", str(target)], input=source.encode(), check=True)
        segments = image.read(target)
    content = bytearray()
    for segment in segments:
        if segment.address < 0x10_0000:
            content.extend(b"\xff" * (segment.address + len(segment.data) - len(content)))
            content[segment.address:segment.address + len(segment.data)] = segment.data
    return bytes(content)


def assemble(code: str, handlers: Mapping[int, str] | None = None) -> bytes:
    """A program that begins at `reset`; exceptions go to the labels in `handlers`, others for ever to `lost`."""
    vectors = [str(STACK_TOP), "reset + 1"]
    vectors += [f"{(handlers or {}).get(number, 'lost')} + 1" for number in range(2, 64)]
    names = "\n".join(f".equ {name}, {value:#x}" for name, value in NAMES.items())
    return _assemble(
        f".syntax unified\n.thumb\n{names}\n.text\n.word {', '.join(vectors)}\n"
        f"lost: b lost\n{code}\n.pool\n")


def start(code: str, handlers: Mapping[int, str] | None = None, **options: object) -> Machine:
    """A machine that has begun to run such a program."""
    machine = Machine(**options)  # type: ignore[arg-type]
    machine.load(assemble(code, handlers), 0)
    machine.power_on()
    return machine


def results(machine: Machine, count: int) -> list[int]:
    return [machine.memory.word(RESULTS + 4 * index) for index in range(count)]


def run(code: str, handlers: Mapping[int, str] | None = None, count: int = 1) -> list[int]:
    """What such a program has left in RESULTS after some milliseconds."""
    machine = start(code, handlers)
    machine.run_for(5 * MILLISECOND)
    return results(machine, count)
