"""The processor's own registers, from 0xE000E000 on: SysTick, NVIC, system control block, MPU, FPU (Armv7-M ARM B3)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .errors import NotModelled, Violation
from .nvic import FIRST_INTERRUPT, INTERRUPTS, SystemException

if TYPE_CHECKING:
    from .core import Core

#: The private peripheral bus.
BASE, SIZE = 0xE000_0000, 0x10_0000


class Address(enum.IntEnum):
    """Registers that do something, or say something about the processor."""

    DWT_CTRL = 0xE000_1000
    DWT_CYCCNT = 0xE000_1004
    ICTR = 0xE000_E004
    ACTLR = 0xE000_E008
    SYST_CSR = 0xE000_E010
    SYST_RVR = 0xE000_E014
    SYST_CVR = 0xE000_E018
    SYST_CALIB = 0xE000_E01C
    CPUID = 0xE000_ED00
    ICSR = 0xE000_ED04
    VTOR = 0xE000_ED08
    AIRCR = 0xE000_ED0C
    SCR = 0xE000_ED10
    CCR = 0xE000_ED14
    SHCSR = 0xE000_ED24
    CFSR = 0xE000_ED28
    HFSR = 0xE000_ED2C
    DFSR = 0xE000_ED30
    MMFAR = 0xE000_ED34
    BFAR = 0xE000_ED38
    AFSR = 0xE000_ED3C
    CPACR = 0xE000_ED88
    MPU_TYPE = 0xE000_ED90
    MPU_CTRL = 0xE000_ED94
    MPU_RNR = 0xE000_ED98
    MPU_RBAR = 0xE000_ED9C
    MPU_RASR = 0xE000_EDA0
    DHCSR = 0xE000_EDF0
    DEMCR = 0xE000_EDFC
    STIR = 0xE000_EF00
    FPCCR = 0xE000_EF34
    FPCAR = 0xE000_EF38
    FPDSCR = 0xE000_EF3C


#: Their values after reset, where it is not 0. The CPUID is a Cortex-M4 r0p1's.
AFTER_RESET = {
    Address.DWT_CTRL: 0x4000_0000, Address.ICTR: 1, Address.CPUID: 0x410F_C241, Address.AIRCR: 0xFA05_0000,
    Address.CCR: 0x200, Address.MPU_TYPE: 0x800, Address.FPCCR: 0xC000_0000}
READ_ONLY = {
    Address.ICTR, Address.CPUID, Address.MPU_TYPE, Address.SYST_CALIB, Address.DWT_CYCCNT, Address.DHCSR, Address.FPCAR}
PROTECTION = {int(Address.MPU_RBAR), int(Address.MPU_RASR)}
WRITE_ONE_TO_CLEAR = {Address.CFSR, Address.HFSR, Address.DFSR}
#: By bytes: what they are for the NVIC are priorities.
INTERRUPT_PRIORITIES = range(0xE000_E400, 0xE000_E400 + INTERRUPTS)
SYSTEM_PRIORITIES = range(0xE000_ED18, 0xE000_ED24)
FIRST_SYSTEM_PRIORITY = 4
#: Each of these is an array of words, with a bit for every interrupt.
ENABLE, DISABLE, PEND, CLEAR, ACTIVE = (0xE000_E100 + 0x80 * index for index in range(5))
RESET_KEY = 0x05FA
RESET_REQUEST = 1 << 2
PENDABLE_CALL_SET, PENDABLE_CALL_CLEAR = 1 << 28, 1 << 27
NMI_SET = 1 << 31
SEND_EVENT_ON_PENDING = 1 << 4
DEEP_SLEEP = 1 << 2
TICK_ENABLE = 1 << 0
FULL_ACCESS_TO_FLOATING_POINT = 0xF << 20


class SystemControl:
    """Answers for the registers; what they mean for the processor is in `Core`, `Exceptions` and `Protection`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.values: dict[int, int] = {}
        self.reset()

    def reset(self) -> None:
        self.values = {int(address): AFTER_RESET.get(address, 0) for address in Address}

    def __getitem__(self, address: Address) -> int:
        return self.values[address]

    def __setitem__(self, address: Address, value: int) -> None:
        self.values[address] = value

    def read(self, address: int, size: int) -> int:
        if address in INTERRUPT_PRIORITIES or address in SYSTEM_PRIORITIES:
            return sum(self._core.exceptions.priorities[self._of_priority(address + at)] << 8 * at for at in range(size))
        if size != 4:
            raise Violation(f"read of {size} bytes at {address:#x}, whose registers are words")
        if (interrupts := self._interrupts(address)) is not None:
            return self._read_interrupts(address, interrupts)
        if address == Address.ICSR:
            return self._state()
        if address == Address.DWT_CYCCNT:
            return self._core.cycles & 0xFFFF_FFFF
        if address in (Address.MPU_RBAR, Address.MPU_RASR):
            return self._core.protection.read(address == Address.MPU_RBAR)
        if address not in self.values:
            raise NotModelled(f"read of {address:#x} of the processor")
        return self.values[address]

    def write(self, address: int, size: int, value: int) -> None:
        if address in INTERRUPT_PRIORITIES or address in SYSTEM_PRIORITIES:
            for at in range(size):
                self._core.exceptions.set_priority(self._of_priority(address + at), value >> 8 * at & 0xFF)
            self._core.poke()
            return
        if size != 4:
            raise Violation(f"write of {size} bytes at {address:#x}, whose registers are words")
        if (interrupts := self._interrupts(address)) is not None:
            chosen = [number for bit, number in enumerate(interrupts) if value >> bit & 1]
            self._change_interrupts(address, chosen)
            return
        if address in PROTECTION:
            # At every switch of threads, of some systems.
            self._core.protection.write(address == Address.MPU_RBAR, value)
            return
        if address not in self.values or address in READ_ONLY:
            raise NotModelled(f"write of {value:#x} to {address:#x} of the processor")
        self._change(Address(address), value)

    def _change(self, address: Address, value: int) -> None:
        core = self._core
        if address in WRITE_ONE_TO_CLEAR:
            self.values[address] &= ~value
        elif address is Address.ICSR:
            if value & NMI_SET:
                core.pend(SystemException.NMI)
            if value & PENDABLE_CALL_SET:
                core.pend(SystemException.PENDABLE_CALL)
            if value & PENDABLE_CALL_CLEAR:
                core.exceptions.clear_pending(SystemException.PENDABLE_CALL)
        elif address is Address.STIR:
            core.pend(FIRST_INTERRUPT + (value & 0x1FF))
        elif address is Address.AIRCR:
            self._restart(value)
        else:
            self.values[address] = value
            self._changed(address, value)

    def _restart(self, value: int) -> None:
        if value >> 16 != RESET_KEY:
            raise Violation(f"write of {value:#x} to AIRCR without its key")
        self._core.exceptions.grouping = value >> 8 & 7
        self.values[Address.AIRCR] = 0xFA05_0000 | value & 0x700
        if value & RESET_REQUEST:
            self._core.request_reset()

    def _changed(self, address: Address, value: int) -> None:
        core = self._core
        match address:
            case Address.SYST_CSR if value & TICK_ENABLE:
                raise NotModelled("SysTick")
            case Address.SCR:
                if value & DEEP_SLEEP:
                    raise NotModelled("SCR.SLEEPDEEP, which this chip does not have")
                core.exceptions.pending_is_event = bool(value & SEND_EVENT_ON_PENDING)
            case Address.CPACR:
                access = value & FULL_ACCESS_TO_FLOATING_POINT
                core.engine.state.lacks_coprocessor = access != FULL_ACCESS_TO_FLOATING_POINT
            case Address.VTOR if value & 0x7F:
                raise Violation(f"VTOR {value:#x}, which is not aligned")
            case Address.MPU_CTRL:
                core.protection.changed()
            case _:
                pass

    @staticmethod
    def _of_priority(address: int) -> int:
        if address in INTERRUPT_PRIORITIES:
            return FIRST_INTERRUPT + address - INTERRUPT_PRIORITIES.start
        return FIRST_SYSTEM_PRIORITY + address - SYSTEM_PRIORITIES.start

    @staticmethod
    def _interrupts(address: int) -> range | None:
        """The exceptions for which a word of the NVIC has bits, if it is one."""
        offset = address - ENABLE
        if not 0 <= offset < 5 * 0x80:
            return None
        word = (offset & 0x7F) // 4
        if 32 * word >= INTERRUPTS:
            raise NotModelled(f"interrupts from {32 * word} on: the chip has {INTERRUPTS}")
        first = FIRST_INTERRUPT + 32 * word
        return range(first, min(first + 32, FIRST_INTERRUPT + INTERRUPTS))

    def _read_interrupts(self, address: int, numbers: range) -> int:
        exceptions = self._core.exceptions
        which = address & ~0x7F
        holders = exceptions.enabled if which in (ENABLE, DISABLE) else (
            exceptions.pending if which in (PEND, CLEAR) else set(exceptions.active))
        return sum(1 << index for index, number in enumerate(numbers) if number in holders)

    def _change_interrupts(self, address: int, numbers: list[int]) -> None:
        exceptions = self._core.exceptions
        match address & ~0x7F:
            case 0xE000_E100:
                exceptions.enabled.update(numbers)
            case 0xE000_E180:
                exceptions.enabled.difference_update(numbers)
            case 0xE000_E200:
                for number in numbers:
                    exceptions.set_pending(number)
            case 0xE000_E280:
                for number in numbers:
                    exceptions.clear_pending(number)
            case _:
                raise Violation("write to NVIC_IABR, which is read-only")
        self._core.poke()

    def _state(self) -> int:
        exceptions = self._core.exceptions
        active = exceptions.active[-1] if exceptions.active else 0
        best = exceptions.best() or 0
        only_one = len(exceptions.active) == 1
        return (
            active | best << 12 | only_one << 11
            | any(number >= FIRST_INTERRUPT for number in exceptions.pending) << 22
            | (SystemException.PENDABLE_CALL in exceptions.pending) << 28)
