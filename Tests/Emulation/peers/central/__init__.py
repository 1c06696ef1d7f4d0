"""A central of our own in the air: a second opinion beside the prebuilt controllers, exact to the picosecond, and as
bad as a test wants it.

It executes nothing, takes part in the world by appointments, and has the host interface of `peers.hci`:

    station     its time and its radio
    link        a connection: events, acknowledgement, encryption, and what it does wrong on command (`Faults`)
    procedures  link-layer control
    host        commands, events and data
"""

from .host import Controller
from .link import Faults, Link
from .procedures import Opcode, Procedures

__all__ = ["Controller", "Faults", "Link", "Opcode", "Procedures"]
