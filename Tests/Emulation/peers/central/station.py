"""Somebody in the world who is no chip: his time, and his radio."""

from __future__ import annotations

from collections.abc import Callable

from nrf52840 import MICROSECOND, World
from nrf52840.air import Checksum, Fate, Packet, Phy
from nrf52840.link_layer import ADVERTISING_CHANNELS, POLYNOMIAL
from nrf52840.timeline import Appointment, Timeline

#: Core Specification Vol 6 Part B 4.1.1: between packets, and what it may be off.
INTER_FRAME_SPACE, TOLERANCE = 150 * MICROSECOND, 2 * MICROSECOND
CHECKSUM_BYTES = 3

#: What becomes of listening: a packet, or None if none came; whether its checksum was right; when its last bit came in.
Listening = Callable[[Packet | None, bool, int], object]


def frequency_of(channel: int) -> int:
    """In MHz, of a channel's index (1.4.1)."""
    for frequency, advertising in ADVERTISING_CHANNELS.items():
        if advertising == channel:
            return frequency
    return (2404 if channel <= 10 else 2406) + 2 * channel


def duration(phy: Phy, body: int) -> int:
    """Of a packet with a body of so many bytes behind its header of two."""
    return phy.address_time + 8 * (2 + body + CHECKSUM_BYTES) * phy.bit


class Station:
    """Takes part in a world like a machine, and executes nothing: all that it does is done at appointments."""

    is_idle = True
    #: Of its clock, as of a machine's; it is right.
    drift = 0

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.now = world.now
        self.timeline = Timeline()
        self.radio = Antenna(self, world)
        #: Where a machine has what says whether it is awake, and its appointments.
        self.core = self
        world.join(self)
        world.air.radios.append(self.radio)

    def to_world(self, time: int) -> int:
        return time

    def to_local(self, time: int) -> int:
        return time

    def at(self, time: int, action: Callable[[], object]) -> Appointment:
        return self.timeline.at(time, action)

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None:
        """Runs up to a time, or until `condition` is no more true, which is asked whenever something was due."""
        while True:
            while (action := self.timeline.take_due(self.now)) is not None:
                action()
            if self.now >= deadline or condition is not None and not condition():
                return
            self.now = min(deadline, max(self.now, self.timeline.next_time()))


class Antenna:
    """A radio that sends at once, and listens as soon as it is told to."""

    def __init__(self, station: Station, world: World) -> None:
        #: The air's name for whose radio it is.
        self.machine = station
        self._air = world.air
        self._sends = False
        self._listening: Listening | None = None
        self._since = 0
        self._wanted: tuple[int, Phy, int] = (0, Phy.LE_1M, 0)
        self._channel, self._initial = 0, 0
        self._receiving: Packet | None = None
        self._end: Appointment | None = None

    @property
    def is_off(self) -> bool:
        return not self._sends and self._listening is None

    def send(
        self, channel: int, phy: Phy, address: int, initial: int, pdu: bytes, sent: Callable[[int], object]
    ) -> None:
        """Its first bit is in the air now; `sent` is told when the last one was."""
        self.stop()
        self._sends = True
        start = self.machine.now
        end = start + duration(phy, len(pdu) - 2)

        def over() -> None:
            self._sends = False
            sent(end)

        self._air.transmit(Packet(
            self.machine.name, start, end, frequency_of(channel), phy, address, channel,
            Checksum(CHECKSUM_BYTES, POLYNOMIAL, initial), pdu))
        self.machine.at(end, over)

    def listen(
        self, channel: int, phy: Phy, address: int, initial: int, heard: Listening, until: int | None = None
    ) -> None:
        """For one packet, which must begin before `until`."""
        self.stop()
        self._listening, self._since = heard, self.machine.now
        self._wanted, self._channel, self._initial = (frequency_of(channel), phy, address), channel, initial
        if until is not None:
            self._end = self.machine.at(until + phy.address_time + TOLERANCE, self._give_up)

    def stop(self) -> None:
        """Listens no more."""
        self._listening = self._receiving = None
        if self._end is not None:
            self._end.call_off()
            self._end = None

    def _give_up(self) -> None:
        heard = self._listening
        self.stop()
        assert heard is not None
        heard(None, False, self.machine.now)

    def hear(self, packet: Packet, fate: Fate, lateness: int) -> None:
        """From the air: a packet begins."""
        start, end = packet.start + lateness, packet.end + lateness
        self.machine.at(start + packet.phy.address_time, lambda: self._recognize(packet, start, end, fate))

    def _recognize(self, packet: Packet, start: int, end: int, fate: Fate) -> None:
        """Its address has come."""
        if self._listening is None or self._receiving is not None or self._since > start:
            return
        if self._wanted != (packet.frequency, packet.phy, packet.address):
            return
        self._receiving = packet
        if self._end is not None:
            self._end.call_off()
        self.machine.at(end, lambda: self._received(packet, end, fate))

    def _received(self, packet: Packet, end: int, fate: Fate) -> None:
        heard = self._listening
        if heard is None or self._receiving is not packet:
            return
        good = (
            fate is Fate.CLEAR and packet.checksum == Checksum(CHECKSUM_BYTES, POLYNOMIAL, self._initial)
            and packet.whitening == self._channel and not self._air.has_collided(packet))
        self.stop()
        heard(packet, good, end)
