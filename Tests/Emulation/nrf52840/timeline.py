"""What happens when: the events of one chip in its own time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

#: Later than anything.
NEVER = 1 << 62

Action = Callable[[], object]


@dataclass(eq=False, slots=True)
class Appointment:
    """Something that will happen, unless it is called off."""

    time: int
    action: Action | None

    def call_off(self) -> None:
        self.action = None

    @property
    def is_on(self) -> bool:
        return self.action is not None


class Timeline:
    """Appointments in the order of their times."""

    def __init__(self) -> None:
        #: Of two at the same time the one made first is kept first.
        self._heap: list[tuple[int, int, Appointment]] = []
        self._made = 0

    def at(self, time: int, action: Action) -> Appointment:
        self._made += 1
        appointment = Appointment(time, action)
        heapq.heappush(self._heap, (time, self._made, appointment))
        return appointment

    def next_time(self) -> int:
        """When the next appointment is; NEVER without one."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else NEVER

    def take_due(self, now: int) -> Action | None:
        """The next appointment's action, if its time has come."""
        if self.next_time() > now:
            return None
        appointment = heapq.heappop(self._heap)[2]
        action, appointment.action = appointment.action, None
        return action
