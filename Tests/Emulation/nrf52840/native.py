"""Compiles engine.c, which is called before every instruction, and knows its structure."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from .errors import ModelError

SOURCE = Path(__file__).with_name("engine.c")
FOLDER = Path(__file__).resolve().parents[3] / "build" / "emulation"


class State(ctypes.Structure):
    """`struct Engine` of engine.c."""

    _fields_ = [
        #: Instructions begun in this run, the one that is being executed included; how many may be.
        ("executed", ctypes.c_uint64), ("limit", ctypes.c_uint64),
        #: The last instruction that was begun, and why it was not let through.
        ("address", ctypes.c_uint32), ("reason", ctypes.c_uint32),
        #: The event register that SEV sets; whether to stop when the masks let something through; whether the FPU is off.
        ("event", ctypes.c_uint32), ("watches_masks", ctypes.c_uint32), ("lacks_coprocessor", ctypes.c_uint32),
        #: The priority of what waits, and which bits of a priority count; PRIMASK, BASEPRI and FAULTMASK at Unicorn.
        ("waiting", ctypes.c_uint32), ("group_mask", ctypes.c_uint32), ("mask_registers", ctypes.c_uint32 * 3),
        ("flash", ctypes.c_void_p), ("ram", ctypes.c_void_p),
        ("flash_bytes", ctypes.c_uint32), ("ram_base", ctypes.c_uint32), ("ram_bytes", ctypes.c_uint32),
        ("emu_stop", ctypes.c_void_p), ("reg_read", ctypes.c_void_p),
    ]


@functools.cache
def before_instruction() -> ctypes.c_void_p:
    """The compiled function. What was compiled once is kept in build/emulation."""
    name = f"engine-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    library = FOLDER / name
    if not library.exists():
        compiler = shutil.which("cc") or shutil.which("clang")
        if compiler is None:
            raise ModelError("the emulator needs a C compiler: cc or clang")
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Several processes may be here at once.
        unfinished = FOLDER / f"{name}.{os.getpid()}"
        subprocess.run(
            [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", str(SOURCE), "-o", str(unfinished)],
            check=True)
        unfinished.rename(library)
    return ctypes.cast(ctypes.CDLL(str(library)).before_instruction, ctypes.c_void_p)
