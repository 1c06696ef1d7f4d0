"""RADIO: the 2.4 GHz transceiver in its Bluetooth modes 1M and 2M (nRF52840 PS, "RADIO").

Memory gets a received packet at its end, and at a bit counter's match what has come by then. A receiver hears a packet
if it listened on its frequency and in its mode before the packet began, and one of its addresses fits.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .air import Air, Chain, Checksum, Fate, Packet, Phy
from .errors import NotModelled, Violation
from .peripheral import Peripheral, reads, task, wrote
from .units import MICROSECOND

if TYPE_CHECKING:
    from .machine import Machine

#: To turn off, after transmitting and after receiving.
TRANSMITTER_OFF, RECEIVER_OFF = 6 * MICROSECOND, MICROSECOND // 2
FAST_RAMP = 1
#: PCNF0 as Bluetooth has it: 8 bits of length, a byte of header before it; a spare byte in memory, and 16 bits of
#: preamble, may come with it.
FORMAT, FORMAT_MASK = 0x108, 0x000F_01FF
SPARE_BYTE = 1 << 20
WHITENS = 1 << 25
#: Of the first header byte: whether the first address behind it is a random one. That address, and how many are looked for.
RANDOM_ADDRESS = 1 << 6
DEVICE_ADDRESS_BYTES, DEVICE_ADDRESSES = 6, 8
CHECKSUM_BYTES = 3


class State(enum.IntEnum):
    """Of STATE."""

    DISABLED = 0
    RECEIVER_RAMPS = 1
    RECEIVER_IDLE = 2
    RECEIVING = 3
    RECEIVER_STOPS = 4
    TRANSMITTER_RAMPS = 9
    TRANSMITTER_IDLE = 10
    TRANSMITTING = 11
    TRANSMITTER_STOPS = 12


RAMPING = (State.RECEIVER_RAMPS, State.TRANSMITTER_RAMPS)
STOPPING = (State.RECEIVER_STOPS, State.TRANSMITTER_STOPS)
TRANSMITTER = (State.TRANSMITTER_RAMPS, State.TRANSMITTER_IDLE, State.TRANSMITTING)


class Radio(Peripheral):
    blocks = ("RADIO",)
    #: Anomalies 102, 106 and 107, and coded PHY's (191).
    undocumented = {0x73C: 0, 0x740: 0, 0x774: 0}

    def __init__(self, machine: Machine, air: Air) -> None:
        self._air = air
        self.chain = Chain()
        super().__init__(machine)
        air.radios.append(self)

    def reset(self) -> None:
        super().reset()
        self.state = State.DISABLED
        #: Counts what it was told: what an earlier order has under way is void.
        self._order = 0
        self._listening_since = 0
        self._receiving: Packet | None = None
        self._buffer = 0
        #: When the last packet ended in the air, for T_IFS by hardware; whether a shortcut is asking.
        self._packet_end: int | None = None
        self._by_shortcut = False

    @property
    def is_off(self) -> bool:
        """Neither sends nor listens, and cannot before it was enabled and has ramped up."""
        return self.state is State.DISABLED

    # What it is set to.

    @property
    def phy(self) -> Phy:
        if self["MODE"] not in (Phy.LE_1M, Phy.LE_2M):
            raise NotModelled(f"RADIO.MODE = {self['MODE']}")
        return Phy(self["MODE"])

    @property
    def frequency(self) -> int:
        return 2400 + (self["FREQUENCY"] & 0x7F)

    @property
    def whitening(self) -> int | None:
        return self["DATAWHITEIV"] & 0x3F if self["PCNF1"] & WHITENS else None

    @property
    def checksum(self) -> Checksum:
        return Checksum(self["CRCCNF"] & 3, self["CRCPOLY"] & 0xFF_FFFF, self["CRCINIT"] & 0xFF_FFFF)

    @property
    def longest(self) -> int:
        return self["PCNF1"] & 0xFF

    @property
    def _body_offset(self) -> int:
        return 3 if self["PCNF0"] & SPARE_BYTE else 2

    def address(self, logical: int) -> int:
        prefixes = self["PREFIX0"] | self["PREFIX1"] << 32
        base = self["BASE1" if logical else "BASE0"]
        return (prefixes >> 8 * logical & 0xFF) << 24 | base >> 8

    # Tasks.

    @task("TXEN")
    def enable_transmitter(self) -> None:
        self._ramp(State.TRANSMITTER_RAMPS)

    @task("RXEN")
    def enable_receiver(self) -> None:
        self._ramp(State.RECEIVER_RAMPS)

    def _ramp(self, state: State) -> None:
        if self.state is not State.DISABLED:
            raise Violation(f"RADIO is enabled in state {self.state.name}")
        if not self.machine.power.high_frequency_crystal_runs:
            raise Violation("RADIO is enabled without the high-frequency crystal")
        if self["PCNF0"] & FORMAT_MASK != FORMAT or self.checksum.length != CHECKSUM_BYTES:
            raise NotModelled(f"RADIO.PCNF0 = {self['PCNF0']:#x}, CRCCNF = {self['CRCCNF']:#x}")
        self.state = state
        order = self._next_order()
        ready = self.core.now + (self.chain.fast_ramp if self["MODECNF0"] & FAST_RAMP else self.chain.slow_ramp)
        spacing = self["TIFS"] * MICROSECOND
        if state is State.TRANSMITTER_RAMPS and self._by_shortcut and spacing and self._packet_end is not None:
            # T_IFS by hardware.
            ready = max(ready, self._packet_end + spacing - self.chain.transmit)
        self.at(ready, lambda: self._ramped(order))

    def _ramped(self, order: int) -> None:
        if order != self._order:
            return
        transmits = self.state is State.TRANSMITTER_RAMPS
        self.state = State.TRANSMITTER_IDLE if transmits else State.RECEIVER_IDLE
        # The shortcuts to START follow from the events.
        self.event("TXREADY" if transmits else "RXREADY")
        self.event("READY")

    @task("START")
    def start(self) -> None:
        if self.state is State.TRANSMITTER_IDLE:
            self._transmit()
        elif self.state is State.RECEIVER_IDLE:
            self.state, self._listening_since = State.RECEIVING, self.core.now
            # Latched here: the program may set the next packet's.
            self._buffer = self["PACKETPTR"]
        else:
            raise Violation(f"RADIO.TASKS_START in state {self.state.name}")

    @task("STOP")
    def stop(self) -> None:
        self._next_order()
        self._receiving = None
        if self.state is State.TRANSMITTING:
            self.state = State.TRANSMITTER_IDLE
        elif self.state is State.RECEIVING:
            self.state = State.RECEIVER_IDLE

    @task("DISABLE")
    def disable(self) -> None:
        if self.state in STOPPING:
            return
        if self.state is State.DISABLED:
            self._disabled()
            return
        transmitter = self.state in TRANSMITTER
        self.state = State.TRANSMITTER_STOPS if transmitter else State.RECEIVER_STOPS
        self._receiving = None
        order = self._next_order()
        self.after(
            TRANSMITTER_OFF if transmitter else RECEIVER_OFF, lambda: self._disabled() if order == self._order else None)

    def _disabled(self) -> None:
        self.state = State.DISABLED
        self._by_shortcut = True
        self.event("DISABLED")
        self._by_shortcut = False
        self._packet_end = None

    @task("RSSISTART")
    def measure_strength(self) -> None:
        if self._receiving is not None:
            self["RSSISAMPLE"] = -self._air.strength(self._receiving.sender, self.machine.name) & 0x7F
        self.event("RSSIEND")

    @task("RSSISTOP")
    def stop_measuring(self) -> None:
        """A measurement takes no time here."""

    @task("BCSTART")
    def count_bits(self) -> None:
        order = self._order
        self.after(self["BCC"] * self.phy.bit, lambda: self._counted() if order == self._order else None)

    def _counted(self) -> None:
        if self._receiving is not None:
            self._store(self._receiving.pdu[:self["BCC"] // 8])
        self.event("BCMATCH")

    @task("BCSTOP")
    def stop_counting(self) -> None:
        """A count that has begun goes on: the program sees no more of it than an event."""

    def _next_order(self) -> int:
        self._order += 1
        return self._order

    @reads("STATE")
    def read_state(self) -> int:
        return self.state

    @wrote("POWER")
    def switched(self, value: int) -> None:
        """Off and on again is a reset of the peripheral."""
        if not value & 1:
            self.reset()

    # Transmitting.

    def _transmit(self) -> None:
        self.state = State.TRANSMITTING
        order, phy, pointer = self._next_order(), self.phy, self["PACKETPTR"]
        memory = self.machine.memory
        header = memory.read(pointer, 2, "RADIO")
        body = memory.read(pointer + self._body_offset, min(header[1], self.longest), "RADIO")
        pdu = header + body
        duration = phy.address_time + 8 * (len(pdu) + CHECKSUM_BYTES) * phy.bit
        begin = self.core.now + self.chain.transmit
        to_world = self.machine.to_world
        packet = Packet(
            self.machine.name, to_world(begin), to_world(begin + duration), self.frequency, phy,
            self.address(self["TXADDRESS"] & 7), self.whitening, self.checksum, pdu)
        self._air.transmit(packet)
        self.after(phy.address_time, lambda: self.event("ADDRESS") if order == self._order else None)
        self.after(duration, lambda: self._sent(order, begin + duration))

    def _sent(self, order: int, end: int) -> None:
        if order == self._order:
            self.state = State.TRANSMITTER_IDLE
            self._end_packet(end)

    def _end_packet(self, end: int) -> None:
        self._packet_end = end
        self.event("PAYLOAD")
        self.event("END")
        # A shortcut from END may have stopped the radio; PHYEND comes at the same time all the same.
        self.event("PHYEND")

    # Receiving.

    def hear(self, packet: Packet, fate: Fate, lateness: int) -> None:
        """A packet begins in the air."""
        begin = self.machine.to_local(packet.start + lateness)
        end = self.machine.to_local(packet.end + lateness)
        heard = begin + packet.phy.address_time + self.chain.receive(packet.phy)
        self.at(heard, lambda: self._recognize(packet, begin, end, fate))

    def _recognize(self, packet: Packet, begin: int, end: int, fate: Fate) -> None:
        """The packet's address has ended."""
        if self.state is not State.RECEIVING or self._receiving is not None or self._listening_since > begin:
            return
        if self.frequency != packet.frequency or self.phy is not packet.phy:
            return
        matches = [n for n in range(8) if self["RXADDRESSES"] >> n & 1 and self.address(n) == packet.address]
        if not matches:
            return
        self._receiving = packet
        order = self._next_order()
        self["RXMATCH"] = matches[0]
        self.event("ADDRESS")
        self.at(end + self.chain.receive(packet.phy), lambda: self._received(order, packet, end, fate))
        if self["DACNF"] & 0xFF and len(packet.pdu) >= 2 + DEVICE_ADDRESS_BYTES:
            self.after(
                8 * (2 + DEVICE_ADDRESS_BYTES) * packet.phy.bit,
                lambda: self._look_for_device(packet.pdu) if order == self._order else None)

    def _look_for_device(self, pdu: bytes) -> None:
        """The first six bytes of the body have come. A damaged packet counts as well: nobody knows yet."""
        is_random = bool(pdu[0] & RANDOM_ADDRESS)
        for index in range(DEVICE_ADDRESSES):
            wanted = self["DAP", index] << 32 | self["DAB", index]
            if (self["DACNF"] >> index & 1 and bool(self["DACNF"] >> 8 + index & 1) == is_random
                    and int.from_bytes(pdu[2:2 + DEVICE_ADDRESS_BYTES], "little") == wanted):
                self["DAI"] = index
                self.event("DEVMATCH")
                return
        self.event("DEVMISS")

    def _received(self, order: int, packet: Packet, end: int, fate: Fate) -> None:
        if order != self._order:
            return
        good = (
            fate is Fate.CLEAR and packet.checksum == self.checksum and packet.whitening == self.whitening
            and packet.pdu[1] <= self.longest and not self._air.has_collided(packet))
        self._store(packet.pdu if good else bytes(byte ^ 0x55 for byte in packet.pdu))
        self["CRCSTATUS"] = int(good)
        self.machine.packet_cipher.packet_received(self._buffer)
        self._receiving = None
        self.state = State.RECEIVER_IDLE
        self.event("CRCOK" if good else "CRCERROR")
        self._end_packet(end)

    def _store(self, pdu: bytes) -> None:
        body = pdu[2:2 + self.longest]
        self.machine.memory.write(self._buffer, pdu[:2], "RADIO")
        self.machine.memory.write(self._buffer + self._body_offset, body, "RADIO")
