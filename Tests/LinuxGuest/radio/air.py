"""The air between the controllers: who hears whom, and what becomes of a connection whose ends do not."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Protocol

from machine.places import PROJECT

sys.path.append(str(PROJECT / "Tests" / "Bumble"))
from bumble import hci, ll  # noqa: E402
from bumble.controller import Connection  # noqa: E402
from bumble.core import PhysicalTransport  # noqa: E402
from patches import Link, require_version  # noqa: E402  (shared with the conformance test, which is no package)

if TYPE_CHECKING:
    from .chip import Chip

require_version()


class Witness(Protocol):
    """Is told what goes over the air, when it goes."""

    def advertised(self, sender: Chip, packet: ll.AdvertisingPdu) -> None:
        """Advertisements, and requests for a connection."""

    def sent(self, sender: Chip, receiver: Chip, pdu: bytes) -> None:
        """A whole L2CAP PDU; with a pace, as the last packet of it begins."""


class Air(Link):
    """Bumble's link between controllers in one process, all of them `Chip`s, with distance.

    A chip out of range hears nothing and is not heard. Data for it waits with its sender, as on the air where it would be
    sent again and again; when that lasts longer than a connection's supervision timeout, each end loses it.
    """

    controllers: set[Chip]

    def __init__(self) -> None:
        super().__init__()
        #: Bytes a second that each chip sends at most; None: as fast as this machine is.
        self.pace: float | None = None
        self.witness: Witness | None = None

    # Connections, and whether their other end is there.

    def peer(self, chip: Chip, connection: Connection) -> Chip | None:
        """The chip at the other end of a connection, if that has the connection as well and the two hear each other."""
        for other in self.controllers:
            mirror = other.le_connections.get(connection.self_address)
            if mirror is not None and mirror.self_address == connection.peer_address and other is not chip:
                return other if chip.in_range and other.in_range else None
        return None

    def watch(self) -> None:
        """To be called when anything changed: an end that is alone now has its supervision timeout to be found again."""
        for chip in self.controllers:
            for connection in chip.le_connections.values():
                if self.peer(chip, connection) is None:
                    chip.begin_timeout(connection)
                else:
                    chip.end_timeout(connection)
            chip.send_on()

    # What is sent.

    def send_advertising_pdu(self, sender_controller: Chip, packet: ll.AdvertisingPdu) -> None:
        asyncio.get_running_loop().call_soon(self._advertise, sender_controller, packet)

    def _advertise(self, sender: Chip, packet: ll.AdvertisingPdu) -> None:
        if not sender.in_range:
            heard = []
        else:
            heard = [each for each in self.controllers if each is not sender and each.in_range]
            if self.witness is not None:
                self.witness.advertised(sender, packet)
        if isinstance(packet, ll.ConnectInd):
            # Only the one that it is meant for, and only while that advertises: else nobody answers the first packets.
            heard = [each for each in heard if each.advertises_as(packet.advertiser_address)][:1]
            if not heard:
                sender.failed_to_establish(packet.advertiser_address)
        for each in heard:
            each.on_ll_advertising_pdu(packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu) -> None:
        asyncio.get_running_loop().call_soon(self._control, sender_address, receiver_address, packet)

    def _control(self, sender: hci.Address, receiver: hci.Address, packet: ll.ControlPdu) -> None:
        for chip in self.controllers:
            connection = chip.le_connections.get(sender)
            if connection is not None and connection.self_address == receiver:
                # Whoever said that it ends has forgotten the connection already.
                if self.peer(chip, connection) is not None or (
                        isinstance(packet, ll.TerminateInd) and self._hear(sender, chip)):
                    chip.on_ll_control_pdu(sender, packet)

    def _hear(self, address: hci.Address, chip: Chip) -> bool:
        return chip.in_range and any(
            each.in_range for each in self.controllers if address in (each.public_address, each.random_address))

    def send_acl_data(
        self, sender_controller: Chip, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.peer(sender_controller, connection) if connection is not None else None
        if connection is not None and receiver is not None:
            if self.witness is not None:
                self.witness.sent(sender_controller, receiver, data)
            asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, connection.self_address, transport, data)
