"""What goes over a full-speed USB cable, as packets: the two ends of it see each other through this."""

from __future__ import annotations

import enum
from typing import Protocol


class Handshake(enum.Enum):
    """What a device answers to a token, when it has no data for it. NONE is silence: nobody has that endpoint."""

    ACK = enum.auto()
    NAK = enum.auto()
    STALL = enum.auto()
    NONE = enum.auto()


class HostEnd(Protocol):
    """What a device makes happen at the host's end. Calls come while the device runs: act later, by its timeline."""

    def connection_changed(self, is_connected: bool) -> None:
        """The pull-up came, or went."""

    def became_ready(self) -> None:
        """An endpoint that has answered NAK might not any more."""

    def woken(self) -> None:
        """The device drives a resume: remote wake-up."""
