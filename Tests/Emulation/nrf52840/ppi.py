"""PPI: has events trigger tasks without the processor (nRF52840 PS, "PPI")."""

from __future__ import annotations

from . import registers
from .peripheral import Peripheral, task, wrote

CHANNELS, PROGRAMMABLE = 32, 20


def _address(name: str) -> int:
    """RADIO.TASKS_TXEN or TIMER0.EVENTS_COMPARE[1], as an address."""
    block_name, _, register = name.partition(".")
    block = registers.blocks()[block_name]
    return block.base + next(each.offset for each in block.registers if str(each) == register)


#: Channels whose ends are wired: from 20 on, an event and a task.
PRE_PROGRAMMED = (
    ("TIMER0.EVENTS_COMPARE[0]", "RADIO.TASKS_TXEN"), ("TIMER0.EVENTS_COMPARE[0]", "RADIO.TASKS_RXEN"),
    ("TIMER0.EVENTS_COMPARE[1]", "RADIO.TASKS_DISABLE"), ("RADIO.EVENTS_BCMATCH", "AAR.TASKS_START"),
    ("RADIO.EVENTS_READY", "CCM.TASKS_KSGEN"), ("RADIO.EVENTS_ADDRESS", "CCM.TASKS_CRYPT"),
    ("RADIO.EVENTS_ADDRESS", "TIMER0.TASKS_CAPTURE[1]"), ("RADIO.EVENTS_END", "TIMER0.TASKS_CAPTURE[2]"),
    ("RTC0.EVENTS_COMPARE[0]", "RADIO.TASKS_TXEN"), ("RTC0.EVENTS_COMPARE[0]", "RADIO.TASKS_RXEN"),
    ("RTC0.EVENTS_COMPARE[0]", "TIMER0.TASKS_CLEAR"), ("RTC0.EVENTS_COMPARE[0]", "TIMER0.TASKS_START"))
WIRED = {PROGRAMMABLE + at: (_address(event), _address(task)) for at, (event, task) in enumerate(PRE_PROGRAMMED)}


class Interconnect(Peripheral):
    blocks = ("PPI",)

    def reset(self) -> None:
        super().reset()
        #: What an event triggers, as far as channels are enabled; made when asked for after a change.
        self._routes: dict[int, list[int]] | None = {}

    def route(self, event: int) -> None:
        """The event at this address has happened."""
        if self._routes is None:
            self._routes = self._make_routes()
        for action in self._routes.get(event, ()):
            self.machine.bus.trigger(action)

    def _make_routes(self) -> dict[int, list[int]]:
        routes: dict[int, list[int]] = {}
        for channel in range(CHANNELS):
            if not self["CHEN"] >> channel & 1:
                continue
            event, action = WIRED.get(channel) or (self["CH.EEP", channel], self["CH.TEP", channel])
            routes.setdefault(event, []).extend(filter(None, (action, self["FORK.TEP", channel])))
        return routes

    @wrote("CHEN")
    def enabled(self, _value: int) -> None:
        self._routes = None

    @wrote("CHENSET")
    def switched_on(self, value: int) -> None:
        self["CHEN"] |= value
        self._routes = None

    @wrote("CHENCLR")
    def switched_off(self, value: int) -> None:
        self["CHEN"] &= ~value
        self._routes = None

    @wrote("CH.EEP")
    def event_chosen(self, _channel: int, _value: int) -> None:
        self._routes = None

    @wrote("CH.TEP")
    def task_chosen(self, _channel: int, _value: int) -> None:
        self._routes = None

    @wrote("FORK.TEP")
    def fork_chosen(self, _channel: int, _value: int) -> None:
        self._routes = None

    @task("CHG.EN")
    def enable_group(self, group: int) -> None:
        self.switched_on(self["CHG", group])

    @task("CHG.DIS")
    def disable_group(self, group: int) -> None:
        self.switched_off(self["CHG", group])
