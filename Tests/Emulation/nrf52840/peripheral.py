"""What all peripherals have in common: tasks, events, interrupts, shortcuts (nRF52840 PS, "Peripheral interface").

A model of a peripheral names its registers as the product specification does:

    class Generator(Peripheral):
        blocks = ("RNG",)

        @task("START")
        def start(self) -> None:
            self.after(VALUE_TIME, lambda: self.event("VALRDY"))

        @wrote("CONFIG")
        def configured(self, value: int) -> None: ...

Of one of several registers, handlers are told the index first: `@task("CAPTURE") def capture(self, index)`. What has no
handler is plain storage; a task without one ends the run, as does a write to what is only read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from . import registers
from .errors import NotModelled, Violation
from .registers import Key, Register
from .timeline import Appointment

if TYPE_CHECKING:
    from .machine import Machine

Handler = TypeVar("Handler", bound=Callable[..., Any])
FIRST_EVENT = 0x100
#: Registers that switch bits of another one: which one, by the name's end, and whether on.
SWITCHES = {"SET": True, "CLR": False}


def _marked(kind: str, name: str) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        marks: set[tuple[str, str]] = getattr(handler, "handles", set())
        handler.handles = marks | {(kind, name)}  # type: ignore[attr-defined]
        return handler

    return mark


def task(name: str) -> Callable[[Handler], Handler]:
    """Triggered by the program, by a shortcut or by the PPI."""
    return _marked("task", "TASKS_" + name)


def wrote(name: str) -> Callable[[Handler], Handler]:
    """Called after a register has its new value, with that."""
    return _marked("wrote", name)


def reads(name: str) -> Callable[[Handler], Handler]:
    """Gives what a read returns."""
    return _marked("reads", name)


@dataclass(slots=True)
class Event:
    """An event register, and what hangs on it."""

    offset: int
    bit: int
    shortcuts: list[tuple[int, Callable[[], object]]] = field(default_factory=list)


class Peripheral:
    """One block of registers, which may be several peripherals' that share an address and an interrupt."""

    #: The peripherals of registers.txt that this is the model of.
    blocks: ClassVar[tuple[str, ...]]
    #: Registers that vendor code uses for work-arounds, and what there is after a reset. They only keep what is written.
    undocumented: dict[int, int] = {}
    #: Registers whose bits are cleared by writing ones.
    cleared_by_ones: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, machine: Machine, blocks: tuple[str, ...] | None = None) -> None:
        self.machine = machine
        self.core = machine.core
        known = registers.blocks()
        found = [known[name] for name in (blocks or self.blocks)]
        self.name = found[0].name
        self.base = found[0].base
        #: The number of its exception.
        self.exception = 16 + (self.base >> 12 & 0xFF)
        self._registers: dict[int, Register] = {}
        for register in (register for block in found for register in block.registers):
            # Of two names for the same place the first counts.
            self._registers.setdefault(register.offset, register)
        self._offsets: dict[Key, int] = {r.key: r.offset for block in found for r in block.registers}
        #: The same, with plain names for those that are no arrays: it is asked very often.
        self._places: dict[str | tuple[str, int], int] = {
            name if index is None else (name, index): offset for (name, index), offset in self._offsets.items()}
        self._handlers = self._find_handlers()
        self.values: dict[int, int] = {}
        self._tasks: dict[Key, Callable[[], object]] = {}
        self._events: dict[Key, Event] = {}
        self._interrupts = 0
        #: Bits of the events that have happened.
        self._happened = 0
        self._line = False
        self._epoch = 0
        for register in self._registers.values():
            if register.name.startswith("TASKS_"):
                self._tasks[register.key] = self._task(register)
            elif register.name.startswith("EVENTS_"):
                bit = 1 << (register.offset - FIRST_EVENT) // 4
                self._events[register.key] = Event(register.offset, bit)
        for block in found:
            for shortcut in block.shortcuts:
                self._events[shortcut.event].shortcuts.append((1 << shortcut.bit, self._tasks[shortcut.task]))
        self._shorts_offset = self._offsets.get(("SHORTS", None))
        machine.bus.connect(self)
        self.reset()

    def reset(self) -> None:
        """As after a reset of the chip. What it had planned does not happen."""
        self.values = {offset: register.after_reset for offset, register in self._registers.items()}
        self.values |= self.undocumented
        self._interrupts = self._happened = 0
        self._epoch += 1
        self._set_line()

    def _find_handlers(self) -> dict[tuple[str, str], Callable[..., Any]]:
        found: dict[tuple[str, str], Callable[..., Any]] = {}
        for kind in reversed(type(self).__mro__):
            for name, member in vars(kind).items():
                for mark in getattr(member, "handles", ()):
                    found[mark] = getattr(self, name)
        return found

    def _handler(self, kind: str, register: Register) -> Callable[..., Any] | None:
        handler = self._handlers.get((kind, register.name))
        if handler is None or register.index is None:
            return handler
        index = register.index
        return lambda *rest: handler(index, *rest)

    # For the models.

    def __getitem__(self, name: str | tuple[str, int]) -> int:
        return self.values[self._places[name]]

    def __setitem__(self, name: str | tuple[str, int], value: int) -> None:
        self.values[self._places[name]] = value & 0xFFFF_FFFF

    def after(self, duration: int, action: Callable[[], object]) -> Appointment:
        """Does something later, unless the chip is reset before."""
        return self.at(self.core.now + duration, action)

    def at(self, time: int, action: Callable[[], object]) -> Appointment:
        epoch = self._epoch
        return self.core.at(time, lambda: action() if epoch == self._epoch else None)

    def event(self, name: str, index: int | None = None) -> None:
        """Something has happened: its register says so, interrupts, shortcuts and the PPI follow."""
        event = self._events["EVENTS_" + name, index]
        self.values[event.offset] = 1
        self._happened |= event.bit
        if self._interrupts & event.bit:
            self._set_line()
        if event.shortcuts and self._shorts_offset is not None and (shorts := self.values[self._shorts_offset]):
            for bit, action in event.shortcuts:
                if shorts & bit:
                    action()
        if self.routes(event.bit):
            self.machine.ppi.route(self.base + event.offset)

    def routes(self, bit: int) -> bool:
        """Whether an event gets to the PPI."""
        return True

    def forget(self, name: str, index: int | None = None) -> None:
        """Clears an event, as a program does that has seen it."""
        self._clear(self._events["EVENTS_" + name, index])

    def has_happened(self, name: str, index: int | None = None) -> bool:
        return bool(self.values[self._events["EVENTS_" + name, index].offset])

    def interrupts_on(self, name: str, index: int | None = None) -> bool:
        """Whether an event interrupts the processor."""
        return bool(self._interrupts & self._events["EVENTS_" + name, index].bit)

    def interrupt_on(self, name: str, index: int | None = None) -> None:
        """Lets an event interrupt the processor."""
        self._write_interrupts(self._interrupts | self._events["EVENTS_" + name, index].bit)

    def trigger(self, name: str, index: int | None = None) -> None:
        """Triggers one of its own tasks."""
        self._tasks["TASKS_" + name, index]()

    def trigger_at(self, address: int) -> None:
        """Triggers the task at an address, as the PPI does."""
        register = self._registers.get(address - self.base)
        if register is None or register.key not in self._tasks:
            raise Violation(f"the PPI is to trigger {address:#x}, which is no task")
        self._tasks[register.key]()

    def _set_line(self) -> None:
        line = bool(self._interrupts & self._happened)
        if line != self._line:
            self._line = line
            self.core.set_line(self.exception, line)

    # For the bus: a function for each register.

    def readers(self) -> dict[int, Callable[[], int]]:
        found: dict[int, Callable[[], int]] = {}
        for offset, register in self._registers.items():
            found[self.base + offset] = self._reader(register)
        for offset in self.undocumented:
            found[self.base + offset] = lambda offset=offset: self.values[offset]  # type: ignore[misc]
        return found

    def writers(self) -> dict[int, Callable[[int], None]]:
        found: dict[int, Callable[[int], None]] = {}
        for offset, register in self._registers.items():
            found[self.base + offset] = self._writer(register)
        for offset in self.undocumented:
            found[self.base + offset] = lambda value, offset=offset: self._keep(offset, value)  # type: ignore[misc]
        return found

    def name_of(self, address: int) -> str:
        register = self._registers.get(address - self.base)
        return f"{self.name}.{register or hex(address - self.base)}"

    def _keep(self, offset: int, value: int) -> None:
        self.values[offset] = value

    def _task(self, register: Register) -> Callable[[], object]:
        handler = self._handler("task", register)
        if handler is not None:
            return handler

        def missing() -> None:
            raise NotModelled(f"{self.name}.{register}")

        return missing

    def _reader(self, register: Register) -> Callable[[], int]:
        if handler := self._handler("reads", register):
            return handler
        if register.name == "INTEN" or register.name.removeprefix("INTEN") in SWITCHES:
            return lambda: self._interrupts
        if switched := self._switched(register):
            return lambda: self.values[switched]
        offset = register.offset
        return lambda: self.values[offset]

    def _writer(self, register: Register) -> Callable[[int], None]:
        offset = register.offset
        if register.name.startswith("TASKS_"):
            return self._trigger_writer(self._tasks[register.key])
        if register.name.startswith("EVENTS_"):
            return lambda value: self._write_event(register, value)
        if register.name == "INTEN":
            return lambda value: self._write_interrupts(value)
        if register.name.removeprefix("INTEN") in SWITCHES:
            return self._interrupt_switch(SWITCHES[register.name[-3:]])
        if register.name in self.cleared_by_ones:
            return self._switch(offset, False)
        if handler := self._handler("wrote", register):
            store_and_tell = handler

            def write(value: int) -> None:
                self.values[offset] = value
                store_and_tell(value)

            return write
        if switched := self._switched(register):
            return self._switch(switched, SWITCHES[register.name[-3:]])
        if register.access == "r":
            return lambda value: self._refuse(register, value)
        return lambda value: self._keep(offset, value)

    @staticmethod
    def _trigger_writer(action: Callable[[], object]) -> Callable[[int], None]:
        def write(value: int) -> None:
            if value & 1:
                action()

        return write

    def _switched(self, register: Register) -> int:
        """The offset of the register whose bits this one sets or clears; 0 if it is none of those."""
        if register.name[-3:] not in SWITCHES:
            return 0
        return self._offsets.get((register.name[:-3], register.index), 0)

    def _switch(self, offset: int, on: bool) -> Callable[[int], None]:
        def write(value: int) -> None:
            self.values[offset] = self.values[offset] | value if on else self.values[offset] & ~value

        return write

    def _interrupt_switch(self, on: bool) -> Callable[[int], None]:
        return lambda value: self._write_interrupts(self._interrupts | value if on else self._interrupts & ~value)

    def _write_interrupts(self, value: int) -> None:
        self._interrupts = value
        self._set_line()

    def _write_event(self, register: Register, value: int) -> None:
        if value:
            raise Violation(f"write of {value:#x} to {self.name}.{register}: a program only clears events")
        self._clear(self._events[register.key])

    def _clear(self, event: Event) -> None:
        self.values[event.offset] = 0
        self._happened &= ~event.bit
        self._set_line()

    def _refuse(self, register: Register, value: int) -> None:
        raise Violation(f"write of {value:#x} to {self.name}.{register}, which is only read")
