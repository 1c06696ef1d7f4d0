"""Several chips in the same air and time.

Each runs in turn for a moment that is shorter than it takes until one can notice what another has begun to send: the
end of an access address, 24 µs at 2M. Their clocks may go wrong by some millionths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .air import Air
from .machine import Machine
from .units import MICROSECOND

MOMENT = 20 * MICROSECOND


class World:
    """Machines, and the time that is the same for all."""

    def __init__(self) -> None:
        self.air = Air()
        self.machines: list[Machine] = []
        self.now = 0

    def add(self, name: str, **options: Any) -> Machine:
        """A machine in this world, off; its time is the world's from now on."""
        if any(machine.name == name for machine in self.machines):
            raise ValueError(f"there is a machine {name} already")
        machine = Machine(name, air=self.air, **options)
        machine.run_until(machine.to_local(self.now))
        self.machines.append(machine)
        return machine

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None:
        """Runs up to a time, or until `condition` is no more true, which is asked every 20 µs at the latest."""
        if len(self.machines) == 1:
            machine = self.machines[0]
            machine.run_until(machine.to_local(deadline), condition)
            self.now = machine.to_world(machine.now)
            return
        while self.now < deadline and (condition is None or condition()):
            if all(machine.core.is_idle for machine in self.machines):
                wakes = (machine.to_world(machine.core.timeline.next_time()) for machine in self.machines)
                self.now = max(self.now, min(min(wakes, default=deadline), deadline))
            self.now = min(self.now + MOMENT, deadline)
            for machine in self.machines:
                machine.run_until(machine.to_local(self.now))

    def run_for(self, duration: int) -> None:
        self.run_until(self.now + duration)

    def run_while(self, condition: Callable[[], bool], limit: int) -> bool:
        """Runs while `condition` is true; False if it still is after so much time."""
        self.run_until(self.now + limit, condition)
        return not condition()
