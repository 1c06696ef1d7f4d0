"""A virtual controller: Bumble's, with what that leaves out and a host may depend on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque

from .air import Air

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport

#: What a radio packet of the longest kind carries, and a packet between a host and its controller.
ACL_LENGTH = 251
ACL_BUFFERS = 16
#: Seconds that a chip whose timer comes late makes up for, on a machine that has more to do.
LATENESS = 0.05


@dataclasses.dataclass
class Advertisement(ll.AdvInd):
    """An advertisement with what a scanner would be told if it asked, and how strong it comes in, in dBm."""

    scan_response: bytes
    signal: int


class Chip(Controller):
    """One radio. Hosts come and go through an `H4Port`; a chip that has none has no power.

    Bumble's controller answers scan requests with the advertisement, cannot cancel a connection, keeps everything over a
    reset, tells a peripheral fixed parameters of a connection, and never loses one. This one does as the standard has it.
    """

    link: Air
    # Claimed by Bumble, which has neither the commands nor the events: with any of these Linux waits 20 s for an Enhanced
    # Connection Complete while everything else it has to say to the controller waits behind that.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING)

    def __init__(self, name: str, air: Air, public_address: str) -> None:
        super().__init__(name, link=air, public_address=public_address)
        self.le_acl_data_packet_length = ACL_LENGTH
        self.total_num_le_acl_data_packets = ACL_BUFFERS
        #: How strong others hear it, in dBm.
        self.signal = -50
        #: Octets of data that came over the air.
        self.received = 0
        self._in_range = True
        self._connecting: ll.ConnectInd | None = None
        #: Seconds, by the handle of a connection.
        self._supervision: dict[int, float] = {}
        self._timeouts: dict[int, asyncio.TimerHandle] = {}
        self._waiting: deque[hci.HCI_AclDataPacket] = deque()
        self._free_at = 0.0
        self._wake: asyncio.TimerHandle | None = None

    @property
    def in_range(self) -> bool:
        return self._in_range

    @in_range.setter
    def in_range(self, value: bool) -> None:
        self._in_range = value
        self.link.watch()

    # The host.

    def host_came(self) -> None:
        self.forget_everything()

    def host_went(self) -> None:
        self.forget_everything()

    def forget_everything(self) -> None:
        """Without a word to anybody: as after a reset, or when the power comes. The other ends will notice."""
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_connections.clear()
        self._waiting.clear()
        for timer in self._timeouts.values():
            timer.cancel()
        self._timeouts.clear()
        self.link.watch()

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.forget_everything()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        if (pending := self.pending_le_connection) is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        # After the command has completed.
        asyncio.get_running_loop().call_soon(self.send_hci_packet, hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, connection_handle=0, role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type, peer_address=pending.peer_address,
            connection_interval=0, peripheral_latency=0, supervision_timeout=0, central_clock_accuracy=0))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if isinstance(packet, hci.HCI_LE_Connection_Complete_Event) and packet.status == hci.HCI_ErrorCode.SUCCESS:
            if self._connecting is not None:
                packet = hci.HCI_LE_Connection_Complete_Event(
                    status=packet.status, connection_handle=packet.connection_handle, role=packet.role,
                    peer_address_type=packet.peer_address_type, peer_address=packet.peer_address,
                    connection_interval=self._connecting.interval, peripheral_latency=self._connecting.latency,
                    supervision_timeout=self._connecting.timeout, central_clock_accuracy=0)
            self._supervision[packet.connection_handle] = packet.supervision_timeout / 100
        elif isinstance(packet, hci.HCI_LE_Connection_Update_Complete_Event):
            self._supervision[packet.connection_handle] = packet.supervision_timeout / 100
        super().send_hci_packet(packet)

    # Advertising, and what is heard of it.

    def advertises_as(self, address: hci.Address) -> bool:
        return self.le_legacy_advertiser.enabled and self.le_legacy_advertiser.address == address

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, ll.AdvInd):
            packet = Advertisement(
                packet.advertiser_address, packet.data, self.le_legacy_advertiser.scan_response_data, self.signal)
        super().send_advertising_pdu(packet)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        assert isinstance(pdu, Advertisement)
        if self.le_scan_enable:
            kinds = hci.HCI_LE_Advertising_Report_Event.EventType
            self._report(pdu, kinds.ADV_IND, pdu.data)
            if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING:
                self._report(pdu, kinds.SCAN_RSP, pdu.scan_response)
        if (pending := self.pending_le_connection) and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(
        self, pdu: Advertisement, kind: hci.HCI_LE_Advertising_Report_Event.EventType, data: bytes) -> None:
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind, address_type=pdu.advertiser_address.address_type, address=pdu.advertiser_address,
            data=data, rssi=pdu.signal)]))

    # Connections.

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        self._connecting = packet
        try:
            super().on_le_connect_ind(packet)
        finally:
            self._connecting = None

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        # Both ends may say so at the same time.
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)
            self.end_timeout(connection)
            self.link.watch()

    def failed_to_establish(self, advertiser: hci.Address) -> None:
        if connection := self.le_connections.get(advertiser):
            self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def lose(self, connection: Connection) -> None:
        """The supervision timeout is over."""
        self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def begin_timeout(self, connection: Connection) -> None:
        if connection.handle not in self._timeouts:
            self._timeouts[connection.handle] = asyncio.get_running_loop().call_later(
                self._supervision.get(connection.handle, 1.0), self.lose, connection)

    def end_timeout(self, connection: Connection) -> None:
        if timer := self._timeouts.pop(connection.handle, None):
            timer.cancel()

    # Data.

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        self._waiting.append(packet)
        self.send_on()

    def send_on(self) -> None:
        """Sends what waits and may go now. The host is told of a packet's completion when it went, not before."""
        loop = asyncio.get_running_loop()
        # Who had nothing to send was not late.
        lateness = LATENESS if self._wake is not None else 0
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while (index := self._next()) is not None:
            pace = self.link.pace
            if pace is not None and loop.time() < self._free_at:
                self._wake = loop.call_at(self._free_at, self.send_on)
                return
            packet = self._waiting[index]
            del self._waiting[index]
            super().on_hci_acl_data_packet(packet)
            if pace is not None:
                self._free_at = max(loop.time() - lateness, self._free_at) + len(packet.data) / pace

    def _next(self) -> int | None:
        """Of the first packet whose receiver is in range: one board that is not does not hold up the others."""
        index = 0
        while index < len(self._waiting):
            connection = self.find_le_connection_by_handle(self._waiting[index].connection_handle)
            if connection is None:
                del self._waiting[index]
            elif self.link.peer(self, connection) is not None:
                return index
            else:
                index += 1
        return None

    def on_link_acl_data(self, sender_address: hci.Address, transport: PhysicalTransport, data: bytes) -> None:
        connection = self.le_connections.get(sender_address)
        if connection is None:
            return
        self.received += len(data)
        length = self.le_acl_data_packet_length
        for offset in range(0, len(data), length):
            piece = data[offset:offset + length]
            self.send_hci_packet(hci.HCI_AclDataPacket(connection.handle, 2 if offset == 0 else 1, 0, len(piece), piece))
