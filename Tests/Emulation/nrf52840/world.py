"""Several chips in the same air and time.

Those whose radios are on run in turn for a moment that is shorter than it takes until one can notice what another has
begun to send: the end of an access address, 24 µs at 2M. Who has its radio off neither hears nor is heard, and may run
ahead until it switches it on: what it sends or hears then begins later than that. The order makes no difference to what
happens. Clocks may go wrong by some millionths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .air import Air
from .machine import Machine
from .timeline import Timeline
from .units import MICROSECOND

MOMENT = 20 * MICROSECOND


class Receiver(Protocol):
    """A radio, as far as the order of things depends on it."""

    @property
    def is_off(self) -> bool: ...


class Processor(Protocol):
    """What somebody does, likewise."""

    timeline: Timeline

    @property
    def is_idle(self) -> bool: ...


class Participant(Protocol):
    """A machine, or somebody who is none and has a radio too."""

    name: str

    @property
    def core(self) -> Processor: ...

    @property
    def radio(self) -> Receiver: ...

    @property
    def now(self) -> int: ...

    def to_world(self, time: int) -> int: ...

    def to_local(self, time: int) -> int: ...

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None: ...


class World:
    """Machines, and the time that is the same for all."""

    def __init__(self) -> None:
        self.air = Air()
        self.machines: list[Participant] = []
        self.now = 0

    def add(self, name: str, **options: Any) -> Machine:
        """A machine in this world, off; its time is the world's from now on."""
        self._check(name)
        machine = Machine(name, air=self.air, **options)
        machine.run_until(machine.to_local(self.now))
        self.machines.append(machine)
        return machine

    def join(self, participant: Participant) -> None:
        """Somebody who is no machine, at this time."""
        self._check(participant.name)
        self.machines.append(participant)

    def _check(self, name: str) -> None:
        if any(machine.name == name for machine in self.machines):
            raise ValueError(f"there is a machine {name} already")

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None:
        """Runs up to a time, or until `condition` is no more true, which is asked every 20 µs at the latest."""
        if len(self.machines) == 1:
            machine = self.machines[0]
            machine.run_until(machine.to_local(deadline), condition)
            self.now = machine.to_world(machine.now)
            return
        while self.now < deadline and (condition is None or condition()):
            goal = deadline
            if condition is not None:
                goal = min(self._next_event(self.machines, deadline) + MOMENT, deadline)
            self._run_together(goal)

    def _next_event(self, machines: list[Participant], deadline: int) -> int:
        """When one of them has something to do: now, if one is awake."""
        if not all(machine.core.is_idle for machine in machines):
            return self.now
        wakes = (machine.to_world(machine.core.timeline.next_time()) for machine in machines)
        return max(self.now, min(min(wakes, default=deadline), deadline))

    def _run_together(self, goal: int) -> None:
        while self.now < goal:
            for machine in self.machines:
                radio = machine.radio
                if radio.is_off:
                    machine.run_until(machine.to_local(goal), lambda radio=radio: radio.is_off)  # type: ignore[misc]
            audible = [machine for machine in self.machines if not machine.radio.is_off]
            # All others have got there; of these, one that has just switched on may be ahead of the rest.
            reached = min((machine.to_world(machine.now) for machine in audible), default=goal)
            self.now = max(self.now, min(reached, goal))
            if self.now < goal:
                self.now = min(self._next_event(audible, goal) + MOMENT, goal)
                for machine in audible:
                    machine.run_until(machine.to_local(self.now))

    def run_for(self, duration: int) -> None:
        self.run_until(self.now + duration)

    def run_while(self, condition: Callable[[], bool], limit: int) -> bool:
        """Runs while `condition` is true; False if it still is after so much time."""
        self.run_until(self.now + limit, condition)
        return not condition()
