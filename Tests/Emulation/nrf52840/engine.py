"""Executes instructions: Unicorn, with what one must know of it kept in here.

Unicorn is QEMU's translator as a library. For the Cortex-M it has instructions and banked stack pointers, but no
exceptions, no sleep and no time. `Engine.run` executes until something needs one of these, and says what.

What it does not notice: LDRD, LDM, VLDR and their like at an address that is no multiple of four, which are faults on the
chip.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unicorn import UC_ARCH_ARM, UC_ERR_INSN_INVALID, UC_ERR_OK, UC_HOOK_CODE, UC_HOOK_INTR, UC_HOOK_MEM_INVALID
from unicorn import UC_MEM_FETCH_PROT, UC_MEM_FETCH_UNMAPPED, UC_MEM_WRITE_PROT, UC_MEM_WRITE_UNMAPPED
from unicorn import UC_MODE_MCLASS, UC_MODE_THUMB, UC_PROT_ALL, UC_PROT_EXEC, UC_PROT_READ, UC_PROT_WRITE
from unicorn import Uc, UcError, arm_const
from unicorn.unicorn_py3.unicorn import uclib

from .errors import ModelError
from .native import State, before_instruction

RAM_BASE = 0x2000_0000
#: No code is there, so nothing ends a run by getting there.
NOWHERE = 0xFFFF_FFFE
WAIT_FOR_EVENT, WAIT_FOR_INTERRUPT = 0xBF20, 0xBF30
#: XPSR.T.
THUMB = 1 << 24


class End(enum.Enum):
    """Why a run has ended."""

    LIMIT = enum.auto()
    MASKS = enum.auto()
    NO_COPROCESSOR = enum.auto()
    WAIT_FOR_INTERRUPT = enum.auto()
    WAIT_FOR_EVENT = enum.auto()
    SUPERVISOR_CALL = enum.auto()
    EXCEPTION_RETURN = enum.auto()
    BREAKPOINT = enum.auto()
    INVALID_STATE = enum.auto()
    UNDEFINED = enum.auto()
    MEMORY = enum.auto()


#: By `reason` in engine.c.
STOPS = {1: End.LIMIT, 2: End.MASKS, 3: End.NO_COPROCESSOR}
#: By QEMU's numbers of exceptions.
TRAPS = {2: End.SUPERVISOR_CALL, 7: End.BREAKPOINT, 8: End.EXCEPTION_RETURN, 18: End.INVALID_STATE}


class Access(enum.Enum):
    READ = enum.auto()
    WRITE = enum.auto()
    FETCH = enum.auto()


@dataclass(frozen=True, slots=True)
class Forbidden:
    """An access that memory refused."""

    access: Access
    address: int


class Register(enum.IntEnum):
    """Registers by their numbers at Unicorn."""

    R0 = arm_const.UC_ARM_REG_R0
    R1 = arm_const.UC_ARM_REG_R1
    R2 = arm_const.UC_ARM_REG_R2
    R3 = arm_const.UC_ARM_REG_R3
    R12 = arm_const.UC_ARM_REG_R12
    SP = arm_const.UC_ARM_REG_SP
    LR = arm_const.UC_ARM_REG_LR
    PC = arm_const.UC_ARM_REG_PC
    XPSR = arm_const.UC_ARM_REG_XPSR
    MSP = arm_const.UC_ARM_REG_MSP
    PSP = arm_const.UC_ARM_REG_PSP
    CONTROL = arm_const.UC_ARM_REG_CONTROL
    PRIMASK = arm_const.UC_ARM_REG_PRIMASK
    BASEPRI = arm_const.UC_ARM_REG_BASEPRI
    FAULTMASK = arm_const.UC_ARM_REG_FAULTMASK
    FPSCR = arm_const.UC_ARM_REG_FPSCR
    S0 = arm_const.UC_ARM_REG_S0


MASKS = (Register.PRIMASK, Register.BASEPRI, Register.FAULTMASK)

#: Unicorn's for registers: of a read offset and size, of a write the value too, each with a pointer that nobody needs.
ON_READ = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p)
ON_WRITE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p)
#: Peripherals: an offset and a size, for a write the value too.
Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]
#: The processor writes a word to flash: its address, its size and the value. False: that is a fault.
FlashWrite = Callable[[int, int, int], bool]


class RegisterSet:
    """Some registers that are read or written with one call."""

    def __init__(self, unicorn: ctypes.c_void_p, registers: Sequence[int]) -> None:
        count = len(registers)
        self._unicorn = unicorn
        self._count = count
        self._values = (ctypes.c_uint32 * count)()
        self._ids = (ctypes.c_int * count)(*registers)
        base = ctypes.addressof(self._values)
        self._places = (ctypes.c_void_p * count)(*(base + 4 * index for index in range(count)))

    def read(self) -> list[int]:
        uclib.uc_reg_read_batch(self._unicorn, self._ids, self._places, self._count)
        return list(self._values)

    def write(self, values: Sequence[int]) -> None:
        self._values[:] = list(values)
        uclib.uc_reg_write_batch(self._unicorn, self._ids, self._places, self._count)


class Engine:
    """A Cortex-M4F that executes instructions from flash at 0 and RAM at 0x20000000, and does nothing else."""

    def __init__(self, flash_bytes: int, ram_bytes: int, flash_write: FlashWrite) -> None:
        self.flash = (ctypes.c_uint8 * flash_bytes)()
        self.ram = (ctypes.c_uint8 * ram_bytes)()
        self._flash_write = flash_write
        self._failure: BaseException | None = None
        self._trap: int | None = None
        #: The access that was refused, after a run that ended with MEMORY.
        self.forbidden: Forbidden | None = None
        self._uc = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        uc.mem_map_ptr(0, flash_bytes, UC_PROT_READ | UC_PROT_EXEC, ctypes.addressof(self.flash))
        uc.mem_map_ptr(RAM_BASE, ram_bytes, UC_PROT_ALL, ctypes.addressof(self.ram))
        uc.hook_add(UC_HOOK_INTR, self._on_trap)
        uc.hook_add(UC_HOOK_MEM_INVALID, self._on_forbidden)
        self._unicorn: ctypes.c_void_p = uc._uch
        #: Unicorn has only pointers to them.
        self._callbacks: list[object] = []
        self._program_counter = RegisterSet(self._unicorn, (Register.PC,))
        #: Where to go on, after a run.
        self.pc = 0
        self._hook()
        self._sets: dict[tuple[int, ...], RegisterSet] = {}
        self._fresh = uc.context_save()
        self._emu_start = uclib.uc_emu_start

    def _hook(self) -> None:
        self.state = state = State(
            mask_registers=MASKS, flash=ctypes.addressof(self.flash), ram=ctypes.addressof(self.ram),
            flash_bytes=len(self.flash), ram_base=RAM_BASE, ram_bytes=len(self.ram),
            emu_stop=ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value,
            reg_read=ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p).value)
        handle = ctypes.c_size_t()
        # From 1 to 0 means everywhere.
        status = uclib.uc_hook_add(
            self._unicorn, ctypes.byref(handle), UC_HOOK_CODE, before_instruction(),
            ctypes.cast(ctypes.byref(state), ctypes.c_void_p), ctypes.c_uint64(1), ctypes.c_uint64(0))
        if status != UC_ERR_OK:
            raise UcError(status)

    def reset(self) -> None:
        """All registers as in the beginning; memory stays."""
        self._uc.context_restore(self._fresh)
        self.state.event = 0

    def map_registers(self, base: int, size: int, read: Read, write: Write) -> None:
        """What raises in there is raised again by `run`, after the instruction."""

        def on_read(_unicorn: object, offset: int, size: int, _: object) -> int:
            try:
                return read(base + offset, size)
            except BaseException as error:  # noqa: BLE001  (C is above us)
                self._fail(error)
                return 0

        def on_write(_unicorn: object, offset: int, size: int, value: int, _: object) -> None:
            try:
                write(base + offset, size, value)
            except BaseException as error:  # noqa: BLE001
                self._fail(error)

        # Not by `Uc.mmio_map`, whose wrappers take as long as all that is done here.
        callbacks = ON_READ(on_read), ON_WRITE(on_write)
        self._callbacks.append(callbacks)
        read_pointer, write_pointer = (ctypes.cast(each, ctypes.c_void_p) for each in callbacks)
        status = uclib.uc_mmio_map(self._unicorn, base, size, read_pointer, None, write_pointer, None)
        if status != UC_ERR_OK:
            raise UcError(status)

    def map_constants(self, base: int, content: bytes) -> None:
        """Memory that is only read."""
        self._uc.mem_map(base, len(content), UC_PROT_READ)
        self._uc.mem_write(base, content)

    def forbid_execution(self, of_ram: bool) -> None:
        permissions = UC_PROT_READ | UC_PROT_WRITE if of_ram else UC_PROT_ALL
        self._uc.mem_protect(RAM_BASE, len(self.ram), permissions)

    def forget_code(self, address: int, size: int) -> None:
        """Flash was changed: what was translated of it is out of date."""
        self._uc.ctl_remove_cache(address, address + size)

    # Registers.

    def registers(self, *registers: int) -> RegisterSet:
        if (found := self._sets.get(registers)) is None:
            found = self._sets[registers] = RegisterSet(self._unicorn, registers)
        return found

    def __getitem__(self, register: int) -> int:
        return self.registers(register).read()[0]

    def __setitem__(self, register: int, value: int) -> None:
        self.registers(register).write((value & 0xFFFF_FFFF,))

    # Running.

    @property
    def executed(self) -> int:
        """Instructions of this run, as far as it is."""
        return int(self.state.executed)

    def stop_after(self, instructions: int) -> None:
        """From within a run: lets that many more be executed, no more than were granted."""
        state = self.state
        state.limit = min(state.limit, state.executed + instructions)

    def run(self, pc: int, limit: int, *, waiting: int | None = None, group_mask: int = 0xFF) -> End:
        """Executes up to `limit` instructions, or until PRIMASK, BASEPRI and FAULTMASK let through an exception of the
        priority `waiting`, of which the bits in `group_mask` count. After it `executed` says how many, and PC is the next
        one, or for UNDEFINED, NO_COPROCESSOR, BREAKPOINT and MEMORY the one that cannot be executed."""
        state = self.state
        state.executed, state.limit, state.reason = 0, limit, 0
        state.watches_masks = waiting is not None
        if waiting is not None:
            state.waiting, state.group_mask = waiting, group_mask
        self._trap, self.forbidden = None, None
        status = self._emu_start(self._unicorn, pc | 1, NOWHERE, 0, 0)
        self.pc = self._program_counter.read()[0]
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return self._end(status)

    def _end(self, status: int) -> End:
        state = self.state
        if self._trap is not None:
            if self._trap not in TRAPS:
                raise ModelError(f"trap {self._trap} of the translator at {state.address:#x}")
            return TRAPS[self._trap]
        if self.forbidden is not None:
            return End.MEMORY
        pc = self.pc
        if state.reason and pc == state.address:
            state.executed -= 1
            return STOPS[state.reason]
        opcode = self._opcode(state.address)
        # Unicorn takes WFE for an invalid instruction, although it goes past it.
        if status == UC_ERR_INSN_INVALID and opcode == WAIT_FOR_EVENT:
            return End.WAIT_FOR_EVENT
        if status == UC_ERR_INSN_INVALID:
            return End.UNDEFINED if self[Register.XPSR] & THUMB else End.INVALID_STATE
        if status != UC_ERR_OK:
            raise ModelError(f"{UcError(status)} at {pc:#x}")
        if state.reason:
            # An IT block that ends with a branch: stopped behind it.
            return End.LIMIT
        if opcode == WAIT_FOR_INTERRUPT:
            return End.WAIT_FOR_INTERRUPT
        raise ModelError(f"the translator stopped at {pc:#x} for no reason that is known")

    def _opcode(self, address: int) -> int:
        memory, offset = (self.ram, address - RAM_BASE) if address >= RAM_BASE else (self.flash, address)
        return int.from_bytes(memory[offset:offset + 2], "little")

    # What Unicorn calls.

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self.stop_after(0)

    def _on_trap(self, uc: Uc, number: int, _: object) -> None:
        self._trap = number
        uc.emu_stop()

    def _on_forbidden(self, _uc: Uc, kind: int, address: int, size: int, value: int, _: object) -> bool:
        try:
            if kind == UC_MEM_WRITE_PROT and self._flash_write(address, size, value & (1 << 8 * size) - 1):
                return True
        except BaseException as error:  # noqa: BLE001
            self._fail(error)
            return True
        if kind in (UC_MEM_FETCH_PROT, UC_MEM_FETCH_UNMAPPED):
            access = Access.FETCH
        else:
            access = Access.WRITE if kind in (UC_MEM_WRITE_PROT, UC_MEM_WRITE_UNMAPPED) else Access.READ
        self.forbidden = Forbidden(access, address)
        return False
