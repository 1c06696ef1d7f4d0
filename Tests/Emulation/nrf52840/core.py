"""The Cortex-M4F: instructions by `Engine`, and here what happens between them: exceptions, sleep, faults, time.

An instruction takes one cycle of 64 MHz, and entering or leaving an exception what the chip needs at least (Cortex-M4
TRM 3.9). Nothing waits for flash or for a bus, and a jump or a division costs no more than an addition: virtual time is
a lower bound of what the chip needs.
"""

from __future__ import annotations

from collections.abc import Callable

from . import system_control
from .engine import RAM_BASE, Access, End, Engine, Forbidden, Register
from .errors import ModelError, Violation
from .frames import Frames, StackError
from .nvic import Exceptions, SystemException
from .protection import Protection
from .system_control import Address, SystemControl
from .timeline import Appointment, Timeline
from .units import CYCLE

#: Instructions at a stretch, if nothing is due: some tenths of a second of this machine's time.
LONGEST_RUN = 20_000_000
ENTRY_CYCLES, RETURN_CYCLES = 12, 10
THUMB = 1

# Of CFSR and HFSR (Armv7-M ARM B3.2.15, B3.2.16).
FETCH_VIOLATION, DATA_VIOLATION, STACKING_VIOLATION, UNSTACKING_VIOLATION, MMFAR_VALID = 1, 1 << 1, 1 << 4, 1 << 3, 1 << 7
FETCH_ERROR, PRECISE_ERROR, STACKING_ERROR, UNSTACKING_ERROR, BFAR_VALID = 1 << 8, 1 << 9, 1 << 12, 1 << 11, 1 << 15
UNDEFINED_INSTRUCTION, INVALID_STATE, INVALID_RETURN, NO_COPROCESSOR = 1 << 16, 1 << 17, 1 << 18, 1 << 19
FORCED, DEBUG_EVENT = 1 << 30, 1 << 31
#: Which bit of SHCSR switches a fault on.
FAULT_ENABLE = {
    SystemException.MEMORY_FAULT: 1 << 16, SystemException.BUS_FAULT: 1 << 17, SystemException.USAGE_FAULT: 1 << 18}
FPCCR_AUTOMATIC = 1 << 31


class LockUp(Exception):
    """A fault while a fault was handled."""


class Core:
    """The processor of one chip, and the chip's time."""

    def __init__(
        self, flash_bytes: int, ram_bytes: int, flash_write: Callable[[int, int, int], bool],
        request_reset: Callable[[], None],
    ) -> None:
        self._flash_write = flash_write
        #: What AIRCR.SYSRESETREQ does.
        self.request_reset = request_reset
        self.timeline = Timeline()
        self.exceptions = Exceptions()
        self.engine = Engine(flash_bytes, ram_bytes, self._write_flash)
        self.control = SystemControl(self)
        self.protection = Protection(self.control, ram_bytes, self.engine.forbid_execution)
        self._frames = Frames(self.engine)
        self._masks = self.engine.registers(Register.PRIMASK, Register.BASEPRI, Register.FAULTMASK)
        self.engine.map_registers(
            system_control.BASE, system_control.SIZE, self.control.read, self.control.write)
        #: Time when the run that is going on began, and where it ends at the latest.
        self._begun = 0
        self._run_end = 0
        self._is_running = False
        self._stalled_until = 0
        self.pc = 0
        #: Asleep in WFI or WFE; or off.
        self.sleeping = True
        self._awaits_event = False
        #: Instructions executed so far.
        self.instructions = 0
        #: Time slept so far.
        self.slept = 0

    def reset(self) -> None:
        """The processor as after any reset; time goes on."""
        self.engine.reset()
        self.engine.state.lacks_coprocessor = True
        self.exceptions = Exceptions()
        self.control.reset()
        self.protection.reset()
        self.sleeping = self._awaits_event = False
        self._stalled_until = 0

    def start(self, vectors: int) -> None:
        """Goes on where a vector table says."""
        self.control[Address.VTOR] = vectors
        self.engine[Register.XPSR] = 1 << 24
        self.engine[Register.SP] = self.word(vectors) & ~3
        self.engine[Register.LR] = 0xFFFF_FFFF
        self._jump(self.word(vectors + 4))

    def word(self, address: int) -> int:
        """A word of flash, or of RAM, where a program may have its vectors."""
        memory, at = (self.engine.ram, address - RAM_BASE) if address >= RAM_BASE else (self.engine.flash, address)
        return int.from_bytes(bytes(memory[at:at + 4]), "little")

    # Time.

    @property
    def now(self) -> int:
        """Picoseconds since the power came on first."""
        return self._begun + self.engine.state.executed * CYCLE if self._is_running else self._begun

    @property
    def cycles(self) -> int:
        """Cycles since then, as the DWT's counter has them."""
        return self.now // CYCLE

    @property
    def is_idle(self) -> bool:
        """Nothing happens before the timeline's next appointment."""
        return self.sleeping and self._stalled_until <= self._begun

    def at(self, time: int, action: Callable[[], object]) -> Appointment:
        """Has something done at a time. If that lies within the run that is going on, the run ends there."""
        if self._is_running and time < self._run_end:
            self._run_end = time
            self.engine.stop_after(max(0, -(-(time - self.now) // CYCLE)))
        return self.timeline.at(time, action)

    def stall(self, duration: int) -> None:
        """The processor stands still for so long after this instruction; everything else goes on."""
        self._stalled_until = max(self._stalled_until, self.now) + duration
        self.end_run()

    def end_run(self) -> None:
        """Lets nothing be executed after this instruction before what is due was looked after."""
        if self._is_running:
            self.engine.stop_after(0)

    # Interrupts.

    def pend(self, number: int) -> None:
        self.exceptions.set_pending(number)
        self.poke()

    def set_line(self, number: int, is_high: bool) -> None:
        if self.exceptions.set_line(number, is_high):
            self.poke()

    def poke(self) -> None:
        """Something has changed that may let an exception through."""
        if self._is_running and self.exceptions.best() is not None:
            self.engine.stop_after(0)

    def _level(self) -> int:
        """What an exception must be more urgent than (Armv7-M ARM B1.5.4)."""
        primask, basepri, faultmask = self._masks.read()
        level = self.exceptions.active_priority()
        if basepri & 0xFF:
            level = min(level, self.exceptions.group(basepri & 0xE0))
        if primask & 1:
            level = min(level, 0)
        if faultmask & 1:
            level = min(level, -1)
        return level

    # Running.

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None:
        """Runs up to a time, or until `condition` is no more true, which is asked whenever something was due."""
        while True:
            self._do_what_is_due()
            if condition is not None and not condition():
                return
            if self._stalled_until > self._begun:
                self._begun = min(self._stalled_until, deadline, max(self.timeline.next_time(), self._begun))
                if self._begun >= deadline:
                    return
                continue
            waiting = self._take_exception()
            if self._begun >= deadline:
                return
            if self.sleeping:
                wake = min(deadline, max(self.timeline.next_time(), self._begun))
                self.slept += wake - self._begun
                self._begun = wake
            else:
                self._run(deadline, waiting)

    def _do_what_is_due(self) -> None:
        while (action := self.timeline.take_due(self._begun)) is not None:
            action()

    def _take_exception(self) -> int | None:
        """Takes exceptions and wakes up. The priority of one that a mask holds back, which may be lifted any time."""
        exceptions = self.exceptions
        while (best := exceptions.best()) is not None and exceptions.preempts(best, self._level()):
            self.sleeping = False
            self._enter(best, self.pc)
        waiting: int | None = None
        if best is not None and exceptions.preempts(best, exceptions.active_priority()):
            waiting = exceptions.group(exceptions.priority(best))
        if self.sleeping and (waiting is not None or self._awaits_event and exceptions.event):
            # WFI ends although PRIMASK keeps the interrupt from being taken.
            self.sleeping = False
            exceptions.event = False
        return waiting

    def _run(self, deadline: int, waiting: int | None) -> None:
        self._run_end = min(deadline, self.timeline.next_time())
        limit = min(LONGEST_RUN, max(1, -(-(self._run_end - self._begun) // CYCLE)))
        self._is_running = True
        try:
            end = self.engine.run(
                self.pc, limit, waiting=waiting, group_mask=self.exceptions.group_mask)
        except ModelError as error:
            error.add_note(f"at {self.engine.state.address:#x}, {self.now / 1e9:.6f} ms after power-up")
            raise
        finally:
            executed = self.engine.state.executed
            self._is_running = False
            self.instructions += executed
            self._begun += executed * CYCLE
        if self.engine.state.event:
            self.engine.state.event = 0
            self.exceptions.event = True
        self.pc = self.engine.pc
        try:
            self._after(end)
        except StackError as error:
            raise LockUp(f"no stack at {error} on the way out of an exception") from error

    def _after(self, end: End) -> None:
        match end:
            case End.LIMIT | End.MASKS:
                pass
            case End.WAIT_FOR_INTERRUPT:
                self.sleeping, self._awaits_event = True, False
            case End.WAIT_FOR_EVENT:
                self.sleeping, self._awaits_event = not self.exceptions.event, True
                self.exceptions.event = False
            case End.SUPERVISOR_CALL:
                self._synchronous(SystemException.SUPERVISOR_CALL, self.pc)
            case End.EXCEPTION_RETURN:
                self._leave(self.pc)
            case End.BREAKPOINT:
                self._fault(SystemException.HARD_FAULT, DEBUG_EVENT)
            case End.NO_COPROCESSOR:
                self._fault(SystemException.USAGE_FAULT, NO_COPROCESSOR)
            case End.UNDEFINED:
                self._fault(SystemException.USAGE_FAULT, UNDEFINED_INSTRUCTION)
            case End.INVALID_STATE:
                self._fault(SystemException.USAGE_FAULT, INVALID_STATE)
            case End.MEMORY:
                self._memory_fault(self.engine.forbidden)

    # Exceptions.

    def _jump(self, vector: int) -> None:
        if not vector & THUMB:
            self.pc = vector
            self._fault(SystemException.USAGE_FAULT, INVALID_STATE)
        else:
            self.pc = vector & ~THUMB

    def _enter(self, number: int, return_address: int) -> None:
        exceptions = self.exceptions
        from_handler = bool(exceptions.active)
        exceptions.enter(number)
        self._begun += ENTRY_CYCLES * CYCLE
        failure: StackError | None = None
        try:
            self._frames.push(
                return_address, number, from_handler, bool(self.control[Address.FPCCR] & FPCCR_AUTOMATIC))
        except StackError as error:
            failure = error
        vector = self.control[Address.VTOR] + 4 * number
        self._jump(self.word(vector))
        if failure is not None and number != SystemException.HARD_FAULT:
            # The fault of stacking is taken after, and instead of, the exception that was to be.
            protected = not self.protection.allows(Access.WRITE, int(str(failure), 16))
            self._fault(
                SystemException.MEMORY_FAULT if protected else SystemException.BUS_FAULT,
                STACKING_VIOLATION if protected else STACKING_ERROR)

    def _leave(self, exc_return: int) -> None:
        exceptions = self.exceptions
        if not exceptions.active:
            self.pc = exc_return & ~THUMB
            self._fault(SystemException.USAGE_FAULT, INVALID_RETURN)
            return
        number = exceptions.leave()
        if number not in (SystemException.NMI, SystemException.HARD_FAULT):
            self.engine[Register.FAULTMASK] = 0
        exc_return |= THUMB
        handler = exceptions.active[-1] if exceptions.active else 0
        to_handler = exc_return & 0xF == 1
        if to_handler != bool(handler):
            raise Violation(f"return from exception {number} by {exc_return:#x} with {handler} active below it")
        self._begun += RETURN_CYCLES * CYCLE
        self.pc = self._frames.pop(exc_return, handler) & ~THUMB

    def _synchronous(self, number: SystemException, return_address: int) -> None:
        """An exception that an instruction causes must be taken at once, else it is a hard fault (B1.5.15)."""
        exceptions = self.exceptions
        if exceptions.preempts(number, self._level()):
            self._enter(number, return_address)
        else:
            self.control[Address.HFSR] |= FORCED
            self._hard_fault(return_address)

    def _fault(self, number: SystemException, status: int) -> None:
        if number is SystemException.HARD_FAULT:
            self.control[Address.HFSR] |= status
            self._hard_fault(self.pc)
            return
        self.control[Address.CFSR] |= status
        enabled = self.control[Address.SHCSR] & FAULT_ENABLE[number]
        if enabled and self.exceptions.preempts(number, self._level()):
            self._enter(number, self.pc)
        else:
            self.control[Address.HFSR] |= FORCED
            self._hard_fault(self.pc)

    def _hard_fault(self, return_address: int) -> None:
        if self._level() <= -1:
            raise LockUp(
                f"a fault at {self.pc:#x} in a fault handler: CFSR {self.control[Address.CFSR]:#x}, "
                f"HFSR {self.control[Address.HFSR]:#x}")
        self._enter(SystemException.HARD_FAULT, return_address)

    def _memory_fault(self, forbidden: Forbidden | None) -> None:
        assert forbidden is not None
        access, address = forbidden.access, forbidden.address
        protected = not self.protection.allows(access, address)
        if access is Access.FETCH:
            number = SystemException.MEMORY_FAULT if protected else SystemException.BUS_FAULT
            self._fault(number, FETCH_VIOLATION if protected else FETCH_ERROR)
        elif protected:
            self.control[Address.MMFAR] = address
            self._fault(SystemException.MEMORY_FAULT, DATA_VIOLATION | MMFAR_VALID)
        else:
            self.control[Address.BFAR] = address
            self._fault(SystemException.BUS_FAULT, PRECISE_ERROR | BFAR_VALID)

    def _write_flash(self, address: int, size: int, value: int) -> bool:
        if not self.protection.allows(Access.WRITE, address):
            return False
        return self._flash_write(address, size, value)
