"""The air between chips: who hears which packet, and what happens to it on the way."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .units import MICROSECOND, NANOSECOND


class Phy(enum.IntEnum):
    """What RADIO.MODE has for them."""

    LE_1M = 3
    LE_2M = 4

    @property
    def bit(self) -> int:
        return MICROSECOND if self is Phy.LE_1M else MICROSECOND // 2

    @property
    def address_time(self) -> int:
        """Preamble and access address: 8 bits, or 16 at 2M, and 32."""
        return (40 if self is Phy.LE_1M else 48) * self.bit


@dataclass(frozen=True, slots=True)
class Checksum:
    """How a CRC is made."""

    length: int
    polynomial: int
    initial: int


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """What one radio sends, in the world's time. Both ends must mean the same by checksum and whitening to understand
    each other."""

    sender: str
    start: int
    end: int
    #: MHz.
    frequency: int
    phy: Phy
    address: int
    #: The seed, which for Bluetooth is the channel; None without whitening.
    whitening: int | None
    checksum: Checksum
    #: Header, length, body: no spare byte.
    pdu: bytes

    @property
    def is_advertisement(self) -> bool:
        return self.address == 0x8E89_BED6

    def overlaps(self, other: Packet) -> bool:
        return self.frequency == other.frequency and self.start < other.end and other.start < self.end


class Fate(enum.Enum):
    """What becomes of a packet on the way to one receiver."""

    CLEAR = enum.auto()
    #: Its address is heard, its checksum is wrong.
    DAMAGED = enum.auto()
    LOST = enum.auto()


#: Decides about a packet for a receiver, named by its machine.
Weather = Callable[[Packet, str], Fate]
#: How much later than it was sent a packet comes in at a receiver: what clocks, ramps and filters of real chips add. Not
#: negative, and short beside an inter-frame space.
Lateness = Callable[[Packet, str], int]


class Noise:
    """Weather drawn by a seed: some packets are lost, some bits wrong, and some frequencies jammed."""

    def __init__(
        self, seed: int, *, loss: float = 0, bit_errors: float = 0, jammed: frozenset[int] = frozenset()
    ) -> None:
        self._random = random.Random(seed)
        #: How likely it is that nothing of a packet is heard, and that a bit behind its address is wrong.
        self.loss = loss
        self.bit_errors = bit_errors
        self.jammed = jammed

    def __call__(self, packet: Packet, _receiver: str) -> Fate:
        lost, damaged = self._random.random() < self.loss, self._random.random()
        if lost or packet.frequency in self.jammed:
            return Fate.LOST
        bits = 8 * (len(packet.pdu) + packet.checksum.length)
        return Fate.DAMAGED if damaged < 1 - (1 - self.bit_errors) ** bits else Fate.CLEAR


class Named(Protocol):
    name: str


class Receiver(Protocol):
    """A radio, and whose it is."""

    @property
    def machine(self) -> Named: ...

    def hear(self, packet: Packet, fate: Fate, lateness: int) -> None: ...


class Air:
    """Brings every packet to all other radios, and keeps what was sent."""

    def __init__(self) -> None:
        self.radios: list[Receiver] = []
        self.log: list[Packet] = []
        self.weather: Weather = lambda _packet, _receiver: Fate.CLEAR
        self.lateness: Lateness = lambda _packet, _receiver: 0
        #: How strong packets come in, in dBm, by the names of sender and receiver.
        self.strengths: dict[tuple[str, str], int] = {}

    def transmit(self, packet: Packet) -> None:
        self.log.append(packet)
        for radio in self.radios:
            name = radio.machine.name
            if name != packet.sender and (fate := self.weather(packet, name)) is not Fate.LOST:
                radio.hear(packet, fate, self.lateness(packet, name))

    def has_collided(self, packet: Packet) -> bool:
        """Whether another packet was on the same frequency at the same time."""
        return any(other is not packet and packet.overlaps(other) for other in self.log[-40:])

    def strength(self, sender: str, receiver: str) -> int:
        return self.strengths.get((sender, receiver), -60)

    def spaces(self, since: int = 0) -> list[float]:
        """The inter-frame spaces in the log, in microseconds: gaps of some 150 between two senders' packets. Scan
        requests and responses count as well."""
        gaps: list[float] = []
        for before, after in zip(self.log[since:], self.log[since + 1:]):
            gap = (after.start - before.end) / MICROSECOND
            if before.sender != after.sender and before.frequency == after.frequency and 100 < gap < 200:
                gaps.append(gap)
        return gaps


@dataclass(frozen=True, slots=True)
class Chain:
    """Delays of a radio: from its state machine to the antenna and back, and to ramp up, as Zephyr's controller has them.
    Nobody outside the vendor knows them well: tests may vary them."""

    transmit: int = 600 * NANOSECOND
    receive_1m: int = 9_400 * NANOSECOND
    receive_2m: int = 5_000 * NANOSECOND
    fast_ramp: int = 40 * MICROSECOND
    slow_ramp: int = 140 * MICROSECOND

    def receive(self, phy: Phy) -> int:
        return self.receive_1m if phy is Phy.LE_1M else self.receive_2m
