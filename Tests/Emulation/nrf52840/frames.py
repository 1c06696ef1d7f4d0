"""What the processor puts on a stack when it takes an exception, and gets back (Armv7-M ARM B1.5.6 to B1.5.8).

A frame has eight words, or 26 when the floating-point unit was in use. The chip saves the floating-point registers
lazily, when the handler uses the unit too; here they are saved at once, which no program can see but by FPCCR.LSPACT
and by the content of stack that belongs to nobody.
"""

from __future__ import annotations

import struct

from .engine import RAM_BASE, Engine, Register

WORDS = struct.Struct("<8I")
FLOATS = struct.Struct("<17I")
#: Sixteen registers, FPSCR, and a word for alignment.
EXTENDED_BYTES = WORDS.size + FLOATS.size + 4
#: CONTROL: the thread has the process stack; the floating-point unit was used. Unicorn takes the chip for one with a
#: secure state, where bit 3 goes with the latter.
PROCESS_STACK, FLOATING_POINT = 1 << 1, 1 << 2 | 1 << 3
PADDED = 1 << 9
THUMB = 1 << 24
FLAGS = 0xF800_0000 | 0x000F_0000
#: EXC_RETURN.
TO_HANDLER, TO_THREAD, TO_PROCESS = 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD
BASIC_FRAME = 1 << 4


class StackError(Exception):
    """There is no memory where the frame belongs."""


class Frames:
    """Makes and undoes frames."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ram = memoryview(engine.ram).cast("B")
        self._saved = engine.registers(
            Register.R0, Register.R1, Register.R2, Register.R3, Register.R12, Register.LR, Register.XPSR, Register.SP,
            Register.CONTROL)
        # With an exception's number in XPSR, SP is the main stack's; so the order matters.
        self._entered = engine.registers(Register.SP, Register.XPSR, Register.CONTROL, Register.LR)
        self._restored = engine.registers(
            Register.R0, Register.R1, Register.R2, Register.R3, Register.R12, Register.LR)
        self._left = engine.registers(Register.SP, Register.XPSR)
        self._floats = engine.registers(*(Register.S0 + index for index in range(16)), Register.FPSCR)

    def push(self, return_address: int, number: int, from_handler: bool, saves_floats: bool) -> None:
        """Enters exception `number`: all but PC, which the vector has. The registers change even if it fails."""
        *general, xpsr, sp, control = self._saved.read()
        extended = bool(control & FLOATING_POINT) and saves_floats
        padding = sp & 4
        sp = (sp - padding - (EXTENDED_BYTES if extended else WORDS.size)) & 0xFFFF_FFFF
        exc_return = TO_HANDLER if from_handler else TO_PROCESS if control & PROCESS_STACK else TO_THREAD
        if extended:
            exc_return &= ~BASIC_FRAME
        floats = self._floats.read() if extended else None
        self._entered.write((sp, xpsr & FLAGS | THUMB | number, control & ~FLOATING_POINT, exc_return))
        at = self._place(sp, EXTENDED_BYTES if extended else WORDS.size)
        status = xpsr & ~PADDED | (PADDED if padding else 0) | THUMB
        WORDS.pack_into(self._ram, at, *general, return_address & ~1, status)
        if floats is not None:
            FLOATS.pack_into(self._ram, at + WORDS.size, *floats)

    def pop(self, exc_return: int, handler: int) -> int:
        """Returns to handler `handler`, or 0 for the thread. The PC to go on with."""
        engine = self._engine
        extended = not exc_return & BASIC_FRAME
        engine[Register.XPSR] = THUMB | handler
        control = 0 if not handler else engine[Register.CONTROL] & PROCESS_STACK
        if exc_return | BASIC_FRAME == TO_PROCESS:
            control = PROCESS_STACK
        engine[Register.CONTROL] = control
        sp = engine[Register.SP]
        size = EXTENDED_BYTES if extended else WORDS.size
        at = self._place(sp, size)
        words: tuple[int, ...] = WORDS.unpack_from(self._ram, at)
        *general, pc, xpsr = words
        self._restored.write(general)
        if extended:
            self._floats.write(FLOATS.unpack_from(self._ram, at + WORDS.size))
            engine[Register.CONTROL] = control | FLOATING_POINT
        self._left.write((sp + size + (4 if xpsr & PADDED else 0) & 0xFFFF_FFFF, xpsr & FLAGS | THUMB | handler))
        return pc

    def _place(self, sp: int, size: int) -> int:
        offset = sp - RAM_BASE
        if not 0 <= offset <= len(self._ram) - size:
            raise StackError(f"{sp:#010x}")
        return offset
