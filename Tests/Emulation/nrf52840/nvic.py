"""Exceptions: which are pending, enabled, active, and which comes next (Armv7-M ARM B1.5 and B3.4)."""

from __future__ import annotations

import enum


class SystemException(enum.IntEnum):
    """Numbers of the processor's own exceptions."""

    RESET = 1
    NMI = 2
    HARD_FAULT = 3
    MEMORY_FAULT = 4
    BUS_FAULT = 5
    USAGE_FAULT = 6
    SUPERVISOR_CALL = 11
    DEBUG_MONITOR = 12
    PENDABLE_CALL = 14
    SYSTEM_TICK = 15


#: The number of interrupt 0.
FIRST_INTERRUPT = 16
INTERRUPTS = 48
FIXED_PRIORITIES: dict[int, int] = {
    SystemException.RESET: -3, SystemException.NMI: -2, SystemException.HARD_FAULT: -1}
#: Less urgent than any exception: what runs when none is active.
THREAD = 256
#: The chip has three bits of a priority.
PRIORITY_BITS = 0xE0


class Exceptions:
    """The state of all exceptions. Numbers are those of exceptions: an interrupt's is 16 more."""

    def __init__(self) -> None:
        self.pending: set[int] = set()
        self.enabled: set[int] = set()
        #: The handlers that run, the innermost last.
        self.active: list[int] = []
        self.priorities = [0] * (FIRST_INTERRUPT + INTERRUPTS)
        #: AIRCR.PRIGROUP: from this bit downwards a priority does not preempt.
        self.grouping = 0
        #: SCR.SEVONPEND: whether what becomes pending is an event for WFE.
        self.pending_is_event = False
        self.event = False
        self._high: set[int] = set()
        self.taken: dict[int, int] = {}

    def priority(self, number: int) -> int:
        return FIXED_PRIORITIES.get(number, self.priorities[number])

    def set_priority(self, number: int, priority: int) -> None:
        self.priorities[number] = priority & PRIORITY_BITS

    @property
    def group_mask(self) -> int:
        """The bits of a priority that decide about preemption."""
        return 0xFF & ~((2 << self.grouping) - 1)

    def group(self, priority: int) -> int:
        """The part of a priority that decides about preemption."""
        return priority if priority < 0 else priority & self.group_mask

    # Becoming pending.

    def set_pending(self, number: int) -> None:
        if number not in self.pending and self.pending_is_event:
            self.event = True
        self.pending.add(number)

    def clear_pending(self, number: int) -> None:
        """Without effect while a peripheral holds the line."""
        if number not in self._high:
            self.pending.discard(number)

    def set_line(self, number: int, is_high: bool) -> bool:
        """A peripheral's interrupt line. Whether it made the interrupt pending."""
        if not is_high:
            self._high.discard(number)
            return False
        if number in self._high:
            return False
        self._high.add(number)
        # In its own handler too: that runs once more then.
        self.set_pending(number)
        return True

    # Being taken.

    def best(self) -> int | None:
        """The most urgent of those that are pending and enabled."""
        best: int | None = None
        urgency = (THREAD, 0)
        for number in self.pending:
            if number >= FIRST_INTERRUPT and number not in self.enabled:
                continue
            if (mine := (self.priority(number), number)) < urgency:
                best, urgency = number, mine
        return best

    def active_priority(self) -> int:
        """How urgent what runs is, masks aside."""
        return min((self.group(self.priority(number)) for number in self.active), default=THREAD)

    def preempts(self, number: int, level: int) -> bool:
        return self.group(self.priority(number)) < level

    def enter(self, number: int) -> None:
        self.pending.discard(number)
        self.active.append(number)
        self.event = True
        self.taken[number] = self.taken.get(number, 0) + 1

    def leave(self) -> int:
        """The handler that ran has returned. A line that is still high makes its interrupt pending again."""
        number = self.active.pop()
        self.event = True
        if number in self._high:
            self.set_pending(number)
        return number
