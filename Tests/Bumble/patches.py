"""What Bumble 0.0.236 does not do as it should, put right; also for the radio of Tests/LinuxGuest."""
import asyncio
import importlib.metadata

from bumble import l2cap
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

BUMBLE = "0.0.236"


class Link(LocalLink):
    """A radio that labels data with the address that the connection was made with.

    LocalLink labels it with the sender's random address; a receiver drops what comes from a host that connected from
    its public one.
    """

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        if transport != PhysicalTransport.LE:
            super().send_acl_data(sender_controller, destination_address, transport, data)
            return
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection and receiver:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, connection.self_address, transport, data)


def on_channel_closed(self, channel):
    """Forgets a closed channel in both tables of the manager.

    The original looks in the second only when the first has nothing for the connection, so an LE channel stays in it
    and the next one on the same connection is refused by the manager itself.
    """
    for table, cid in (self.channels, channel.source_cid), (self.le_coc_channels, channel.destination_cid):
        table.get(channel.connection.handle, {}).pop(cid, None)


l2cap.ChannelManager.on_channel_closed = on_channel_closed


def require_version():
    if (version := importlib.metadata.version("bumble")) != BUMBLE:
        raise SystemExit(f"this was written against bumble {BUMBLE}, not {version}")
